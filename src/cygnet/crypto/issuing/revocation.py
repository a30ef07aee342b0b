"""RFC 5280 §5, RFC 6960. CRLs and OCSP answers: what a CA says of certificates that it takes back."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from cygnet.crypto.issuing.certificates import authority, check_pair
from cygnet.crypto.issuing.errors import IssuingError, WishError
from cygnet.crypto.issuing.extensions import oid, uri
from cygnet.crypto.issuing.keys import Signing
from cygnet.crypto.issuing.names import name_from_der
from cygnet.crypto.ocsp import OcspRequest
from cygnet.crypto.pem import pem_blocks
from cygnet.crypto.publickey import key_bits
from cygnet.crypto.x509 import Certificate, KeyUse

#: strongSwan's spelling on the command line -> RFC 5280's
REASONS: dict[str, str] = {
    "key-compromise": "keyCompromise",
    "ca-compromise": "cACompromise",
    "affiliation-changed": "affiliationChanged",
    "superseded": "superseded",
    "cessation-of-operation": "cessationOfOperation",
    "certificate-hold": "certificateHold",
}


@dataclass(frozen=True, slots=True)
class Entry:
    serial: int
    when: datetime  #: in UTC
    reason: str = ""  #: RFC 5280's word; empty: not said


@dataclass(frozen=True, slots=True, kw_only=True)
class List:
    number: int
    this_update: datetime
    next_update: datetime
    entries: tuple[Entry, ...]
    base: int | None = None  #: a delta to the CRL of that number
    fresher: tuple[str, ...] = ()  #: URIs of delta CRLs
    critical: tuple[str, ...] = ()


def entries_of(data: bytes, what: str) -> tuple[Entry, ...]:
    """What a CRL lists."""
    blocks = [content for label, content in pem_blocks(data) if label == b"X509 CRL"]
    try:
        return tuple(_entry(one) for one in x509.load_der_x509_crl(blocks[0] if blocks else data))
    except (ValueError, x509.InvalidVersion, x509.DuplicateExtension) as error:
        raise IssuingError(f"{what} is no CRL that can be read: {str(error)[:120]}") from None


def _entry(one: x509.RevokedCertificate) -> Entry:
    try:
        reason = one.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
    except x509.ExtensionNotFound:
        reason = ""
    return Entry(one.serial_number, one.revocation_date_utc, reason)


def make_crl(wanted: List, ca: Certificate, how: Signing) -> bytes:
    """DER. A certificate that is listed twice is listed as the last entry has it."""
    check_pair(ca, how, "the CA's certificate")
    if not may_sign_crls(ca):
        raise IssuingError(f"{ca.name} may not sign CRLs: neither a CA nor made with --flag crlSign")
    if wanted.next_update <= wanted.this_update:
        raise WishError("the CRL would end before it begins")
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(name_from_der(ca.subject.data))
        .last_update(wanted.this_update)
        .next_update(wanted.next_update)
        .add_extension(authority(ca), critical=False)
        .add_extension(x509.CRLNumber(wanted.number), critical=False)
    )
    if wanted.base is not None:
        builder = builder.add_extension(x509.DeltaCRLIndicator(wanted.base), critical=True)
    if wanted.fresher:
        points = [x509.DistributionPoint([uri(text)], None, None, None) for text in wanted.fresher]
        builder = builder.add_extension(x509.FreshestCRL(points), critical=False)
    for text in wanted.critical:
        builder = builder.add_extension(x509.UnrecognizedExtension(oid(text), b"\x05\x00"), critical=True)
    for one in {entry.serial: entry for entry in wanted.entries}.values():
        builder = builder.add_revoked_certificate(_revoked(one))
    try:
        made = builder.sign(how.key, how.hash, rsa_padding=how.pss)  # type: ignore[arg-type]
    except (ValueError, UnsupportedAlgorithm) as error:
        raise IssuingError(f"the CRL cannot be signed: {error}") from None
    return made.public_bytes(Encoding.DER)


def may_sign_crls(ca: Certificate) -> bool:
    if ca.key_usage is None:
        return ca.is_ca
    return KeyUse.CRL_SIGN in ca.key_usage


def _revoked(one: Entry) -> x509.RevokedCertificate:
    try:
        builder = x509.RevokedCertificateBuilder().serial_number(one.serial).revocation_date(one.when)
    except ValueError as error:
        raise WishError(f"serial number {one.serial:x}: {error}") from None
    if one.reason and one.reason != "unspecified":  # §5.3.1: then it should be left out
        reason = x509.CRLReason(x509.ReasonFlags(one.reason))
        builder = builder.add_extension(reason, critical=False)
    return builder.build()


# OCSP ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Signer:
    """Who answers: the CA itself, or one that it has certified for that (--flag ocspSigning)."""

    certificate: Certificate
    how: Signing


def answer(
    request: OcspRequest,
    ca: Certificate,
    signer: Signer,
    state: str,
    revoked: Entry | None,
    now: datetime,
    lifetime: timedelta,
) -> bytes:
    """An OCSPResponse in DER. ``state``: good, revoked (then with ``revoked``) or unknown."""
    check_pair(signer.certificate, signer.how, "the OCSP signer's certificate")
    wanted = request.id
    status = ocsp.OCSPCertStatus[state.upper()]
    builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
        issuer_name_hash=wanted.issuer_name_hash,
        issuer_key_hash=wanted.issuer_key_hash,
        serial_number=wanted.serial,
        algorithm=_HASHES[wanted.hash](),
        cert_status=status,
        this_update=now,
        next_update=now + lifetime,
        revocation_time=revoked.when if revoked else None,
        revocation_reason=x509.ReasonFlags(revoked.reason) if revoked and revoked.reason else None,
    )
    shown = x509.load_der_x509_certificate(signer.certificate.der)
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, shown)
    if signer.certificate != ca:
        builder = builder.certificates([shown])
    if request.nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(request.nonce), critical=False)
    try:
        made = builder.sign(signer.how.key, signer.how.hash)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise IssuingError(f"the OCSP answer cannot be signed: {error}") from None
    return made.public_bytes(Encoding.DER)


_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1, "sha224": hashes.SHA224, "sha256": hashes.SHA256, "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}  # fmt: skip


def is_about(request: OcspRequest, ca: Certificate) -> bool:
    """Whether it asks for a certificate of that CA."""
    name = hashlib.new(request.id.hash, ca.subject.data, usedforsecurity=False).digest()
    key = hashlib.new(request.id.hash, key_bits(ca.key.spki), usedforsecurity=False).digest()
    return (request.id.issuer_name_hash, request.id.issuer_key_hash) == (name, key)
