"""Types of values that say who somebody is and how that is proved."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cygnet.config.diagnostics import BadValue, did_you_mean, quoted
from cygnet.config.keywords.row import Type
from cygnet.model.config import AuthMethod
from cygnet.values import constraints
from cygnet.values.iana import IdType
from cygnet.values.identity import ANY, Identity

#: leftauth words by what they begin with, longest first where one begins another.
_METHODS = {
    "pubkey": AuthMethod.PUBKEY,
    "rsa": AuthMethod.PUBKEY,
    "ecdsa": AuthMethod.PUBKEY,
    "ed25519": AuthMethod.PUBKEY,
    "ed448": AuthMethod.PUBKEY,
    "bliss": AuthMethod.PUBKEY,
    "ike": AuthMethod.PUBKEY,
    "psk": AuthMethod.PSK,
    "secret": AuthMethod.PSK,
    "xauth": AuthMethod.XAUTH,
    "eap": AuthMethod.EAP,
    "any": AuthMethod.ANY,
}
#: Those that take no -constraints behind them.
_BARE = ("psk", "secret", "any")


@dataclass(frozen=True, slots=True)
class Auth:
    """A leftauth value: the method, and what it said beyond ("rsa-2048-sha256", "eap-tls")."""

    method: AuthMethod
    detail: str = ""


@dataclass(frozen=True, slots=True)
class EndIdentity:
    """A leftid value. ``loose`` (``%`` in front): the peer may identify itself differently as
    long as its certificate confirms this identity."""

    identity: Identity
    loose: bool = False


def auth_of(methods: Mapping[str, AuthMethod]) -> Callable[[str], Auth]:
    """A reader of the words that one dialect has for ways to authenticate."""

    def parse(text: str) -> Auth:
        word = re.split(r"[-:/]", text, maxsplit=1)[0]
        method = methods.get(word)
        if method is None or (word in _BARE and word != text):
            known = ", ".join(methods)
            raise BadValue(text, f"{quoted(text)} is not one of {known}{did_you_mean(word, methods)}")
        if method is AuthMethod.PUBKEY:
            try:
                constraints.parse(text)
            except ValueError as why:
                raise BadValue(text, f"{quoted(text)}: {why}") from None
        return Auth(method, "" if text in ("pubkey", *_BARE) else text)

    return parse


def identity(text: str) -> Identity:
    """An identity as written; BadValue where it is none."""
    try:
        return Identity.parse(text)
    except UnicodeEncodeError:
        raise BadValue(text, f"{quoted(text)} is not an identity: it is not UTF-8") from None
    except ValueError as why:
        raise BadValue(text, f"{quoted(text)} is not an identity: {why}") from None


def _end_identity(text: str) -> EndIdentity:
    if text.startswith("%") and text not in ("%any", "%any4", "%any6"):
        return EndIdentity(identity(text[1:]), loose=True)
    return EndIdentity(identity(text))


def _authority(text: str) -> Identity:
    """ANY for %same."""
    if text == "%same":
        return ANY
    found = identity(text)
    if found.type != IdType.DER_ASN1_DN:
        raise BadValue(text, f"{quoted(text)} is no distinguished name, such as C=CH, O=example, CN=Root")
    return found


def _eap_identity(text: str) -> str:
    if text != "%identity":
        identity(text)
    return text


def _ppk_id(text: str) -> str:
    """The name as it goes over the wire: ``@hub`` and ``hub`` are the same one."""
    found = identity(text)
    if found.type not in (IdType.FQDN, IdType.USER_FQDN) or "*" in text:
        raise BadValue(text, f"{quoted(text)} is not the name of a key: a word, @word or word@word")
    return found.data.decode()


AUTHORITY = Type("distinguished name, %same", _authority)
PPK_ID = Type("name, @name, name@name", _ppk_id)
AUTH = Type(
    "psk, pubkey[-...], rsa[-N][-...], ecdsa[-N][-...], eap[-method], xauth[-backend], any", auth_of(_METHODS)
)
IDENTITY = Type("address, name, user@name, @#hex, type:value, %any", identity)
END_IDENTITY = Type(
    "address, name, user@name, @#hex, type:value, %any; %name on the right: loose", _end_identity
)
EAP_IDENTITY = Type("identity, %identity", _eap_identity)
