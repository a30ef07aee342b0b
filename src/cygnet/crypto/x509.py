"""RFC 5280 §4. Certificates: DER in, a value out; and the files that hold them.

The library reads each certificate first and has to find it in order. The extensions are then read
here, from the bytes: a name is compared, constrained and hashed as it was signed, a wrong one is told
by its name, and none is silently dropped. What a certificate *means* for a chain is judged in
``credentials.path``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from cygnet.crypto.addrblock import AddressBlock, address_blocks
from cygnet.crypto.general_name import (
    DistributionPoint,
    GeneralName,
    NameKind,
    distribution_points,
    general_name,
    general_names,
)
from cygnet.crypto.publickey import (
    PublicKey,
    SignatureAlgorithm,
    SignatureError,
    public_key,
    signature_algorithm,
)
from cygnet.values import der, dn
from cygnet.values.der import DerError
from cygnet.values.errors import CygnetError
from cygnet.values.iana import IdType
from cygnet.values.identity import Identity

ANY_POLICY = "2.5.29.32.0"
#: bytes: no certificate is that long; a stranger's longer one is not read
LONGEST = 128 * 1024
#: names or constraints, and policies or mappings, in one certificate; more are meant to keep us busy
MOST_NAMES, MOST_POLICIES = 2048, 256

#: bytes of a serial number; RFC 5280 §4.1.2.2 allows 20
LONGEST_SERIAL = 64

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class CertificateError(CygnetError):
    """Bytes that are no certificate, CRL or OCSP message, or none that can be used; says why."""


class KeyUse(IntEnum):
    """RFC 5280 §4.2.1.3. Key Usage: the bit numbers."""

    DIGITAL_SIGNATURE = 0
    NON_REPUDIATION = 1
    KEY_ENCIPHERMENT = 2
    DATA_ENCIPHERMENT = 3
    KEY_AGREEMENT = 4
    KEY_CERT_SIGN = 5
    CRL_SIGN = 6
    ENCIPHER_ONLY = 7
    DECIPHER_ONLY = 8


class Eku:
    """RFC 5280 §4.2.1.12, RFC 4945 §5.1.3.12: purposes that matter to IKE."""

    ANY = "2.5.29.37.0"
    SERVER_AUTH = "1.3.6.1.5.5.7.3.1"
    CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"
    OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"
    IPSEC_IKE = "1.3.6.1.5.5.7.3.17"
    IKE_INTERMEDIATE = "1.3.6.1.5.5.8.2.2"


@dataclass(frozen=True, slots=True)
class NameConstraints:
    """RFC 5280 §4.2.1.10. IP addresses have their mask behind them."""

    permitted: tuple[GeneralName, ...] = ()
    excluded: tuple[GeneralName, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Certificate:
    """One certificate as its issuer signed it; equal to another when all bytes are."""

    der: bytes
    version: int  #: 1, 2 or 3
    serial: int
    subject: Identity  #: of type DER_ASN1_DN; the empty Name (3000) where there is none
    issuer: Identity
    not_before: int  #: unix seconds, the first at which it is valid
    not_after: int  #: unix seconds, the last; beyond 2038 and 2049, too
    key: PublicKey
    algorithm: SignatureAlgorithm
    #: OIDs of critical extensions that nothing here knows
    unknown_critical: tuple[str, ...] = ()

    names: tuple[GeneralName, ...] = ()  #: subjectAltName
    is_ca: bool = False
    path_length: int | None = None  #: how many CAs may follow; None: any number
    key_usage: frozenset[int] | None = None  #: of KeyUse; None: not said, so everything
    extended_key_usage: frozenset[str] | None = None  #: OIDs; None: not said
    subject_key_id: bytes | None = None
    authority_key_id: bytes | None = None
    policies: tuple[str, ...] | None = None  #: OIDs; None: no such extension
    policy_mappings: tuple[tuple[str, str], ...] = ()  #: the issuer's policy, the subject's
    require_explicit_policy: int | None = None  #: after how many more certificates
    inhibit_policy_mapping: int | None = None
    inhibit_any_policy: int | None = None
    name_constraints: NameConstraints | None = None
    crl_points: tuple[DistributionPoint, ...] = ()
    delta_points: tuple[DistributionPoint, ...] = ()  #: freshestCRL
    ocsp_uris: tuple[str, ...] = ()
    issuer_uris: tuple[str, ...] = ()  #: where the issuer's certificate may be had
    address_blocks: tuple[AddressBlock, ...] | None = None  #: RFC 3779; None: no such extension
    ocsp_no_check: bool = False  #: RFC 6960 §4.2.2.2.1

    @classmethod
    def parse(cls, data: bytes) -> Certificate:
        """CertificateError where the DER is no certificate that can be used."""
        return parse_certificate(data)

    @property
    def identities(self) -> tuple[Identity, ...]:
        """The subjectAltNames that an ID payload can say."""
        return tuple(found for name in self.names if (found := name.identity) is not None)

    @property
    def self_issued(self) -> bool:
        return dn.canonical(self.subject.data) == dn.canonical(self.issuer.data)

    @property
    def crl_uris(self) -> tuple[str, ...]:
        return tuple(uri for point in self.crl_points for uri in point.uris)

    @property
    def name(self) -> str:
        """For people: the subject, or the first subjectAltName, or the serial number."""
        if dn.rdns(self.subject.data):
            return dn.text(self.subject.data)
        return str(self.names[0]) if self.names else f"serial {self.serial:x}"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the DER in hex."""
        return hashlib.sha256(self.der).hexdigest()

    @property
    def sha1(self) -> bytes:
        """SHA-1 of the DER (20 bytes): hash-and-URL names certificates so (RFC 7296 §3.6)."""
        return hashlib.sha1(self.der, usedforsecurity=False).digest()

    def verify_issued_by(self, issuer: Certificate) -> None:
        """Nothing when ``issuer``'s key made the signature, else SignatureError. Names are not compared."""
        tbs, _, signature = signed(self.der)
        issuer.key.verify(self.algorithm, signature, tbs)

    def verify_issued_to(self, key: PublicKey) -> None:
        """Nothing when the certificate is for that key, else SignatureError."""
        if key.spki != self.key.spki:
            raise SignatureError(f"the key is not that of {self.name}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and other.der == self.der

    def __hash__(self) -> int:
        return hash(self.der)

    def __repr__(self) -> str:
        return f"Certificate({self.name}, serial {self.serial:x})"


# reading ------------------------------------------------------------------------------


def signed(data: bytes) -> tuple[bytes, bytes, bytes]:
    """What was signed, the AlgorithmIdentifier and the signature, of a certificate, CRL or OCSP answer."""
    parts = der.sequence(data)
    if len(parts) < 3 or parts[2].tag != der.BIT_STRING:
        raise DerError("no signed object")
    signature, unused = der.bits(parts[2].value)
    if unused:
        raise DerError("a signature that is no whole bytes")
    return parts[0].whole, parts[1].whole, signature


def seconds(moment: datetime) -> int:
    """Unix seconds of an aware time, of any year."""
    delta = moment - EPOCH
    return delta.days * 86400 + delta.seconds


def parse_certificate(data: bytes) -> Certificate:
    if len(data) > LONGEST:
        raise CertificateError(f"a certificate of {len(data)} bytes is longer than {LONGEST}")
    try:
        read = x509.load_der_x509_certificate(data)
        before, after = seconds(read.not_valid_before_utc), seconds(read.not_valid_after_utc)
        return _certificate(data, before, after)
    except DerError as problem:
        raise CertificateError(f"no proper certificate: {problem}") from None
    except (ValueError, x509.InvalidVersion, UnsupportedAlgorithm) as problem:
        raise CertificateError(f"no proper certificate: {_first_line(problem)}") from None


def _first_line(problem: Exception) -> str:
    return str(problem).partition("\n")[0][:120] or type(problem).__name__


def name_identity(element: der.Tlv) -> Identity:
    """An issuer's or subject's Name. DerError where it is none."""
    dn.rdns(element.whole)
    return Identity(IdType.DER_ASN1_DN, element.whole)


def _certificate(data: bytes, before: int, after: int) -> Certificate:
    tbs, algorithm, _ = signed(data)
    fields = der.Fields.of(tbs)
    version = fields.optional(der.context(0, True))
    serial = fields.need(der.INTEGER)
    inner = fields.need(der.SEQUENCE)
    issuer, _, subject, key = (fields.need(der.SEQUENCE) for _ in range(4))
    for unique in (1, 2):
        fields.optional(der.context(unique))
    extensions = fields.optional(der.context(3, True))
    fields.end()
    if inner.whole != algorithm:
        raise DerError("the signature algorithm inside is not the one outside")
    if len(serial.value) > LONGEST_SERIAL:
        raise DerError(f"a serial number of more than {LONGEST_SERIAL} bytes")
    number = der.natural(der.only(version.value, der.INTEGER).value, 3) + 1 if version else 1
    if extensions and number != 3:
        raise DerError(f"version {number} with extensions")
    known, unknown = read_extensions(extensions.value if extensions else None, _EXTENSIONS)
    return Certificate(
        der=data,
        version=number,
        serial=der.integer(serial.value),
        subject=name_identity(subject),
        issuer=name_identity(issuer),
        not_before=before,
        not_after=after,
        key=public_key(key.whole),
        algorithm=signature_algorithm(algorithm),
        unknown_critical=unknown,
        **known,
    )


# extensions ---------------------------------------------------------------------------

#: object identifier -> a reader of extnValue's content that returns fields of the value
Readers = dict[str, Callable[[bytes], dict[str, Any]]]


def read_extensions(extensions: bytes | None, readers: Readers) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The fields that ``readers`` make of a SEQUENCE OF Extension, and the OIDs of unknown critical ones.

    One extension twice is refused (§4.2), as is one of a wrong form.
    """
    found: dict[str, Any] = {}
    unknown: list[str] = []
    seen: set[str] = set()
    for element in der.sequence(extensions) if extensions is not None else ():
        fields = der.Fields.of(element.whole)
        oid = der.oid(fields.need(der.OID).value)
        flag = fields.optional(der.BOOLEAN)
        critical = flag is not None and der.boolean(flag.value)
        value = fields.need(der.OCTET_STRING).value
        fields.end()
        if oid in seen:
            raise DerError(f"extension {oid} twice")
        seen.add(oid)
        if oid in readers:
            try:
                found |= readers[oid](value)
            except DerError as problem:
                raise DerError(f"extension {oid}: {problem}") from None
        elif critical:
            unknown.append(oid)
    return found, tuple(unknown)


def _subject_key_id(value: bytes) -> dict[str, Any]:
    return {"subject_key_id": der.only(value, der.OCTET_STRING).value}


def authority_key_id(value: bytes) -> dict[str, Any]:
    """§4.2.1.1. Authority Key Identifier; the issuer's name and serial number are not used."""
    fields = der.Fields.of(value)
    key = fields.optional(der.context(0))
    fields.optional(der.context(1, True))
    fields.optional(der.context(2))
    fields.end()
    return {"authority_key_id": key.value if key else None}


def _key_usage(value: bytes) -> dict[str, Any]:
    return {"key_usage": der.named_bits(der.only(value, der.BIT_STRING).value)}


def _subject_alt_name(value: bytes) -> dict[str, Any]:
    names = general_names(der.only(value, der.SEQUENCE).value)
    if len(names) > MOST_NAMES:
        raise DerError(f"more than {MOST_NAMES} names")
    return {"names": names}


def _issuer_alt_name(value: bytes) -> dict[str, Any]:
    general_names(der.only(value, der.SEQUENCE).value)
    return {}


def _basic_constraints(value: bytes) -> dict[str, Any]:
    fields = der.Fields.of(value)
    flag, length = fields.optional(der.BOOLEAN), fields.optional(der.INTEGER)
    fields.end()
    is_ca = flag is not None and der.boolean(flag.value)
    # a path length without cA means nothing (§4.2.1.9), and some write it
    return {"is_ca": is_ca, "path_length": der.natural(length.value) if length and is_ca else None}


def _subtrees(value: bytes) -> tuple[GeneralName, ...]:
    found = []
    for element in der.elements(value):
        fields = der.Fields.of(element.whole)
        base = fields.need(*(der.context(k, c) for k in NameKind for c in (False, True)))
        if fields.optional(der.context(0)) or fields.optional(der.context(1)):
            raise DerError("minimum or maximum in a name constraint (RFC 5280 wants neither)")
        fields.end()
        found.append(general_name(base, ip_lengths=(8, 32)))
    if len(found) > MOST_NAMES:
        raise DerError(f"more than {MOST_NAMES} name constraints")
    return tuple(found)


def _name_constraints(value: bytes) -> dict[str, Any]:
    fields = der.Fields.of(value)
    permitted, excluded = fields.optional(der.context(0, True)), fields.optional(der.context(1, True))
    fields.end()
    if permitted is None and excluded is None:
        raise DerError("name constraints without any")
    trees = [_subtrees(part.value) if part else () for part in (permitted, excluded)]
    return {"name_constraints": NameConstraints(*trees)}


def _crl_points(value: bytes) -> dict[str, Any]:
    return {"crl_points": distribution_points(value)}


def _delta_points(value: bytes) -> dict[str, Any]:
    return {"delta_points": distribution_points(value)}


def _policies(value: bytes) -> dict[str, Any]:
    found = []
    for element in der.sequence(value):
        fields = der.Fields.of(element.whole)
        found.append(der.oid(fields.need(der.OID).value))
        fields.optional(der.SEQUENCE)  # qualifiers are for people
        fields.end()
    if not found or len(found) != len(set(found)) or len(found) > MOST_POLICIES:
        raise DerError("no policy, one twice, or too many")
    return {"policies": tuple(found)}


def _policy_mappings(value: bytes) -> dict[str, Any]:
    found = []
    for element in der.sequence(value):
        fields = der.Fields.of(element.whole)
        found.append((der.oid(fields.need(der.OID).value), der.oid(fields.need(der.OID).value)))
        fields.end()
    if not found or len(found) > MOST_POLICIES:
        raise DerError("no policy mapping, or too many")
    return {"policy_mappings": tuple(found)}


def _policy_constraints(value: bytes) -> dict[str, Any]:
    fields = der.Fields.of(value)
    explicit, mapping = fields.optional(der.context(0)), fields.optional(der.context(1))
    fields.end()
    if explicit is None and mapping is None:
        raise DerError("policy constraints without any")
    return {
        "require_explicit_policy": der.natural(explicit.value) if explicit else None,
        "inhibit_policy_mapping": der.natural(mapping.value) if mapping else None,
    }


def _inhibit_any(value: bytes) -> dict[str, Any]:
    return {"inhibit_any_policy": der.natural(der.only(value, der.INTEGER).value)}


def _extended_key_usage(value: bytes) -> dict[str, Any]:
    purposes = der.sequence(value)
    if not purposes or any(p.tag != der.OID for p in purposes):
        raise DerError("no purpose, or one that is no object identifier")
    return {"extended_key_usage": frozenset(der.oid(p.value) for p in purposes)}


_OCSP, _CA_ISSUERS = "1.3.6.1.5.5.7.48.1", "1.3.6.1.5.5.7.48.2"


def _authority_info(value: bytes) -> dict[str, Any]:
    """§4.2.2.1. Authority Information Access."""
    found: dict[str, list[str]] = {_OCSP: [], _CA_ISSUERS: []}
    for element in der.sequence(value):
        parts = der.sequence(element.whole)
        if len(parts) != 2 or parts[0].tag != der.OID:
            raise DerError("no AccessDescription")
        location = general_name(parts[1])
        if location.kind is NameKind.URI:
            found.setdefault(der.oid(parts[0].value), []).append(location.text)
    return {"ocsp_uris": tuple(found[_OCSP]), "issuer_uris": tuple(found[_CA_ISSUERS])}


def _address_blocks(value: bytes) -> dict[str, Any]:
    return {"address_blocks": address_blocks(value)}


def _ocsp_no_check(value: bytes) -> dict[str, Any]:
    der.only(value, der.NULL)
    return {"ocsp_no_check": True}


#: what counts as known: a critical extension that is not here makes a certificate unusable in a chain
_EXTENSIONS: Readers = {
    "2.5.29.14": _subject_key_id,
    "2.5.29.15": _key_usage,
    "2.5.29.17": _subject_alt_name,
    "2.5.29.18": _issuer_alt_name,
    "2.5.29.19": _basic_constraints,
    "2.5.29.30": _name_constraints,
    "2.5.29.31": _crl_points,
    "2.5.29.32": _policies,
    "2.5.29.33": _policy_mappings,
    "2.5.29.35": authority_key_id,
    "2.5.29.36": _policy_constraints,
    "2.5.29.37": _extended_key_usage,
    "2.5.29.46": _delta_points,
    "2.5.29.54": _inhibit_any,
    "1.3.6.1.5.5.7.1.1": _authority_info,
    "1.3.6.1.5.5.7.1.7": _address_blocks,
    "1.3.6.1.5.5.7.48.1.5": _ocsp_no_check,
}
