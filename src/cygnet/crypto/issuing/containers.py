"""PKCS#12 and PKCS#7: containers of keys, certificates and messages."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs7, pkcs12

from cygnet.crypto.issuing.errors import IssuingError, PassphraseNeeded
from cygnet.crypto.issuing.keys import PrivateKey, Signing, known
from cygnet.crypto.pem import pem_blocks
from cygnet.crypto.publickey import SignatureError, signature_algorithm
from cygnet.crypto.x509 import Certificate
from cygnet.values import der
from cygnet.values.der import DerError
from cygnet.values.secret import Secret

Chain = tuple[Certificate, ...]

# PKCS#12 -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Container:
    certificates: tuple[Certificate, ...]  #: the one that belongs to the key first
    keys: tuple[PrivateKey, ...]


def load_pkcs12(data: bytes, passphrase: Secret | None, what: str) -> Container:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Windows and Java write BER, which is read and warned of
            found = pkcs12.load_pkcs12(data, passphrase.reveal() if passphrase is not None else None)
    except (ValueError, UnsupportedAlgorithm) as error:
        if "password" in str(error).lower() or "mac" in str(error).lower():
            raise PassphraseNeeded(what, wrong=passphrase is not None) from None
        raise IssuingError(f"{what} is no PKCS#12 container that can be read: {error}") from None
    held = [found.cert, *found.additional_certs]
    return Container(
        tuple(Certificate.parse(one.certificate.public_bytes(Encoding.DER)) for one in held if one),
        (known(found.key, what),) if found.key is not None else (),
    )


def make_pkcs12(
    key: PrivateKey, certificate: Certificate, above: Chain, name: str, passphrase: Secret
) -> bytes:
    try:
        return pkcs12.serialize_key_and_certificates(
            name.encode(), key, _library(certificate), [_library(ca) for ca in above],
            BestAvailableEncryption(passphrase.reveal()),
        )  # fmt: skip
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise IssuingError(f"the container cannot be made: {error}") from None


def _library(certificate: Certificate) -> x509.Certificate:
    return x509.load_der_x509_certificate(certificate.der)


# PKCS#7 --------------------------------------------------------------------------------

SIGNED, ENVELOPED = "1.2.840.113549.1.7.2", "1.2.840.113549.1.7.3"
KINDS = {
    "1.2.840.113549.1.7.1": "PKCS7_DATA",
    SIGNED: "PKCS7_SIGNED_DATA",
    ENVELOPED: "PKCS7_ENVELOPED_DATA",
}
_DIGEST, _RSA = "1.2.840.113549.1.9.4", "1.2.840.113549.1.1.1"
_HASHES = {
    "2.16.840.1.101.3.4.2.4": "sha224", "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384", "2.16.840.1.101.3.4.2.3": "sha512",
}  # fmt: skip
#: an RSA signature whose algorithm only says "RSA" (RFC 3370 §3.2) is one over the digest's hash
_WITH_RSA = {"sha224": 14, "sha256": 11, "sha384": 12, "sha512": 13}


def content(data: bytes, what: str) -> bytes:
    """The DER of a PKCS#7 file."""
    blocks = [body for label, body in pem_blocks(data) if label in (b"PKCS7", b"CMS")]
    whole = blocks[0] if blocks else data
    kind_of(whole, what)
    return whole


def kind_of(data: bytes, what: str) -> str:
    """The object identifier of what it holds."""
    try:
        return der.oid(der.sequence(data)[0].value)
    except (DerError, IndexError):
        raise IssuingError(f"{what} is no PKCS#7 that can be read") from None


def sign_message(
    data: bytes, how: Signing, certificate: Certificate, above: tuple[Certificate, ...]
) -> bytes:
    if not isinstance(how.key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)) or not isinstance(
        how.hash, hashes.SHA224 | hashes.SHA256 | hashes.SHA384 | hashes.SHA512
    ):
        raise IssuingError("PKCS#7 is signed with RSA and ECDSA keys only, and with SHA-2")
    try:
        builder = pkcs7.PKCS7SignatureBuilder().set_data(data)
        builder = builder.add_signer(_library(certificate), how.key, how.hash, rsa_padding=how.pss)
        for ca in above:
            builder = builder.add_certificate(_library(ca))
        return builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.NoCapabilities])
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise IssuingError(f"the message cannot be signed: {error}") from None


def encrypt_message(data: bytes, receivers: tuple[Certificate, ...]) -> bytes:
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(data)
    try:
        for one in receivers:
            builder = builder.add_recipient(_library(one))
        return builder.encrypt(Encoding.DER, [pkcs7.PKCS7Options.Binary])
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise IssuingError(
            f"the message cannot be encrypted ({error}); that takes an RSA certificate"
        ) from None


