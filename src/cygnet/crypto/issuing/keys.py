"""Keys: made, read in every encoding that strongSwan reads, written, named by their hashes; signing."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import NamedTuple, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa

from cygnet.crypto.issuing.errors import IssuingError, PassphraseNeeded, WishError
from cygnet.crypto.publickey import key_bits
from cygnet.values.secret import Secret

PRIVATE = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
PUBLIC = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | ed448.Ed448PublicKey
PrivateKey: TypeAlias = PRIVATE
PublicKey: TypeAlias = PUBLIC
Hash: TypeAlias = hashes.HashAlgorithm


class KeyType(NamedTuple):
    private: type[PrivateKey]
    public: type[PublicKey]
    shown: str
    sizes: str
    default: int  #: bits; 0: there is one size only


#: RSA: 3072 bits are as strong as AES-128 (NIST SP 800-57, table 2) and meant to last beyond 2030,
#: where strongSwan makes 2048; ECDSA as there.
KEY_TYPES: dict[str, KeyType] = {
    "rsa": KeyType(rsa.RSAPrivateKey, rsa.RSAPublicKey, "RSA", "2048 to 16384", 3072),
    "ecdsa": KeyType(ec.EllipticCurvePrivateKey, ec.EllipticCurvePublicKey, "ECDSA", "256, 384 or 521", 384),
    "ed25519": KeyType(ed25519.Ed25519PrivateKey, ed25519.Ed25519PublicKey, "Ed25519", "256", 0),
    "ed448": KeyType(ed448.Ed448PrivateKey, ed448.Ed448PublicKey, "Ed448", "456", 0),
}

_CURVES: dict[int, type[ec.EllipticCurve]] = {256: ec.SECP256R1, 384: ec.SECP384R1, 521: ec.SECP521R1}
#: RFC 5639
_BRAINPOOL: dict[int, type[ec.EllipticCurve]] = {
    256: ec.BrainpoolP256R1, 384: ec.BrainpoolP384R1, 512: ec.BrainpoolP512R1,
}  # fmt: skip

DIGESTS: dict[str, type[Hash]] = {
    "sha1": hashes.SHA1, "sha224": hashes.SHA224, "sha256": hashes.SHA256, "sha384": hashes.SHA384,
    "sha512": hashes.SHA512, "sha3_224": hashes.SHA3_224, "sha3_256": hashes.SHA3_256,
    "sha3_384": hashes.SHA3_384, "sha3_512": hashes.SHA3_512,
}  # fmt: skip


def generate(kind: str, size: int = 0, brainpool: bool = False) -> PrivateKey:
    """A new key. ``size`` in bits, 0: the type's default. ``brainpool``: ECDSA on one of these curves."""
    row = KEY_TYPES[kind]
    bits = size or row.default
    if brainpool:
        if kind != "ecdsa" or bits not in _BRAINPOOL:
            raise WishError(f"brainpool curves are for ECDSA keys of 256, 384 or 512 bits, not {kind} {bits}")
        return ec.generate_private_key(_BRAINPOOL[bits]())
    if kind == "rsa" and 2048 <= bits <= 16384:
        return rsa.generate_private_key(65537, bits)
    if kind == "ecdsa" and bits in _CURVES:
        return ec.generate_private_key(_CURVES[bits]())
    if kind == "ed25519" and bits in (0, 256):
        return ed25519.Ed25519PrivateKey.generate()
    if kind == "ed448" and bits in (0, 456):
        return ed448.Ed448PrivateKey.generate()
    raise WishError(f"{row.shown} keys have {row.sizes} bits, not {bits}")


# reading -------------------------------------------------------------------------------


