"""ipsec.secrets: who shares which secret with whom, and where private keys are.

    192.0.2.1 @peer : PSK "a secret"        the owners; none: everybody
    : PSK 0x4a6f                            hexadecimal; 0s begins base64
    user : EAP 'pass word'
    @hub-key : PPK 0x4a6f...                cygnet's own: a post-quantum preshared key by its name
    : RSA key.pem "passphrase"              files with private keys
    : PIN %smartcard:50 1234                a private key on a token
    include secrets.d/*.secrets

Every line is read and each bad one reported: one typo does not lose the entries below it.
No error shows what could be a secret: the source line is cut off behind the type.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from cygnet.config.diagnostics import BadValue, nearest
from cygnet.config.files import FileSystem
from cygnet.config.includes import Includes, unescape_pattern, unreadable
from cygnet.config.keywords.authentication import identity
from cygnet.config.lookalikes import lookalike
from cygnet.config.secret_text import base64_of, hexadecimal
from cygnet.config.tree import SourceLine
from cygnet.model.config import SecretKind, SharedSecret
from cygnet.values.errors import ConfigError
from cygnet.values.identity import Identity
from cygnet.values.secret import Secret

_INCLUDE = re.compile(r"\s*include\s+")
#: A word, or a string in either kind of quotes, which may not be closed.
_WORD = re.compile(r"\s*(?:\"(?P<double>[^\"]*)(?P<d>\"?)|'(?P<single>[^']*)(?P<s>'?)|(?P<bare>\S+))")
_TYPES = re.compile(r"\b(?:PSK|PPK|EAP|XAUTH|NTLM|RSA|ECDSA|BLISS|PKCS8|P12|PIN)\b")
_SMARTCARD = re.compile(r"%smartcard(\d+)?(@[^:]+)?:([0-9a-fA-F]{2})+")
_ENCODED = {"0x": hexadecimal, "0s": base64_of}


@dataclass(slots=True)
class Secrets:
    secrets: list[SharedSecret] = field(default_factory=list)
    errors: list[ConfigError] = field(default_factory=list)
    warnings: list[ConfigError] = field(default_factory=list)
    missing: bool = False  #: there is no such file


class _BadLine(Exception):
    """A line that gives no secret: column, keyword, and a reason that holds no part of a secret."""

    def __init__(self, position: int, keyword: str, reason: str) -> None:
        super().__init__(reason)
        self.position, self.keyword, self.reason = position, keyword, reason


@dataclass(slots=True)
class _Words:
    """A line, taken word by word. ``visible``: how much of it may be shown in an error."""

    line: SourceLine
    position: int = 0
    visible: int = 0

    def take(self) -> tuple[str, bool, int] | None:
        """The next word, whether it was in quotes, and where it began; None at the end."""
        match = _WORD.match(self.line.text, self.position)
        if not match:
            return None
        self.position = match.end()
        for name, closing in (("double", "d"), ("single", "s")):
            if match[name] is not None:
                if not match[closing]:
                    raise _BadLine(match.start(name) - 1, "", "the closing quote is missing")
                return match[name], True, match.start(name) - 1
        return match["bare"], False, match.start("bare")

    def rest(self) -> str:
        return self.line.text[self.position :].strip()

    def error(self, position: int, keyword: str, reason: str) -> ConfigError:
        """An error at ``position``; behind what may be shown the column does not count on (it
        would tell a secret's length)."""
        shown = self._shown()
        column = min(position, self.visible + 1 if self.visible else 0) + 1
        return shown.error(column, keyword, reason)

    def _shown(self) -> SourceLine:
        text = self.line.text
        if not self.visible:  # nothing was understood: cut off behind what looks like a type
            types = _TYPES.search(text)
            self.visible = types.end() if types else 0
        hidden = " ..." if text[self.visible :].strip() else ""
        text = text[: self.visible] + hidden if self.visible else ""
        return SourceLine(self.line.file, self.line.number, text)


@dataclass(slots=True)
class _Parser:
    includes: Includes
    found: Secrets = field(default_factory=Secrets)

    def file(self, path: str, text: str) -> None:
        for number, raw in enumerate(text.split("\n"), 1):
            line = SourceLine(path, number, raw.removesuffix("\r"))
            if not line.text.strip() or line.text.lstrip().startswith("#"):
                continue
            if include := _INCLUDE.match(line.text):
                pattern, _ = unescape_pattern(line.text[include.end() :])
                for included, content in self.includes.open(line, pattern, include.end() + 1):
                    self.file(included, content)
                continue
            self.entry(_Words(line))

    def entry(self, words: _Words) -> None:
        try:
            owners, kind = self.header(words)
            self.found.secrets.append(_KINDS[kind](self, words, kind, owners))
        except _BadLine as why:
            self.found.errors.append(words.error(why.position, why.keyword, why.reason))

    def header(self, words: _Words) -> tuple[tuple[Identity, ...], str]:
        """The owners before the colon and the type behind it."""
        owners: list[Identity] = []
        while (word := words.take()) and word[:2] != (":", False):
            self.owner(owners, *word)
        if word is None:
            raise _BadLine(0, "", "a ':' with blanks around it must stand between the owners and the type")
        words.visible = words.position
        kind = words.take()
        if kind is None:
            raise _BadLine(words.position, "", f"a type must follow the ':': {', '.join(_KINDS)}")
        text, is_quoted, start = kind
        if text not in _KINDS or is_quoted:
            near = "" if is_quoted else nearest(text.lower(), [k.lower() for k in _KINDS]).upper()
            words.visible = words.position if near else words.visible
            hint = f"; did you mean '{near}'?" if near else ""
            raise _BadLine(start, "", f"what follows the ':' is not one of {', '.join(_KINDS)}{hint}")
        words.visible = words.position
        return tuple(owners), text

    def owner(self, owners: list[Identity], text: str, is_quoted: bool, start: int) -> None:
        if text.endswith(":") and not is_quoted and text.count(":") == 1:
            raise _BadLine(start + len(text) - 1, "", "a blank must stand before the ':'")
        if text.startswith(":") and text[1:] in _KINDS and not is_quoted:
            raise _BadLine(start, "", "a blank must stand behind the ':'")
        try:
            found = identity(text)
        except BadValue as why:
            raise _BadLine(start, "", why.reason) from None
        if not found.is_any:
            owners.append(found)

    def warn(self, words: _Words, position: int, keyword: str, reason: str) -> None:
        self.found.warnings.append(words.error(position, keyword, reason))


def _secret(parser: _Parser, words: _Words, kind: str) -> Secret:
    """A secret as written: quoted as it is, else 0x, 0s or bare up to a blank."""
    word = words.take()
    if word is None:
        raise _BadLine(words.position, kind, "the secret is missing")
    text, is_quoted, start = word
    if not text:
        raise _BadLine(start, kind, "the secret is empty")
    rest = words.rest()
    if rest and not rest.startswith("#"):
        hint = "" if is_quoted else ", as strongSwan does; put it in double quotes if the blank belongs to it"
        parser.warn(words, words.position, kind, f"what stands behind the secret is ignored{hint}")
    if not is_quoted and (what := lookalike(text[0])):
        parser.warn(words, start, kind, f"the secret begins with {what}; plain quotes are \" and '")
    read = None if is_quoted else _ENCODED.get(text[:2].lower())
    if read is not None:
        try:
            return Secret(read(text[2:]))
        except ValueError as why:
            raise _BadLine(start, kind, str(why)) from None
    return Secret(text.encode("utf-8", "surrogateescape"))


def _shared(parser: _Parser, words: _Words, kind: str, owners: tuple[Identity, ...]) -> SharedSecret:
    secret = _secret(parser, words, kind)
    if kind == "NTLM" and len(secret) != 16:
        raise _BadLine(words.visible, kind, "an NTLM hash is 16 bytes: 0x and 32 hexadecimal digits")
    return SharedSecret(SecretKind.EAP if kind == "XAUTH" else SecretKind[kind], owners, secret)


def _key_file(parser: _Parser, words: _Words, kind: str, owners: tuple[Identity, ...]) -> SharedSecret:
    """``RSA file [passphrase|%prompt]``."""
    word = words.take()
    if word is None:
        raise _BadLine(words.position, kind, "the name of the key file is missing")
    passphrase = _passphrase(parser, words, kind)
    return SharedSecret(SecretKind[kind], owners, passphrase, file=word[0])


def _passphrase(parser: _Parser, words: _Words, kind: str) -> Secret:
    if not words.rest() or words.rest().startswith("#"):
        return Secret(b"")
    if words.rest() == "%prompt":
        parser.warn(words, words.position, kind, "asking for it (%prompt) is not supported yet")
        return Secret(b"")
    return _secret(parser, words, kind)


def _pin(parser: _Parser, words: _Words, kind: str, owners: tuple[Identity, ...]) -> SharedSecret:
    """``PIN %smartcard[slot][@module]:keyid pin|%prompt``."""
    word = words.take()
    if word is None or not _SMARTCARD.fullmatch(word[0]):
        start = words.position if word is None else word[2]
        raise _BadLine(start, kind, "%smartcard[slot][@module]:keyid must follow, the key id in hexadecimal")
    if not words.rest():
        raise _BadLine(words.position, kind, "the PIN is missing (or %prompt)")
    pin = _passphrase(parser, words, kind)
    return SharedSecret(SecretKind.PIN, owners, pin, file=word[0])


def _gone(_parser: _Parser, words: _Words, kind: str, _owners: tuple[Identity, ...]) -> SharedSecret:
    raise _BadLine(
        words.position - len(kind), kind, "strongSwan has dropped this kind of key, and cygnet never had it"
    )


_Read = Callable[[_Parser, _Words, str, tuple[Identity, ...]], SharedSecret]
_KINDS: dict[str, _Read] = {
    "PSK": _shared,
    "PPK": _shared,
    "EAP": _shared,
    "XAUTH": _shared,
    "NTLM": _shared,
    "RSA": _key_file,
    "ECDSA": _key_file,
    "PKCS8": _key_file,
    "P12": _key_file,
    "PIN": _pin,
    "BLISS": _gone,
}


def parse(fs: FileSystem, path: str) -> Secrets:
    """Read ``path`` with its includes. That it is missing is a warning. Never raises."""
    parser = _Parser(Includes(fs))
    text = parser.includes.root(path)
    if isinstance(text, FileNotFoundError):
        parser.found.missing = True
        parser.found.warnings.append(unreadable(path, text))
    elif isinstance(text, OSError):
        parser.found.errors.append(unreadable(path, text))
    else:
        parser.file(path, text)
    parser.found.errors += parser.includes.errors
    parser.found.warnings += parser.includes.warnings
    return parser.found


def kinds() -> Iterator[str]:
    """The types an entry can have."""
    return iter(_KINDS)
