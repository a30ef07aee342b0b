"""RFC 5280 §4.2.1.6. GeneralName, and the distribution points that are made of them (§4.2.1.13)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from cygnet.values import der, dn
from cygnet.values.der import DerError
from cygnet.values.iana import IdType
from cygnet.values.identity import Identity


class NameKind(IntEnum):
    """The numbers of the CHOICE."""

    OTHER = 0
    EMAIL = 1
    DNS = 2
    X400 = 3
    DIRECTORY = 4
    EDI = 5
    URI = 6
    IP = 7
    REGISTERED = 8


_CONSTRUCTED = {NameKind.OTHER, NameKind.X400, NameKind.DIRECTORY, NameKind.EDI}
_KINDS = {der.context(kind, kind in _CONSTRUCTED): kind for kind in NameKind}
_ASCII = {NameKind.EMAIL, NameKind.DNS, NameKind.URI}


@dataclass(frozen=True, slots=True)
class GeneralName:
    kind: NameKind
    value: bytes  #: text in ASCII, a Name in DER, an address (with a mask behind it in name constraints)

    @property
    def text(self) -> str:
        return self.value.decode("ascii")

    @property
    def identity(self) -> Identity | None:
        """What an ID payload says for the same thing; None where it cannot."""
        if self.kind is NameKind.IP:
            kind = IdType.IPV4_ADDR if len(self.value) == 4 else IdType.IPV6_ADDR
            return Identity(kind, self.value)
        types = {
            NameKind.DNS: IdType.FQDN,
            NameKind.EMAIL: IdType.USER_FQDN,
            NameKind.DIRECTORY: IdType.DER_ASN1_DN,
        }
        return Identity(types[self.kind], self.value) if self.kind in types else None

    def __str__(self) -> str:
        if self.kind in _ASCII:
            return dn.printable(self.text)
        if self.kind is NameKind.DIRECTORY:
            return dn.text(self.value)
        if self.kind is NameKind.IP and len(self.value) in (4, 16):
            return str(self.identity)
        return f"{self.kind.name}:{self.value.hex()}"


def general_name(element: der.Tlv, ip_lengths: tuple[int, ...] = (4, 16)) -> GeneralName:
    kind = _KINDS.get(element.tag)
    if kind is None:
        raise DerError(f"tag {element.tag:#04x} is no GeneralName")
    if kind in _ASCII and not element.value.isascii():
        raise DerError(f"a name of kind {kind.name} that is not ASCII")
    if kind is NameKind.IP and len(element.value) not in ip_lengths:
        raise DerError("an iPAddress of a wrong length")
    if kind is NameKind.DIRECTORY:
        dn.rdns(element.value)
    return GeneralName(kind, element.value)


def general_names(value: bytes) -> tuple[GeneralName, ...]:
    """From the value of a SEQUENCE OF GeneralName; at least one."""
    found = tuple(general_name(element) for element in der.elements(value))
    if not found:
        raise DerError("no name at all")
    return found


def uris(names: tuple[GeneralName, ...]) -> tuple[str, ...]:
    return tuple(name.text for name in names if name.kind is NameKind.URI)


@dataclass(frozen=True, slots=True)
class DistributionPoint:
    """Where CRLs are to be had, or (in a CRL) which part of them this one is."""

    names: tuple[GeneralName, ...] = ()
    relative: bytes | None = None  #: an RDN below the CRL issuer's name, instead of ``names``
    reasons: frozenset[int] | None = None  #: the ReasonFlags that it is good for; None: all
    issuers: tuple[GeneralName, ...] = ()  #: who signs the CRL where that is not the certificate's issuer

    @property
    def uris(self) -> tuple[str, ...]:
        return uris(self.names)


def point_name(value: bytes) -> tuple[tuple[GeneralName, ...], bytes | None]:
    """DistributionPointName: full names, or the one relative to the issuer."""
    element = der.only(value)
    if element.tag == der.context(0, True):
        return general_names(element.value), None
    if element.tag == der.context(1, True):
        dn.rdns(der.encode(der.SEQUENCE, der.encode(der.SET, element.value)))
        return (), element.value
    raise DerError("no DistributionPointName")


def distribution_points(value: bytes) -> tuple[DistributionPoint, ...]:
    """§4.2.1.13. CRL Distribution Points, and §4.2.1.15 Freshest CRL."""
    found = []
    for element in der.sequence(value):
        fields = der.Fields.of(element.whole)
        name = fields.optional(der.context(0, True))
        reasons = fields.optional(der.context(1))
        issuer = fields.optional(der.context(2, True))
        fields.end()
        names, relative = point_name(name.value) if name else ((), None)
        only_for = der.named_bits(reasons.value) if reasons else None
        found.append(
            DistributionPoint(names, relative, only_for, general_names(issuer.value) if issuer else ())
        )
    return tuple(found)
