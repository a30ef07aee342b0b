"""AUTH payloads that are signatures: RFC 7427, and the older methods of RFC 7296 §2.15 and RFC 4754.

Which way a key signs: with a peer that has said which hashes it verifies (SIGNATURE_HASH_ALGORITHMS)
by RFC 7427, the hash as strong as the key unless leftauth says another one; else RSA over SHA-1 or
ECDSA with the hash that belongs to the curve, which is all there is.
"""

from __future__ import annotations

from collections.abc import Sequence

from cygnet.crypto import sign
from cygnet.crypto.publickey import KeyKind, PublicKey, SignatureError
from cygnet.crypto.sign import Scheme
from cygnet.engine import signing
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.signing import Work
from cygnet.values import der
from cygnet.values.constraints import Constraints
from cygnet.values.der import DerError
from cygnet.values.errors import CygnetError, PeerError
from cygnet.wire.ikev2.auth import AuthPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.numbers import AuthMethodId, HashAlgorithm

SIGNATURES = (
    AuthMethodId.RSA_SIGNATURE,
    AuthMethodId.ECDSA_256,
    AuthMethodId.ECDSA_384,
    AuthMethodId.ECDSA_521,
    AuthMethodId.DIGITAL_SIGNATURE,
)
_HASHES = {
    "sha1": HashAlgorithm.SHA1,
    "sha256": HashAlgorithm.SHA2_256,
    "sha384": HashAlgorithm.SHA2_384,
    "sha512": HashAlgorithm.SHA2_512,
}
#: RFC 4754: each has its curve and its hash
_CURVES = {
    "secp256r1": (AuthMethodId.ECDSA_256, "sha256"),
    "secp384r1": (AuthMethodId.ECDSA_384, "sha384"),
    "secp521r1": (AuthMethodId.ECDSA_521, "sha512"),
}
_OLD = {
    AuthMethodId.RSA_SIGNATURE: Scheme(sign.rsa_pkcs1("sha1")),
    AuthMethodId.ECDSA_256: Scheme(sign.ecdsa("sha256"), raw=True),
    AuthMethodId.ECDSA_384: Scheme(sign.ecdsa("sha384"), raw=True),
    AuthMethodId.ECDSA_521: Scheme(sign.ecdsa("sha512"), raw=True),
}


def choose(
    key: PublicKey, hashes: Sequence[HashAlgorithm], wishes: Constraints
) -> tuple[AuthMethodId, Scheme]:
    """How to sign with that key for a peer that verifies ``hashes`` (none: it knows no RFC 7427).

    ``wishes``: what leftauth says. PeerError(AUTHENTICATION_FAILED) where there is no way.
    """
    if key.kind is KeyKind.ED25519 or key.kind is KeyKind.ED448:
        if HashAlgorithm.IDENTITY not in hashes:
            raise _failed(f"the peer does not verify {key.kind} signatures")
        identifier = sign.ED25519 if key.kind is KeyKind.ED25519 else sign.ED448
        return AuthMethodId.DIGITAL_SIGNATURE, Scheme(identifier)
    if key.kind not in (KeyKind.RSA, KeyKind.ECDSA):
        raise _failed(f"a {key} key cannot sign for IKEv2")
    if not hashes:
        return _without_hashes(key)
    wanted = wishes.ike_hashes or (_fitting(key), *_HASHES)
    usable = [name for name in wanted if _HASHES.get(name) in hashes]
    if not usable:
        known = ", ".join(str(h) for h in hashes)
        raise _failed(f"the peer verifies signatures over {known} only; ours would be {'/'.join(wanted)}")
    if key.kind is KeyKind.ECDSA:
        return AuthMethodId.DIGITAL_SIGNATURE, Scheme(sign.ecdsa(usable[0]))
    make = sign.rsa_pss if wishes.pss and usable[0] != "sha1" else sign.rsa_pkcs1
    return AuthMethodId.DIGITAL_SIGNATURE, Scheme(make(usable[0]))


def _without_hashes(key: PublicKey) -> tuple[AuthMethodId, Scheme]:
    if key.kind is KeyKind.RSA:
        return AuthMethodId.RSA_SIGNATURE, _OLD[AuthMethodId.RSA_SIGNATURE]
    if key.curve not in _CURVES:
        raise _failed(f"the peer knows no signatures of RFC 7427, without which {key.curve} has none")
    method, _ = _CURVES[key.curve]
    return method, _OLD[method]


def _fitting(key: PublicKey) -> str:
    small, large = (3072, 7680) if key.kind is KeyKind.RSA else (256, 384)
    return "sha256" if key.bits <= small else "sha384" if key.bits <= large else "sha512"


def sign_octets(sa: IkeSaV2, key: PublicKey, method: AuthMethodId, scheme: Scheme, octets: bytes) -> bytes:
    """The data of the AUTH payload. Missing, and PeerError(AUTHENTICATION_FAILED): see ``signing``."""
    signature = signing.signature(sa, Work(key, octets, scheme.identifier, scheme.raw))
    if method != AuthMethodId.DIGITAL_SIGNATURE:
        return signature
    return bytes((len(scheme.identifier),)) + scheme.identifier + signature


def read(auth: AuthPayload) -> tuple[Scheme, bytes]:
    """How an AUTH payload is signed, and the signature. PeerError(AUTHENTICATION_FAILED)."""
    if auth.method != AuthMethodId.DIGITAL_SIGNATURE:
        return _OLD[auth.method], auth.data
    length = auth.data[0] if auth.data else 0  # RFC 7427 §3
    identifier, signature = auth.data[1 : 1 + length], auth.data[1 + length :]
    if not length or len(identifier) < length or not signature:
        raise _failed("the peer's digital signature is cut short")
    try:
        der.only(identifier)
        scheme = Scheme(identifier)
        scheme.algorithm  # noqa: B018  # raises where it is none
    except DerError as problem:
        raise _failed(f"the peer's signature algorithm cannot be read: {problem}") from None
    return scheme, signature


def check(key: PublicKey, auth: AuthPayload, octets: bytes, wishes: Constraints) -> Scheme:
    """The scheme by which ``key`` has signed. PeerError(AUTHENTICATION_FAILED) where it has not, or not
    as rightauth (``wishes``) and good sense want."""
    scheme, signature = read(auth)
    used = scheme.algorithm
    weak = used.hash in ("md5", "sha1") and auth.method == AuthMethodId.DIGITAL_SIGNATURE
    if auth.method == AuthMethodId.DIGITAL_SIGNATURE and used.hash and used.hash not in _HASHES:
        raise _failed(f"the peer signed with {used}, a hash that we have not announced")
    if used.pss is not None and used.pss.mgf_hash != used.hash:
        raise _failed(f"the peer signed with {used} and a mask over {used.pss.mgf_hash.upper()}")
    if weak and used.hash not in wishes.ike_hashes:
        raise _failed(f"the peer signed over {used.hash.upper()}, which is too weak")
    if wishes.ike_hashes and used.hash and used.hash not in wishes.ike_hashes:
        raise _failed(f"the peer signed with {used}, and not over {'/'.join(wishes.ike_hashes)}")
    if auth.method in (m for m, _ in _CURVES.values()) and _CURVES.get(key.curve, (None,))[0] != auth.method:
        raise _failed(f"{auth.method} with a key on {key.curve or key}")
    try:
        sign.verify(key, scheme, signature, octets)
    except (SignatureError, CygnetError) as problem:
        raise _failed(f"signature validation failed: {problem}") from None
    return scheme


def _failed(text: str) -> PeerError:
    return PeerError(NotifyType.AUTHENTICATION_FAILED, text)
