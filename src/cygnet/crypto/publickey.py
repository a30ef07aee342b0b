"""Public keys as certificates hold them, and the signatures on certificates, CRLs and OCSP answers.

The library does the arithmetic and is strict about it: PKCS#1 v1.5 is checked by making the one
right padding and comparing, ECDSA by the one DER of its two numbers. What is ours is the reading of
the AlgorithmIdentifier, because the library would not verify SHA-1 or SHA-3 in certificates; whether
SHA-1 counts at all is for the caller to say (``SignatureAlgorithm.hash``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from cygnet.values import der
from cygnet.values.der import DerError
from cygnet.values.errors import CygnetError


class SignatureError(CygnetError):
    """The signature is not one of that key over those bytes, or of a kind that cannot be checked."""


class KeyKind(StrEnum):
    RSA = "RSA"
    ECDSA = "ECDSA"
    ED25519 = "Ed25519"
    ED448 = "Ed448"
    ML_DSA = "ML-DSA"
    UNKNOWN = "unknown"  #: nothing here verifies with such a key (DSA, GOST, curves without a name)


_RSA_ENCRYPTION = "1.2.840.113549.1.1.1"
_PSS = "1.2.840.113549.1.1.10"
_MGF1 = "1.2.840.113549.1.1.8"

_HASHES: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "md5": hashes.MD5, "sha1": hashes.SHA1, "sha224": hashes.SHA224, "sha256": hashes.SHA256,
    "sha384": hashes.SHA384, "sha512": hashes.SHA512, "sha3-224": hashes.SHA3_224,
    "sha3-256": hashes.SHA3_256, "sha3-384": hashes.SHA3_384, "sha3-512": hashes.SHA3_512,
}  # fmt: skip

_HASH_OIDS = {
    "1.3.14.3.2.26": "sha1", "2.16.840.1.101.3.4.2.4": "sha224", "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384", "2.16.840.1.101.3.4.2.3": "sha512",
    "2.16.840.1.101.3.4.2.7": "sha3-224", "2.16.840.1.101.3.4.2.8": "sha3-256",
    "2.16.840.1.101.3.4.2.9": "sha3-384", "2.16.840.1.101.3.4.2.10": "sha3-512",
}  # fmt: skip

#: object identifier of a signature algorithm -> the kind of key and the hash ("": within the algorithm)
_SIGNATURES = {
    "1.2.840.113549.1.1.4": (KeyKind.RSA, "md5"),
    "1.2.840.113549.1.1.5": (KeyKind.RSA, "sha1"),
    "1.2.840.113549.1.1.14": (KeyKind.RSA, "sha224"),
    "1.2.840.113549.1.1.11": (KeyKind.RSA, "sha256"),
    "1.2.840.113549.1.1.12": (KeyKind.RSA, "sha384"),
    "1.2.840.113549.1.1.13": (KeyKind.RSA, "sha512"),
    "2.16.840.1.101.3.4.3.13": (KeyKind.RSA, "sha3-224"),
    "2.16.840.1.101.3.4.3.14": (KeyKind.RSA, "sha3-256"),
    "2.16.840.1.101.3.4.3.15": (KeyKind.RSA, "sha3-384"),
    "2.16.840.1.101.3.4.3.16": (KeyKind.RSA, "sha3-512"),
    "1.2.840.10045.4.1": (KeyKind.ECDSA, "sha1"),
    "1.2.840.10045.4.3.1": (KeyKind.ECDSA, "sha224"),
    "1.2.840.10045.4.3.2": (KeyKind.ECDSA, "sha256"),
    "1.2.840.10045.4.3.3": (KeyKind.ECDSA, "sha384"),
    "1.2.840.10045.4.3.4": (KeyKind.ECDSA, "sha512"),
    "2.16.840.1.101.3.4.3.9": (KeyKind.ECDSA, "sha3-224"),
    "2.16.840.1.101.3.4.3.10": (KeyKind.ECDSA, "sha3-256"),
    "2.16.840.1.101.3.4.3.11": (KeyKind.ECDSA, "sha3-384"),
    "2.16.840.1.101.3.4.3.12": (KeyKind.ECDSA, "sha3-512"),
    "1.3.101.112": (KeyKind.ED25519, ""),
    "1.3.101.113": (KeyKind.ED448, ""),
    "2.16.840.1.101.3.4.3.17": (KeyKind.ML_DSA, ""),
    "2.16.840.1.101.3.4.3.18": (KeyKind.ML_DSA, ""),
    "2.16.840.1.101.3.4.3.19": (KeyKind.ML_DSA, ""),
}


@dataclass(frozen=True, slots=True)
class Pss:
    """RSASSA-PSS-params (RFC 4055 §3.1), with the hash in ``SignatureAlgorithm``."""

    mgf_hash: str
    salt_length: int  #: bytes


@dataclass(frozen=True, slots=True)
class SignatureAlgorithm:
    oid: str
    kind: KeyKind  #: of the key that makes such signatures; UNKNOWN: nothing here can check them
    hash: str  #: "sha256", "sha3-256", ...; "" where the algorithm has its own
    pss: Pss | None = None

    def __str__(self) -> str:
        if self.kind is KeyKind.UNKNOWN:
            return self.oid
        return "-".join(filter(None, (self.kind, "PSS" if self.pss else "", self.hash.upper())))


def signature_algorithm(identifier: bytes) -> SignatureAlgorithm:
    """From an AlgorithmIdentifier. DerError where it is none, or has parameters that cannot be."""
    oid, parameters = _algorithm(identifier)
    if oid == _PSS:
        return _pss(oid, parameters)
    kind, hash_name = _SIGNATURES.get(oid, (KeyKind.UNKNOWN, ""))
    if kind is not KeyKind.UNKNOWN:
        _no_parameters(parameters)
    return SignatureAlgorithm(oid, kind, hash_name)


def _algorithm(identifier: bytes) -> tuple[str, bytes | None]:
    parts = der.sequence(identifier)
    if not 1 <= len(parts) <= 2 or parts[0].tag != der.OID:
        raise DerError("no AlgorithmIdentifier")
    return der.oid(parts[0].value), parts[1].whole if len(parts) == 2 else None


def _no_parameters(parameters: bytes | None) -> None:
    """None, or the NULL that RSA has to have and that others write by mistake."""
    if parameters not in (None, b"\x05\x00"):
        raise DerError("a signature algorithm with parameters that it does not have")


def _hash_of(identifier: bytes) -> str:
    oid, parameters = _algorithm(identifier)
    _no_parameters(parameters)
    if oid not in _HASH_OIDS:
        raise DerError(f"hash {oid} is not known")
    return _HASH_OIDS[oid]


def _pss(oid: str, parameters: bytes | None) -> SignatureAlgorithm:
    if parameters is None:
        raise DerError("RSASSA-PSS without parameters")
    fields = der.Fields.of(parameters)
    hashed, mask, salt, trailer = (fields.optional(der.context(n, True)) for n in range(4))
    fields.end()
    mgf_hash = "sha1"
    if mask:
        mgf, its = _algorithm(mask.value)
        if mgf != _MGF1 or its is None:
            raise DerError("a mask generation function other than MGF1")
        mgf_hash = _hash_of(its)
    if trailer and der.natural(der.only(trailer.value, der.INTEGER).value) != 1:
        raise DerError("a PSS trailer other than BC")
    length = der.natural(der.only(salt.value, der.INTEGER).value, 1025) if salt else 20
    hash_name = _hash_of(hashed.value) if hashed else "sha1"
    return SignatureAlgorithm(oid, KeyKind.RSA, hash_name, Pss(mgf_hash, length))


@dataclass(frozen=True, slots=True)
class PublicKey:
    kind: KeyKind
    bits: int  #: of the RSA modulus, the curve's order, or 44/65/87 for ML-DSA; 0: not known
    curve: str  #: the library's name of the curve ("secp256r1", "brainpoolP256r1"), else ""
    spki: bytes  #: the SubjectPublicKeyInfo, whole

    @property
    def spki_keyid(self) -> bytes:
        """SHA-1 of the SubjectPublicKeyInfo (20 bytes): CERTREQ, and strongSwan's first keyid."""
        return hashlib.sha1(self.spki, usedforsecurity=False).digest()

    @property
    def keyid(self) -> bytes:
        """SHA-1 of the subjectPublicKey alone (20 bytes): what most subjectKeyIdentifiers are."""
        return hashlib.sha1(key_bits(self.spki), usedforsecurity=False).digest()

    def verify(self, algorithm: SignatureAlgorithm, signature: bytes, data: bytes) -> None:
        """Nothing, or SignatureError."""
        if algorithm.kind is KeyKind.UNKNOWN:
            raise SignatureError(f"signature algorithm {algorithm.oid} is not known")
        if algorithm.kind is not self.kind:
            raise SignatureError(f"a {algorithm} signature cannot be of a {self.kind} key")
        try:
            _verify(self.spki, algorithm, signature, data)
        except InvalidSignature:
            raise SignatureError("the signature is wrong") from None
        except (ValueError, UnsupportedAlgorithm) as problem:
            raise SignatureError(f"the signature cannot be checked: {problem}") from None

    def __str__(self) -> str:
        return f"{self.kind} {self.bits}" if self.bits else str(self.kind)


