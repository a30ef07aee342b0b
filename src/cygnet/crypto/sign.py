"""Signatures that prove who an end is: a private key, and the ways it can sign for IKE.

A ``Scheme`` is one way: an AlgorithmIdentifier (RFC 7427 sends it with the signature) or one of the
older numbers of IKEv2 and of IKEv1, whose ECDSA signatures are two numbers side by side (RFC 4754).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa, utils

from cygnet.crypto.issuing.keys import PrivateKey, load_private
from cygnet.crypto.publickey import (
    PublicKey,
    SignatureAlgorithm,
    SignatureError,
    loaded,
    public_key,
    signature_algorithm,
)
from cygnet.values import der
from cygnet.values.secret import Secret

_NULL = b"\x05\x00"
_PSS, _MGF1 = "1.2.840.113549.1.1.10", "1.2.840.113549.1.1.8"
_HASH_OIDS = {
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3",
}
_RSA_OIDS = {"sha1": "5", "sha256": "11", "sha384": "12", "sha512": "13"}
_ECDSA_OIDS = {"sha1": "1", "sha256": "3.2", "sha384": "3.3", "sha512": "3.4"}
_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1, "sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512,
}  # fmt: skip


def rsa_pkcs1(hash_name: str) -> bytes:
    """The AlgorithmIdentifier of RSASSA-PKCS1-v1_5 with that hash (RFC 7427 §A.1)."""
    return _identifier(f"1.2.840.113549.1.1.{_RSA_OIDS[hash_name]}", _NULL)


def rsa_pss(hash_name: str) -> bytes:
    """RSASSA-PSS with that hash, MGF1 with the same and a salt of its length (RFC 7427 §A.4)."""
    hashed = _identifier(_HASH_OIDS[hash_name], _NULL)
    length = _HASHES[hash_name]().digest_size
    parameters = der.encode(
        der.SEQUENCE,
        der.encode(der.context(0, True), hashed),
        der.encode(der.context(1, True), _identifier(_MGF1, hashed)),
        der.encode(der.context(2, True), der.encode(der.INTEGER, bytes((length,)))),
    )
    return _identifier(_PSS, parameters)


def ecdsa(hash_name: str) -> bytes:
    return _identifier(f"1.2.840.10045.4.{_ECDSA_OIDS[hash_name]}")


def _identifier(oid: str, *parameters: bytes) -> bytes:
    return der.encode(der.SEQUENCE, der.encode_oid(oid), *parameters)


ED25519 = _identifier("1.3.101.112")
ED448 = _identifier("1.3.101.113")


@dataclass(frozen=True, slots=True)
class Scheme:
    """``raw``: an ECDSA signature is r and s side by side, each as long as the curve's order."""

    identifier: bytes
    raw: bool = False

    @property
    def algorithm(self) -> SignatureAlgorithm:
        """Raises DerError where the peer's identifier is none."""
        return signature_algorithm(self.identifier)

    def __str__(self) -> str:
        return str(self.algorithm)


def verify(key: PublicKey, scheme: Scheme, signature: bytes, data: bytes) -> None:
    """Nothing, or SignatureError (DerError where the scheme's identifier cannot be read)."""
    algorithm = scheme.algorithm
    if scheme.raw:
        signature = from_raw(signature, key)
    key.verify(algorithm, signature, data)


def verify_digest(key: PublicKey, signature: bytes, digest: bytes) -> None:
    """The counterpart of ``SigningKey.sign_digest``: nothing, or SignatureError."""
    public = loaded(key.spki)
    try:
        if isinstance(public, rsa.RSAPublicKey):
            signed = public.recover_data_from_signature(signature, padding.PKCS1v15(), None)
            if not hmac.compare_digest(signed, digest):
                raise SignatureError("the signature is one of something else")
        elif isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(from_raw(signature, key), digest, ec.ECDSA(_hashed(digest)))
        else:
            raise SignatureError(f"a {key} key signs no bare digests")
    except (InvalidSignature, ValueError):
        raise SignatureError("the signature is wrong") from None


