"""RFC 5280 §4, RFC 2986. Certificates and requests for them."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AttributeOID

from cygnet.crypto.issuing.errors import IssuingError, WishError
from cygnet.crypto.issuing.extensions import PROFILE_OID, PROFILES, Wishes, extensions, oid
from cygnet.crypto.issuing.keys import PublicKey, Signing, key_ids, loaded_public, spki
from cygnet.crypto.issuing.names import general_name, name_from_der
from cygnet.crypto.pem import certificates_in, pem_blocks
from cygnet.crypto.x509 import Certificate
from cygnet.values import der

SERIAL_BYTES = 20  #: at most (RFC 5280 §4.1.2.2)
SERIAL_RANDOM = 16  #: bytes of chance in ours: nobody can guess it, and it is below the limit


def pem(label: str, data: bytes) -> bytes:
    text = base64.b64encode(data).decode()
    lines = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    subject: bytes  #: Name in DER
    serial: int  #: positive
    not_before: datetime  #: in UTC
    not_after: datetime
    wishes: Wishes


def serial_from(chance: bytes) -> int:
    """A serial number from ``SERIAL_RANDOM`` random bytes; positive and of full length."""
    return int.from_bytes(chance) & ~(1 << (8 * len(chance) - 1)) | 1 << (8 * len(chance) - 2)


def self_signed(terms: Terms, how: Signing) -> bytes:
    """DER, signed by the key that it is for."""
    builder = _builder(terms, how.key.public_key()).issuer_name(name_from_der(terms.subject))
    return _signed(builder, how)


def issue(terms: Terms, key: PublicKey, ca: Certificate, how: Signing) -> bytes:
    """DER, issued to ``key`` by ``ca``, whose key is in ``how``."""
    check_pair(ca, how, "the CA's certificate")
    if not ca.is_ca:
        raise IssuingError(f"{ca.name} is no CA: its certificate was made without --ca")
    builder = _builder(terms, key).issuer_name(name_from_der(ca.subject.data))
    return _signed(builder.add_extension(authority(ca), critical=False), how)


def check_pair(certificate: Certificate, how: Signing, what: str) -> None:
    if certificate.key.spki != spki(how.key.public_key()):
        raise IssuingError(f"{what} ({certificate.name}) is of another key than the one to sign with")


def authority(ca: Certificate) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier(ca.subject_key_id or ca.key.keyid, None, None)


def _builder(terms: Terms, key: PublicKey) -> x509.CertificateBuilder:
    if not 0 < terms.serial < 1 << (8 * SERIAL_BYTES - 1):
        raise WishError(f"a serial number has 1 to {SERIAL_BYTES} bytes and is above 0")
    if terms.not_after < terms.not_before:
        raise WishError("the certificate would end before it begins")
    try:
        builder = (
            x509.CertificateBuilder()
            .subject_name(name_from_der(terms.subject))
            .public_key(key)
            .serial_number(terms.serial)
            .not_valid_before(terms.not_before)
            .not_valid_after(terms.not_after)
            .add_extension(x509.SubjectKeyIdentifier(key_ids(key)[0]), critical=False)
        )
        for extension, critical in extensions(terms.wishes):
            builder = builder.add_extension(extension, critical)
    except ValueError as error:
        raise IssuingError(f"the certificate cannot be made: {error}") from None
    return builder


def _signed(builder: x509.CertificateBuilder, how: Signing) -> bytes:
    try:
        # mypy: the library's overloads name each pair of key and hash
        made = builder.sign(how.key, how.hash, rsa_padding=how.pss)  # type: ignore[arg-type]
    except (ValueError, UnsupportedAlgorithm) as error:
        raise IssuingError(f"the certificate cannot be signed: {error}") from None
    return made.public_bytes(Encoding.DER)


def utc(moment: datetime) -> datetime:
    """To whole seconds, which is all that a certificate can say."""
    return moment.astimezone(UTC).replace(microsecond=0)


def one_certificate(data: bytes) -> Certificate:
    """The first certificate in a file: a chain begins with the end's own."""
    return certificates_in(data)[0]


# requests ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """What a PKCS#10 request asks for; its signature is right."""

    der: bytes
    subject: bytes
    key: PublicKey
    names: tuple[str, ...]  #: subjectAltNames, as ``general_name`` reads them
    flags: tuple[str, ...]  #: that its profile stands for
    profile: str


def request(
    subject: bytes,
    how: Signing,
    names: tuple[str, ...] = (),
    profile: str = "",
    password: str = "",
) -> bytes:
    """A PKCS#10 request in DER."""
    try:
        builder = x509.CertificateSigningRequestBuilder().subject_name(name_from_der(subject))
        if names:
            wanted = x509.SubjectAlternativeName([general_name(text) for text in names])
            builder = builder.add_extension(wanted, critical=False)
        if profile:
            value = der.encode(0x0C, profile.encode())
            builder = builder.add_extension(
                x509.UnrecognizedExtension(oid(PROFILE_OID), value), critical=False
            )
        if password:
            builder = builder.add_attribute(AttributeOID.CHALLENGE_PASSWORD, password.encode())
        made = builder.sign(how.key, how.hash, rsa_padding=how.pss)  # type: ignore[arg-type]
    except (ValueError, UnsupportedAlgorithm) as error:
        raise IssuingError(f"the request cannot be made: {error}") from None
    return made.public_bytes(Encoding.DER)


_REQUEST_LABELS = (b"CERTIFICATE REQUEST", b"NEW CERTIFICATE REQUEST")


def read_request(data: bytes, what: str) -> Request:
    blocks = [
        c for label, c in pem_blocks(data) if label in (b"CERTIFICATE REQUEST", b"NEW CERTIFICATE REQUEST")
    ]
    try:
        read = x509.load_der_x509_csr(blocks[0] if blocks else data)
        if not read.is_signature_valid:
            raise InvalidSignature
        key = loaded_public(read.public_key(), what)
        names, profile = _asked(read)
    except InvalidSignature:
        raise IssuingError(f"the signature of {what} is wrong: who made it does not hold the key") from None
    except (ValueError, UnsupportedAlgorithm) as error:
        raise IssuingError(f"{what} is no certificate request that can be read: {error}") from None
    flags = PROFILES.get(profile, ())
    return Request(read.public_bytes(Encoding.DER), read.subject.public_bytes(), key, names, flags, profile)


def _asked(read: x509.CertificateSigningRequest) -> tuple[tuple[str, ...], str]:
    names: tuple[str, ...] = ()
    profile = ""
    for extension in read.extensions:
        value = extension.value
        if isinstance(value, x509.SubjectAlternativeName):
            names = tuple(_spelled(name) for name in value)
        elif isinstance(value, x509.UnrecognizedExtension) and value.oid.dotted_string == PROFILE_OID:
            profile = der.only(value.value).value.decode("utf-8", "replace")
    return names, profile


def _spelled(name: x509.GeneralName) -> str:
    if isinstance(name, x509.DirectoryName):
        return f"asn1dn:#{name.value.public_bytes().hex()}"
    for prefix, kind in (
        ("uri:", x509.UniformResourceIdentifier),
        ("dns:", x509.DNSName),
        ("email:", x509.RFC822Name),
    ):
        if isinstance(name, kind):
            return prefix + name.value
    if isinstance(name, x509.IPAddress):
        return str(name.value)
    raise IssuingError(f"a subjectAltName of the kind {type(name).__name__} is not issued here")