def key_bits(spki: bytes) -> bytes:
    """The subjectPublicKey of a SubjectPublicKeyInfo."""
    parts = der.sequence(spki)
    if len(parts) != 2 or parts[1].tag != der.BIT_STRING:
        raise DerError("no SubjectPublicKeyInfo")
    data, unused = der.bits(parts[1].value)
    if unused:
        raise DerError("a public key that is no whole bytes")
    return data


Loaded = (
    rsa.RSAPublicKey
    | ec.EllipticCurvePublicKey
    | ed25519.Ed25519PublicKey
    | ed448.Ed448PublicKey
    | mldsa.MLDSA44PublicKey
    | mldsa.MLDSA65PublicKey
    | mldsa.MLDSA87PublicKey
)
#: bytes of a SubjectPublicKeyInfo; RSA of 16384 bits has 2 KB, ML-DSA-87 2.6 KB
LONGEST_KEY = 4096
#: bits of an RSA modulus, and of its exponent, that we calculate with. A signature takes the library 1 ms
#: with the longest of these; with an exponent as long as the modulus it would take 5 ms with 3072 bits
MOST_RSA_BITS, MOST_EXPONENT_BITS = 16384, 33
_ML_DSA = {mldsa.MLDSA44PublicKey: 44, mldsa.MLDSA65PublicKey: 65, mldsa.MLDSA87PublicKey: 87}


