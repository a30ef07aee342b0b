"""Types of values as swanctl.conf writes them: what differs from ipsec.conf."""

from __future__ import annotations

import re

from cygnet.config.diagnostics import BadValue, quoted
from cygnet.config.keywords.addresses import ProtoPort, Subnet, host, listed, network, protoport
from cygnet.config.keywords.authentication import auth_of
from cygnet.config.keywords.proposals import proposal
from cygnet.config.keywords.row import Type
from cygnet.config.keywords.types import MAX_COUNT, braces_bool, braces_seconds
from cygnet.model.config import AuthMethod
from cygnet.values.iana import Protocol
from cygnet.values.selector import TrafficSelector, dynamic

_COUNT = re.compile(r"(\d{1,20})\s*([kmgKMG]?)", re.ASCII)
_FACTORS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_SELECTOR = re.compile(r"(?P<net>[^\[\]]*)(?:\[(?P<protoport>[^\[\]]*)\])?")
#: ``auth`` words by what they begin with.
_METHODS = {
    "psk": AuthMethod.PSK,
    "pubkey": AuthMethod.PUBKEY,
    "rsa": AuthMethod.PUBKEY,
    "ecdsa": AuthMethod.PUBKEY,
    "ed25519": AuthMethod.PUBKEY,
    "ed448": AuthMethod.PUBKEY,
    "ike": AuthMethod.PUBKEY,
    "xauth": AuthMethod.XAUTH,
    "eap": AuthMethod.EAP,
    "any": AuthMethod.ANY,
}


def _count(text: str) -> int:
    match = _COUNT.fullmatch(text)
    value = int(match[1]) * _FACTORS[match[2].lower()] if match else MAX_COUNT + 1
    if value > MAX_COUNT:
        raise BadValue(text, f"{quoted(text)} is not a number of bytes or packets (500000, 10M)")
    return value


def _selector(text: str) -> TrafficSelector:
    match = _SELECTOR.fullmatch(text)
    if not match:
        raise BadValue(text, f"{quoted(text)} is not of the form network[protocol/port]")
    selector = dynamic() if match["net"] == "dynamic" else network(match["net"])
    said = match["protoport"]
    return Subnet(selector).with_default(ProtoPort() if said is None else protoport(said))


def proposals(protocol: Protocol) -> Type[tuple[str, ...]]:
    """Proposals as they are written, with ``default`` among them for the built-in ones."""

    def parse(text: str) -> tuple[str, ...]:
        found = words(text)
        wrong: list[BadValue] = []
        for word in found:
            if word == "default":
                continue
            try:
                proposal(word, protocol, 0)
            except BadValue as why:
                wrong += why.each()
        if wrong:
            raise BadValue(wrong[0].found, wrong[0].reason, wrong[1:])
        return found

    return Type("proposals (aes128-sha256-x25519), default, or a list", parse)


def words(text: str) -> tuple[str, ...]:
    return tuple(word for piece in text.split(",") if (word := piece.strip()))


def _uri(text: str) -> str:
    if not re.fullmatch(r"(?i)(https?|file|ldaps?)://?\S+", text):
        raise BadValue(text, f"{quoted(text)} is no http, https, file or ldap URI")
    return text


BOOL = Type("yes, no", braces_bool)
TIME = Type("time: N, Ns, Nm, Nh or Nd", braces_seconds)
VOLUME = Type("a whole number, k, M or G behind it", _count)
AUTH = Type(
    "pubkey[-...], rsa[-N][-...], ecdsa[-N][-...], psk, eap[-method], xauth[-backend], any", auth_of(_METHODS)
)
SELECTORS = Type("network[[protocol/port]], dynamic, or a list", listed(_selector))
HOSTS = Type("IP address, host name, range, subnet, %any, or a list", listed(host))
WORDS = Type("text, or a list", words)
URIS = Type("URIs", listed(_uri))
