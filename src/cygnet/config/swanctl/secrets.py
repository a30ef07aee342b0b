"""``secrets``: shared keys with their owners, key files with their passphrases.

What stands here is a secret, so no error shows a line of it: only its place and keyword.
"""

from __future__ import annotations

from collections.abc import Iterator

from cygnet.config.diagnostics import BadValue, did_you_mean
from cygnet.config.keywords.authentication import identity
from cygnet.config.keywords.swanctl.others import SECRETS
from cygnet.config.secret_text import base64_of, hexadecimal
from cygnet.config.swanctl.reading import Problems
from cygnet.config.tree import Section, Setting
from cygnet.model.config import SecretKind, SharedSecret
from cygnet.values.errors import ConfigError
from cygnet.values.identity import Identity
from cygnet.values.secret import Secret

_FILES = (SecretKind.PKCS8, SecretKind.RSA, SecretKind.ECDSA, SecretKind.P12)
_NTLM = 16  #: bytes


class _Bad(Exception):
    def __init__(self, setting: Setting | Section, keyword: str, reason: str) -> None:
        self.error = ConfigError(setting.place, keyword, reason)


def secrets(section: Section, problems: Problems) -> Iterator[SharedSecret]:
    for one in section.sections.values():
        try:
            yield _secret(one, problems)
        except _Bad as why:
            problems.errors.append(why.error)


def _secret(section: Section, problems: Problems) -> SharedSecret:
    kind = next((SECRETS[word] for word in sorted(SECRETS, key=len, reverse=True)
                 if section.name.startswith(word)), None)  # fmt: skip
    if kind is None:
        near = did_you_mean(section.name, SECRETS)
        raise _Bad(section, section.name, f"a secret's section begins with one of {', '.join(SECRETS)}{near}")
    last = {s.key: s for s in section.settings if s.value is not None}
    allowed = _keys(kind)
    for key, setting in last.items():
        if key not in allowed and not ("id" in allowed and key.startswith("id")):
            reason = f"unknown keyword, ignored; known are {', '.join(allowed)}"
            problems.warnings.append(ConfigError(setting.place, key, reason))
    if kind is SecretKind.PIN:
        return _token(section, last)
    if kind in _FILES:
        if "file" not in last:
            raise _Bad(section, "file", f"the key file's name is missing in '{section.name}'")
        passphrase = _value(last["secret"]) if "secret" in last else Secret(b"")
        return SharedSecret(kind, (), passphrase, file=last["file"].value or "", name=section.name)
    if "secret" not in last:
        raise _Bad(section, "secret", f"the secret is missing in '{section.name}'")
    secret = _value(last["secret"])
    if kind is SecretKind.NTLM and len(secret) != _NTLM:
        raise _Bad(last["secret"], "secret", "an NTLM hash is 16 bytes: 0x and 32 hexadecimal digits")
    owners = [_owner(s) for key, s in last.items() if key.startswith("id")]
    return SharedSecret(kind, tuple(o for o in owners if not o.is_any), secret, name=section.name)


def _keys(kind: SecretKind) -> tuple[str, ...]:
    if kind is SecretKind.PIN:
        return ("handle", "slot", "module", "pin")
    return ("file", "secret") if kind in _FILES else ("secret", "id")


def _token(section: Section, last: dict[str, Setting]) -> SharedSecret:
    handle = last.get("handle")
    if handle is None:
        raise _Bad(section, "handle", f"the key's handle is missing in '{section.name}'")
    slot, module = (last[k].value or "" if k in last else "" for k in ("slot", "module"))
    where = f"%smartcard{slot}{f'@{module}' if module else ''}:{handle.value}"
    return SharedSecret(SecretKind.PIN, (), _value(last["pin"]) if "pin" in last else Secret(b""), where,
                        section.name)  # fmt: skip


def _owner(setting: Setting) -> Identity:
    try:
        return identity(setting.value or "")
    except BadValue as why:
        raise _Bad(setting, setting.key, why.reason) from None


def _value(setting: Setting) -> Secret:
    text = setting.value or ""
    try:
        if text[:2] == "0x":
            return Secret(hexadecimal(text[2:]))
        if text[:2] == "0s":
            return Secret(base64_of(text[2:]))
    except ValueError as why:
        raise _Bad(setting, setting.key, str(why)) from None
    if not text:
        raise _Bad(setting, setting.key, "the secret is empty")
    return Secret(text.encode("utf-8", "surrogateescape"))