@lru_cache(256)
def loaded(spki: bytes) -> Loaded | None:
    """The library's key; None where it cannot use it, or would have to work on it for too long."""
    if len(spki) > LONGEST_KEY:
        return None
    try:
        key = load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm):
        return None
    if isinstance(key, rsa.RSAPublicKey) and (
        key.key_size > MOST_RSA_BITS or key.public_numbers().e.bit_length() > MOST_EXPONENT_BITS
    ):
        return None
    return key if isinstance(key, Loaded) and not isinstance(key, dsa.DSAPublicKey) else None


def public_key(spki: bytes) -> PublicKey:
    """From a SubjectPublicKeyInfo (else DerError); of kind UNKNOWN where the library cannot use it."""
    modulus = key_bits(spki)
    key = loaded(spki)
    if isinstance(key, rsa.RSAPublicKey):
        return PublicKey(KeyKind.RSA, key.key_size, "", spki)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return PublicKey(KeyKind.ECDSA, key.curve.key_size, key.curve.name, spki)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return PublicKey(KeyKind.ED25519, 256, "", spki)
    if isinstance(key, ed448.Ed448PublicKey):
        return PublicKey(KeyKind.ED448, 456, "", spki)
    if key is not None:
        return PublicKey(KeyKind.ML_DSA, next(n for c, n in _ML_DSA.items() if isinstance(key, c)), "", spki)
    if der.oid(der.sequence(der.sequence(spki)[0].whole)[0].value) == _RSA_ENCRYPTION:
        # below what the library takes at all; named so that the user reads "RSA 512", not "unknown"
        numbers = der.sequence(modulus)
        if numbers and numbers[0].tag == der.INTEGER:
            return PublicKey(KeyKind.RSA, der.integer(numbers[0].value).bit_length(), "", spki)
    return PublicKey(KeyKind.UNKNOWN, 0, "", spki)


def _verify(spki: bytes, algorithm: SignatureAlgorithm, signature: bytes, data: bytes) -> None:
    key = loaded(spki)
    if isinstance(key, rsa.RSAPublicKey):
        hashed = _HASHES[algorithm.hash]()
        if algorithm.pss:
            mask = padding.MGF1(_HASHES[algorithm.pss.mgf_hash]())
            key.verify(signature, data, padding.PSS(mask, algorithm.pss.salt_length), hashed)
        else:
            key.verify(signature, data, padding.PKCS1v15(), hashed)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, data, ec.ECDSA(_HASHES[algorithm.hash]()))
    elif key is not None:
        key.verify(signature, data)
    else:
        raise SignatureError("the key is none that can be used")