def _hashed(digest: bytes) -> utils.Prehashed:
    """For the library: the hash that has digests of that length. ValueError where there is none."""
    for known in (hashes.MD5, hashes.SHA1, hashes.SHA256, hashes.SHA384, hashes.SHA512):
        if known.digest_size == len(digest):
            return utils.Prehashed(known())
    raise ValueError(f"no hash has {len(digest)} bytes")


def from_raw(signature: bytes, key: PublicKey) -> bytes:
    """RFC 4754 §7: r and s, each as long as the curve's order."""
    half = (key.bits + 7) // 8
    if len(signature) != 2 * half:
        raise SignatureError(f"an ECDSA signature of {len(signature)} bytes, where {key} has {2 * half}")
    return utils.encode_dss_signature(int.from_bytes(signature[:half]), int.from_bytes(signature[half:]))


class SigningKey:
    """A private key. Its repr shows what everybody may know: the kind and the public key's id."""

    __slots__ = ("_key", "_repeatable", "public")

    def __init__(self, key: PrivateKey, repeatable: bool = False) -> None:
        """``repeatable``: the same ECDSA signature of the same each time (RFC 6979), for tests."""
        self._key, self._repeatable = key, repeatable
        spki = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.public = public_key(spki)

    @classmethod
    def load(
        cls,
        data: bytes,
        passphrase: Secret | None = None,
        what: str = "the key",
        repeatable: bool = False,
    ) -> SigningKey:
        """PKCS#1, SEC 1, PKCS#8; DER or PEM. PassphraseNeeded or IssuingError where it cannot be read."""
        return cls(load_private(data, passphrase, what), repeatable)

    def plain(self) -> Secret:
        """The key as PKCS#8 without a passphrase."""
        return Secret(
            self._key.private_bytes(
                serialization.Encoding.DER,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )

    def perform(self, identifier: bytes, raw: bool, data: bytes) -> bytes:
        """As effect Sign says it: ``sign``, or ``sign_digest`` where ``identifier`` is empty."""
        return self.sign(Scheme(identifier, raw), data) if identifier else self.sign_digest(data)

    def sign(self, scheme: Scheme, data: bytes) -> bytes:
        """ValueError where the key cannot sign so (an RSA key too short for the hash)."""
        key, algorithm = self._key, scheme.algorithm
        if isinstance(key, rsa.RSAPrivateKey):
            hashed = _HASHES[algorithm.hash]()
            if algorithm.pss is None:
                return key.sign(data, padding.PKCS1v15(), hashed)
            mask = padding.MGF1(_HASHES[algorithm.pss.mgf_hash]())
            return key.sign(data, padding.PSS(mask, algorithm.pss.salt_length), hashed)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            signature = key.sign(data, ec.ECDSA(_HASHES[algorithm.hash](), self._repeatable))
            return self._raw(signature) if scheme.raw else signature
        if isinstance(key, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey)):
            return key.sign(data)
        raise ValueError(f"a {self.public} key cannot sign with {algorithm}")

    def sign_digest(self, digest: bytes) -> bytes:
        """A digest as it is, as IKEv1 signs (RFC 2409 §5.1, RFC 4754 §5): RSA with PKCS#1 v1.5 padding and
        without a DigestInfo; ECDSA as r and s side by side. ValueError for other keys."""
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(digest, padding.PKCS1v15(), utils.NoDigestInfo())
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return self._raw(self._key.sign(digest, ec.ECDSA(_hashed(digest), self._repeatable)))
        raise ValueError(f"a {self.public} key signs no bare digests")

    def _raw(self, signature: bytes) -> bytes:
        r, s = utils.decode_dss_signature(signature)
        size = (self.public.bits + 7) // 8
        return r.to_bytes(size) + s.to_bytes(size)

    def __repr__(self) -> str:
        return f"SigningKey({self.public}, {self.public.keyid.hex()})"
