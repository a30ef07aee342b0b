"""Identities: who an end says it is (ID payloads, leftid=, the owners of a secret)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from cygnet.values import dn, dn_text
from cygnet.values.der import DerError
from cygnet.values.dn_match import dn_fits
from cygnet.values.iana import IdType


@dataclass(frozen=True, slots=True)
class Identity:
    """``type`` and the identification data as it goes on the wire (IKEv2 and IKEv1 alike)."""

    type: IdType
    data: bytes

    @classmethod
    def of_address(cls, address: IPv4Address | IPv6Address) -> Identity:
        kind = IdType.IPV4_ADDR if address.version == 4 else IdType.IPV6_ADDR
        return cls(kind, address.packed)

    @classmethod
    def parse(cls, text: str) -> Identity:
        """A textual identity by strongSwan's rules.

        ``%any`` or empty; an IP address; ``a@b`` USER_FQDN; ``@fqdn``; ``@#hex`` KEY_ID;
        ``@@user@host`` USER_FQDN; ``{type}:value`` prefixes (``fqdn:``, ``keyid:``, ``email:``,
        ``ipv4:``, ``ipv6:``, ``asn1dn:#hex``); a distinguished name (``C=CH, O=site, CN=moon``,
        ``/C=CH/CN=moon``) with ``*`` for any value; else FQDN. Raises ValueError.
        """
        return parse_identity(text)

    @property
    def is_any(self) -> bool:
        return self.type == IdType.ANY

    @property
    def is_pattern(self) -> bool:
        """Whether it may stand for others than itself."""
        if self.type == IdType.DER_ASN1_DN:
            return any(a.text == "*" for rdn in _rdns(self.data) for a in rdn)
        return self.type not in _EXACT or self.data.startswith(b"*")

    @property
    def spelling(self) -> tuple[IdType, bytes]:
        """The same for all identities that are equal but for upper and lower case."""
        if self.type == IdType.DER_ASN1_DN:
            return self.type, repr(_canonical(self.data)).encode()
        return self.type, self.data.lower()

    def matches(self, pattern: Identity) -> int:
        """How well this identity fits ``pattern``: 0 not at all, 1 by %any, 2 wildcard, 3 exact."""
        if pattern.is_any:
            return 1
        if pattern.type != self.type:
            return 0
        if self.type == IdType.DER_ASN1_DN:
            return dn_fits(self.data, pattern.data)
        if pattern.data.lower() == self.data.lower() if self._caseless else pattern.data == self.data:
            return 3
        if self._caseless and pattern.data.startswith(b"*"):
            return 2 if self.data.lower().endswith(pattern.data[1:].lower()) else 0
        return 0

    @property
    def _caseless(self) -> bool:
        return self.type in (IdType.FQDN, IdType.USER_FQDN)

    def __str__(self) -> str:
        """As strongSwan prints it; what is not printable is shown as hex or '?'."""
        if self.type == IdType.ANY:
            return "%any"
        if self.type in (IdType.IPV4_ADDR, IdType.IPV6_ADDR) and len(self.data) in (4, 16):
            return str(ip_address(self.data))
        if self.type in (IdType.FQDN, IdType.USER_FQDN):
            return "".join(chr(c) if 32 < c < 127 else "?" for c in self.data)
        if self.type == IdType.KEY_ID and self.data.isascii() and self.data.decode().isprintable():
            return self.data.decode()
        if self.type == IdType.DER_ASN1_DN:
            return dn.text(self.data)
        return "#" + self.data.hex() if self.type == IdType.KEY_ID else f"{self.type}:{self.data.hex()}"


def _rdns(name: bytes) -> tuple[dn.Rdn, ...]:
    try:
        return dn.rdns(name)
    except DerError:
        return ()


def _canonical(name: bytes) -> object:
    try:
        return [sorted(rdn, key=repr) for rdn in dn.canonical(name)]
    except DerError:
        return name


#: identities that fit only their equals, unless they begin with a ``*``
_EXACT = {IdType.IPV4_ADDR, IdType.IPV6_ADDR, IdType.FQDN, IdType.USER_FQDN, IdType.KEY_ID}

ANY = Identity(IdType.ANY, b"")

_PREFIXES = {
    "fqdn": IdType.FQDN,
    "dns": IdType.FQDN,
    "userfqdn": IdType.USER_FQDN,
    "email": IdType.USER_FQDN,
    "rfc822": IdType.USER_FQDN,
    "keyid": IdType.KEY_ID,
}


def _literal(text: str) -> bytes:
    return bytes.fromhex(text[1:]) if text.startswith("#") else text.encode()


def parse_identity(text: str) -> Identity:
    if text in ("", "%any", "%any4", "%any6", "0.0.0.0", "::", "*"):
        return ANY
    prefix, colon, rest = text.partition(":")
    if colon and prefix.lower() in _PREFIXES:
        return Identity(_PREFIXES[prefix.lower()], _literal(rest))
    if colon and prefix.lower() in ("ipv4", "ipv6"):
        return Identity.of_address(ip_address(rest))
    if dn_text.is_name(text):
        return Identity(IdType.DER_ASN1_DN, dn_text.parse(text))
    try:
        return Identity.of_address(ip_address(text))
    except ValueError:
        pass
    if text.startswith("@#"):
        return Identity(IdType.KEY_ID, bytes.fromhex(text[2:]))
    if text.startswith("@@"):
        return Identity(IdType.USER_FQDN, text[2:].encode())
    if text.startswith("@"):
        return Identity(IdType.FQDN, text[1:].encode())
    return Identity(IdType.USER_FQDN if "@" in text else IdType.FQDN, text.encode())
