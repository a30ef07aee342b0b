"""RFC 5280 §5. Certificate revocation lists, complete ones and deltas.

A list of 200,000 entries is read once into an index from serial number to entry, so that looking one
up costs the same whatever its length.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from cygnet.crypto.general_name import GeneralName, distribution_points, point_name
from cygnet.crypto.pem import pem_blocks
from cygnet.crypto.publickey import PublicKey, SignatureAlgorithm, signature_algorithm
from cygnet.crypto.x509 import (
    CertificateError,
    Readers,
    authority_key_id,
    name_identity,
    read_extensions,
    seconds,
    signed,
)
from cygnet.values import der
from cygnet.values.der import DerError
from cygnet.values.identity import Identity

REMOVE_FROM_CRL = "removeFromCRL"
ON_HOLD = "certificateHold"


@dataclass(frozen=True, slots=True)
class Revoked:
    serial: int
    at: int  #: unix seconds
    reason: str  #: RFC 5280's word ("keyCompromise"), "unspecified" where none is given
    unknown_critical: bool = False  #: something about this entry is not understood


@dataclass(frozen=True, slots=True)
class Scope:
    """RFC 5280 §5.2.5. Issuing Distribution Point: what a CRL is about, if not everything."""

    names: tuple[GeneralName, ...] = ()
    relative: bytes | None = None
    only_users: bool = False
    only_cas: bool = False
    only_attributes: bool = False
    reasons: frozenset[int] | None = None  #: ReasonFlags that it lists; None: all
    indirect: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crl:
    der: bytes = field(repr=False)
    issuer: Identity
    this_update: int  #: unix seconds
    next_update: int | None  #: unix seconds; None: it does not say
    algorithm: SignatureAlgorithm
    unknown_critical: tuple[str, ...] = ()
    authority_key_id: bytes | None = None
    number: int | None = None
    base: int | None = None  #: a delta: the number of the CRL that it adds to
    scope: Scope | None = None
    delta_uris: tuple[str, ...] = ()  #: freshestCRL
    _list: x509.CertificateRevocationList = field(repr=False)
    _at: Mapping[int, int] = field(repr=False)  #: serial number -> place in the list

    @classmethod
    def parse(cls, data: bytes) -> Crl:
        """From DER or PEM; CertificateError where it is no CRL that can be used."""
        return parse_crl(data)

    @property
    def is_delta(self) -> bool:
        return self.base is not None

    def entry(self, serial: int) -> Revoked | None:
        """What it says of the certificate with that number; None: nothing."""
        at = self._at.get(serial)
        return None if at is None else _revoked(self._list[at])

    def entries(self) -> Iterator[Revoked]:
        """All that it says, in its order."""
        return map(_revoked, self._list)

    def verify_signed_by(self, key: PublicKey) -> None:
        """Nothing, or SignatureError."""
        tbs, _, signature = signed(self.der)
        key.verify(self.algorithm, signature, tbs)

    def __len__(self) -> int:
        return len(self._at)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Crl) and other.der == self.der

    def __hash__(self) -> int:
        return hash(self.der)


def _revoked(entry: x509.RevokedCertificate) -> Revoked:
    reason, odd = "unspecified", False
    try:
        for extension in entry.extensions:
            if isinstance(extension.value, x509.CRLReason):
                reason = extension.value.reason.value
            elif extension.critical:
                odd = True
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        odd = True
    return Revoked(entry.serial_number, seconds(entry.revocation_date_utc), reason, odd)


def parse_crl(data: bytes) -> Crl:
    blocks = [content for label, content in pem_blocks(data) if label == b"X509 CRL"]
    if len(blocks) > 1:
        raise CertificateError("more than one CRL in one file")
    whole = blocks[0] if blocks else data
    try:
        read = x509.load_der_x509_crl(whole)
        after = read.next_update_utc
        index = {entry.serial_number: at for at, entry in enumerate(read)}
        return _crl(whole, read, seconds(read.last_update_utc), seconds(after) if after else None, index)
    except DerError as problem:
        raise CertificateError(f"no proper CRL: {problem}") from None
    except (ValueError, x509.InvalidVersion, UnsupportedAlgorithm) as problem:
        raise CertificateError(f"no proper CRL: {str(problem)[:120]}") from None


def _crl(
    data: bytes,
    read: x509.CertificateRevocationList,
    this: int,
    following: int | None,
    index: Mapping[int, int],
) -> Crl:
    tbs, algorithm, _ = signed(data)
    fields = der.Fields.of(tbs)
    fields.optional(der.INTEGER)
    inner = fields.need(der.SEQUENCE)
    issuer = fields.need(der.SEQUENCE)
    fields.need(0x17, 0x18)
    fields.optional(0x17, 0x18)
    fields.optional(der.SEQUENCE)
    extensions = fields.optional(der.context(0, True))
    fields.end()
    if inner.whole != algorithm:
        raise DerError("the signature algorithm inside is not the one outside")
    known, unknown = read_extensions(extensions.value if extensions else None, _EXTENSIONS)
    return Crl(
        der=data,
        issuer=name_identity(issuer),
        this_update=this,
        next_update=following,
        algorithm=signature_algorithm(algorithm),
        unknown_critical=unknown,
        _list=read,
        _at=index,
        **known,
    )


def _number(value: bytes) -> dict[str, Any]:
    return {"number": der.natural(der.only(value, der.INTEGER).value, 1 << 168)}


def _base(value: bytes) -> dict[str, Any]:
    return {"base": der.natural(der.only(value, der.INTEGER).value, 1 << 168)}


def _scope(value: bytes) -> dict[str, Any]:
    fields = der.Fields.of(value)
    name = fields.optional(der.context(0, True))
    users, cas = fields.optional(der.context(1)), fields.optional(der.context(2))
    reasons = fields.optional(der.context(3))
    indirect, attributes = fields.optional(der.context(4)), fields.optional(der.context(5))
    fields.end()
    names, relative = point_name(name.value) if name else ((), None)
    said = {
        "only_users": users, "only_cas": cas, "indirect": indirect, "only_attributes": attributes,
    }  # fmt: skip
    flags = {word: flag is not None and der.boolean(flag.value) for word, flag in said.items()}
    only_for = der.named_bits(reasons.value) if reasons else None
    return {"scope": Scope(names=names, relative=relative, reasons=only_for, **flags)}


def _freshest(value: bytes) -> dict[str, Any]:
    return {"delta_uris": tuple(uri for point in distribution_points(value) for uri in point.uris)}


_EXTENSIONS: Readers = {
    "2.5.29.20": _number,
    "2.5.29.27": _base,
    "2.5.29.28": _scope,
    "2.5.29.35": authority_key_id,
    "2.5.29.46": _freshest,
}