def load_private(data: bytes, passphrase: Secret | None = None, what: str = "the key") -> PrivateKey:
    """PKCS#1, SEC 1, PKCS#8, OpenSSH; DER or PEM (text before it and other PEM parts are passed over)."""
    pem = _pem_part(data, b"PRIVATE KEY")
    password = passphrase.reveal() if passphrase is not None else None
    try:
        if pem is None:
            key = serialization.load_der_private_key(data, password)
        elif b"OPENSSH" in pem:
            key = serialization.load_ssh_private_key(pem, password)
        else:
            key = serialization.load_pem_private_key(pem, password)
    except TypeError:  # no password for an encrypted key, or one for a plain key
        if password is None:
            raise PassphraseNeeded(what, wrong=False) from None
        return load_private(data, None, what)
    except (ValueError, UnsupportedAlgorithm) as error:
        if passphrase is not None and _is_locked(data):
            raise PassphraseNeeded(what, wrong=True) from None
        raise IssuingError(f"{what} is not a private key that can be read ({_short(error)})") from None
    return known(key, what)


def load_privates(
    data: bytes, passphrase: Secret | None = None, what: str = "the key"
) -> tuple[PrivateKey, ...]:
    """All private keys of a file, at least one."""
    parts = _pem_parts(data, b"PRIVATE KEY") or [data]
    return tuple(load_private(part, passphrase, what) for part in parts)


def _is_locked(data: bytes) -> bool:
    try:
        load_private(data)
    except PassphraseNeeded:
        return True
    except IssuingError:
        pass
    return False


def known(key: object, what: str) -> PrivateKey:
    if not isinstance(key, PRIVATE):
        raise IssuingError(f"{what} is of a type that is not known here ({', '.join(KEY_TYPES)} are)")
    return key


def load_public(data: bytes, what: str = "the key") -> PublicKey:
    """SubjectPublicKeyInfo or PKCS#1; DER or PEM; or a line of OpenSSH."""
    pem = _pem_part(data, b"PUBLIC KEY")
    try:
        if data.lstrip()[:4] in (b"ssh-", b"ecds"):
            return loaded_public(serialization.load_ssh_public_key(data), what)
        key = serialization.load_pem_public_key(pem) if pem else serialization.load_der_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise IssuingError(f"{what} is not a public key that can be read ({_short(error)})") from None
    return loaded_public(key, what)


def rsa_of_dns(data: bytes) -> PublicKey:
    """An RSA key as DNS has it (RFC 3110 §2): the exponent's length, the exponent, the modulus."""
    size, at = (data[0], 1) if data[:1] > b"\0" else (int.from_bytes(data[1:3]), 3)
    exponent, modulus = int.from_bytes(data[at : at + size]), int.from_bytes(data[at + size :])
    try:
        return rsa.RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError as error:
        raise IssuingError(f"that is no RSA key in DNS's format ({_short(error)})") from None


def loaded_public(key: object, what: str) -> PublicKey:
    if not isinstance(key, PUBLIC):
        raise IssuingError(f"{what} is of a type that is not known here ({', '.join(KEY_TYPES)} are)")
    return key


def _pem_part(data: bytes, label: bytes) -> bytes | None:
    return next(iter(_pem_parts(data, label)), None)


def _pem_parts(data: bytes, label: bytes) -> list[bytes]:
    pattern = rb"-----BEGIN ((?:[A-Z0-9]+ )*" + label + rb")-----.*?-----END \1-----"
    return [found[0] + b"\n" for found in re.finditer(pattern, data, re.DOTALL)]


def _short(error: Exception) -> str:
    """The library's reason, without what it quotes of the key."""
    return str(error).split("(")[0].split(". ")[0].strip().rstrip(".") or "unknown format"


# writing -------------------------------------------------------------------------------


def encode_private(key: PrivateKey, pem: bool, passphrase: Secret | None = None) -> bytes:
    """RSA and ECDSA as PKCS#1 and SEC 1, as strongSwan does; EdDSA and encrypted keys as PKCS#8."""
    encoding = serialization.Encoding.PEM if pem else serialization.Encoding.DER
    if passphrase is not None:
        locked = serialization.BestAvailableEncryption(passphrase.reveal())
        return key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, locked)
    old = isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey))
    style = serialization.PrivateFormat.TraditionalOpenSSL if old else serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, style, serialization.NoEncryption())