def decrypt_message(data: bytes, key: PrivateKey, certificate: Certificate, what: str) -> bytes:
    if not isinstance(key, rsa.RSAPrivateKey):
        raise IssuingError("PKCS#7 is decrypted with RSA keys only")
    try:
        return pkcs7.pkcs7_decrypt_der(data, _library(certificate), key, [])
    except (ValueError, UnsupportedAlgorithm) as error:
        raise IssuingError(f"{what} cannot be decrypted: {error}") from None


def certificates_held(data: bytes) -> tuple[Certificate, ...]:
    try:
        held = pkcs7.load_der_pkcs7_certificates(data)
    except (ValueError, UnsupportedAlgorithm):
        return ()
    return tuple(Certificate.parse(one.public_bytes(Encoding.DER)) for one in held)


@dataclass(frozen=True, slots=True)
class Signed:
    data: bytes
    signers: tuple[Certificate, ...]  #: whose signatures are right; whether they are trusted is not judged


def verify_message(data: bytes, candidates: tuple[Certificate, ...], what: str) -> Signed:
    """RFC 5652 §5.4. Every signature has to be right, and of one of the certificates in it or given."""
    try:
        return _verified(data, (*certificates_held(data), *candidates))
    except (DerError, SignatureError) as error:
        raise IssuingError(f"{what}: {error}") from None


def _verified(data: bytes, candidates: tuple[Certificate, ...]) -> Signed:
    outer = der.Fields.of(data)
    if der.oid(outer.need(der.OID).value) != SIGNED:
        raise DerError("no signed message")
    fields = der.Fields.of(der.only(outer.need(der.context(0, True)).value, der.SEQUENCE).whole)
    fields.need(der.INTEGER)
    fields.need(der.SET)
    inner = der.Fields.of(fields.need(der.SEQUENCE).whole)
    inner.need(der.OID)
    wrapped = inner.optional(der.context(0, True))
    if wrapped is None:
        raise DerError("a signature without its message")
    message = der.only(wrapped.value, der.OCTET_STRING).value
    fields.optional(der.context(0, True))
    fields.optional(der.context(1, True))
    signers = tuple(_signer(one, message, candidates) for one in der.elements(fields.need(der.SET).value))
    if not signers:
        raise SignatureError("nobody has signed it")
    return Signed(message, signers)


def _signer(info: der.Tlv, message: bytes, candidates: tuple[Certificate, ...]) -> Certificate:
    fields = der.Fields.of(info.whole)
    fields.need(der.INTEGER)
    whose = fields.need(der.SEQUENCE, der.context(0))
    digest = _HASHES.get(der.oid(der.sequence(fields.need(der.SEQUENCE).whole)[0].value))
    if digest is None:
        raise SignatureError("it is signed with a digest that is too weak or not known")
    attributes = fields.optional(der.context(0, True))
    algorithm = fields.need(der.SEQUENCE).whole
    signature = fields.need(der.OCTET_STRING).value
    found = next((one for one in candidates if _is(one, whose)), None)
    if found is None:
        raise SignatureError("the signer's certificate is neither in it nor given")
    covered = message
    if attributes is not None:
        if _digest_in(attributes) != hashlib.new(digest, message).digest():
            raise SignatureError("the message is not the one that was signed")
        covered = der.encode(der.SET, attributes.value)
    if der.oid(der.sequence(algorithm)[0].value) == _RSA:
        oid = f"1.2.840.113549.1.1.{_WITH_RSA[digest]}"
        algorithm = der.encode(der.SEQUENCE, der.encode_oid(oid), b"\x05\x00")
    found.key.verify(signature_algorithm(algorithm), signature, covered)
    return found


def _is(certificate: Certificate, whose: der.Tlv) -> bool:
    if whose.tag != der.SEQUENCE:
        return whose.value == certificate.subject_key_id
    parts = der.sequence(whose.whole)
    return (
        len(parts) == 2
        and parts[0].whole == certificate.issuer.data
        and der.integer(parts[1].value) == certificate.serial
    )


def _digest_in(attributes: der.Tlv) -> bytes:
    for one in der.elements(attributes.value):
        parts = der.sequence(one.whole)
        if len(parts) == 2 and der.oid(parts[0].value) == _DIGEST:
            return der.only(parts[1].value, der.OCTET_STRING).value
    raise SignatureError("signed attributes without the message's digest")