def encode_public(key: PublicKey, form: str) -> bytes:
    """``form``: der, pem, sshkey or dnskey."""
    return _PUBLIC_FORMS[form](key)


def spki(key: PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _pem(key: PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _ssh(key: PublicKey) -> bytes:
    """RFC 4253 §6.6, the base64 part alone, as strongSwan writes it."""
    try:
        line = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    except (ValueError, UnsupportedAlgorithm, AttributeError):
        raise IssuingError(f"{describe(key)} has no encoding as an SSH key") from None
    return line.split()[1]


def _dns(key: PublicKey) -> bytes:
    """RFC 3110 §2."""
    if not isinstance(key, rsa.RSAPublicKey):
        raise IssuingError("only RSA keys have an encoding as a DNS key here")
    numbers = key.public_numbers()
    exponent = numbers.e.to_bytes((numbers.e.bit_length() + 7) // 8, "big")
    size = bytes((len(exponent),)) if len(exponent) < 256 else b"\0" + len(exponent).to_bytes(2, "big")
    return base64.b64encode(size + exponent + numbers.n.to_bytes((key.key_size + 7) // 8, "big"))


_PUBLIC_FORMS = {"der": spki, "pem": _pem, "sshkey": _ssh, "dnskey": _dns}


def describe(key: PrivateKey | PublicKey) -> str:
    """``ECDSA 256 bits``"""
    for row in KEY_TYPES.values():
        if isinstance(key, (row.private, row.public)):
            return f"{row.shown} {getattr(key, 'key_size', 0) or int(row.sizes)} bits"
    raise TypeError(key)


def kind_of(key: PrivateKey | PublicKey) -> str:
    """``rsa``, ``ecdsa``, ``ed25519``, ``ed448``"""
    return next(name for name, row in KEY_TYPES.items() if isinstance(key, (row.private, row.public)))


def key_ids(key: PublicKey) -> tuple[bytes, bytes]:
    """SHA-1 of the key alone (as subjectKeyIdentifiers are mostly made) and of its SubjectPublicKeyInfo."""
    whole = spki(key)
    return _sha1(key_bits(whole)), _sha1(whole)


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()


# signing -------------------------------------------------------------------------------


class Signing(NamedTuple):
    """How to sign: what ``--digest`` and ``--rsa-padding`` say."""

    key: PrivateKey
    hash: Hash | None  #: None: the key's type has its own
    pss: padding.PSS | None


def signing(key: PrivateKey, digest: str = "", rsa_padding: str = "pkcs1") -> Signing:
    """``digest`` empty: as strong as the key."""
    if isinstance(key, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey)):
        if digest and not (digest == "sha512" and isinstance(key, ed25519.Ed25519PrivateKey)):
            raise WishError(f"{describe(key)}: the digest is part of the algorithm; leave --digest out")
        return Signing(key, None, None)
    hash_ = DIGESTS[digest or _fitting(key)]()
    if isinstance(key, rsa.RSAPrivateKey) and rsa_padding == "pss":
        return Signing(key, hash_, padding.PSS(padding.MGF1(hash_), padding.PSS.DIGEST_LENGTH))
    return Signing(key, hash_, None)


def _fitting(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    small, large = (3072, 7680) if isinstance(key, rsa.RSAPrivateKey) else (256, 384)
    return "sha256" if key.key_size <= small else "sha384" if key.key_size <= large else "sha512"


def sign(how: Signing, data: bytes) -> bytes:
    key = how.key
    if isinstance(key, rsa.RSAPrivateKey):
        assert how.hash is not None
        return key.sign(data, how.pss or padding.PKCS1v15(), how.hash)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        assert how.hash is not None
        return key.sign(data, ec.ECDSA(how.hash))
    return key.sign(data)
