"""RFC 2409 §5.1, RFC 4754, RFC 4945. Phase 1 with signatures: CERT, CERTREQ and SIG payloads.

What is signed is HASH_I or HASH_R as it is: RSA pads it (PKCS#1 v1.5 without a DigestInfo), ECDSA takes it
for the digest. Which kind of key it is, the authentication method of the transform says, for both ends: a
connection offers and takes the method that our own key can do.
"""

from __future__ import annotations

from collections.abc import Iterable

from cygnet.crypto import sign
from cygnet.crypto.pem import certificates_in
from cygnet.crypto.publickey import KeyKind, PublicKey, SignatureError
from cygnet.crypto.x509 import Certificate, CertificateError
from cygnet.engine import signing
from cygnet.engine.certificates import MOST, Shown, chain_along, signed_by_peer, wants_certificate
from cygnet.engine.ikev1.sa import IkeSaV1
from cygnet.engine.lookup import own_identity
from cygnet.engine.signing import Work
from cygnet.model.config import AuthMethod, AuthRound, Connection
from cygnet.values.errors import PeerError
from cygnet.values.iana import PrfId
from cygnet.values.identity import Identity
from cygnet.wire.ikev1.certificate import X509_SIGNATURE, Cert, CertReq
from cygnet.wire.ikev1.message import Chain
from cygnet.wire.ikev1.numbers import Notify, OakleyAuth
from cygnet.wire.ikev1.payload import Payload
from cygnet.wire.ikev1.signature import Signature

MOST_ASKED = 20  #: CAs that are asked for, a payload each
PKCS7 = 1  #: certificates in a PKCS#7 container, as some clients send them

_CURVES = {
    "secp256r1": OakleyAuth.ECDSA_256,
    "secp384r1": OakleyAuth.ECDSA_384,
    "secp521r1": OakleyAuth.ECDSA_521,
}

#: an ECDSA method has its own hash, and what is signed is made with it
HASH_PRFS = {
    OakleyAuth.ECDSA_256: PrfId.HMAC_SHA2_256,
    OakleyAuth.ECDSA_384: PrfId.HMAC_SHA2_384,
    OakleyAuth.ECDSA_521: PrfId.HMAC_SHA2_512,
}


def own_key(sa: IkeSaV1, connection: Connection, asked: Iterable[bytes] = ()) -> PublicKey | None:
    """The key that we sign with for that connection."""
    round, store = connection.local[0], sa.services.store
    certificate = store.own(round, own_identity(connection, sa.local.address), tuple(asked))
    return store.own_bare(round) if certificate is None else store.key_of(certificate.key)


def method_of(key: PublicKey) -> OakleyAuth | None:
    """How that key authenticates; None: not in IKEv1 (Ed25519, other curves)."""
    return OakleyAuth.RSA_SIG if key.kind is KeyKind.RSA else _CURVES.get(key.curve)


def methods(sa: IkeSaV1, connection: Connection) -> tuple[OakleyAuth, ...]:
    """The authentication methods that a connection offers and takes; none: IKEv1 cannot do it."""
    if len(connection.local) != 1 or len(connection.remote) != 1:
        return ()
    ours, theirs = connection.local[0].method, connection.remote[0].method
    found: list[OakleyAuth] = []
    if AuthMethod.PUBKEY in (ours, theirs) and AuthMethod.PSK not in (ours, theirs):
        key = own_key(sa, connection)
        method = method_of(key) if key is not None else None
        return () if method is None else (method,)
    if AuthMethod.PUBKEY not in (ours, theirs):
        found.append(OakleyAuth.PSK)
    return tuple(found)


def why_none(sa: IkeSaV1, connection: Connection) -> str:
    """Why a connection has no method."""
    if connection.local[0].method is AuthMethod.PUBKEY:
        key = own_key(sa, connection)
        if key is None:
            return f"no private key found for '{own_identity(connection, sa.local.address)}'"
        if method_of(key) is None:
            return f"IKEv1 has no signatures with a key of {key}; RSA and ECDSA over NIST curves"
    return f"the ends of '{connection.name}' authenticate in a way that IKEv1 does not have"


# what the peer shows ------------------------------------------------------------------------


def learn_requests(sa: IkeSaV1, shown: Shown, chain: Chain) -> None:
    """Take note of CERTREQ payloads. They are all that belongs into messages in the clear before the keys
    are there; certificates are taken with the SIG payload only."""
    asked = {r.authority for r in chain.all(CertReq) if r.encoding == X509_SIGNATURE}
    if asked:
        shown.asked = True
        authorities = sa.services.store.authorities(())
        shown.authorities |= {ca.key.spki_keyid for ca in authorities if ca.subject.data in asked}


def learn(sa: IkeSaV1, shown: Shown, chain: Chain) -> None:
    """Take note of CERT and CERTREQ payloads. What cannot be read is said and passed over."""
    learn_requests(sa, shown, chain)
    shown.next_message()
    for cert in chain.all(Cert):
        if shown.is_full:
            sa.log("IKE", f"peer sends more than {MOST} certificates, the rest is ignored")
            return
        if cert.encoding not in (X509_SIGNATURE, PKCS7):
            sa.log("IKE", f"received a certificate of encoding {cert.encoding}, not supported, ignored")
            continue
        if not shown.is_news(cert.data):
            continue
        try:
            found = certificates_in(cert.data) if cert.encoding == PKCS7 else (Certificate.parse(cert.data),)
            for certificate in found[: MOST - len(shown.certificates)]:
                shown.take(sa, certificate)
        except CertificateError as problem:
            sa.log("IKE", f"ignoring a certificate of the peer that cannot be read: {problem}")


def requests(sa: IkeSaV1, connections: Iterable[Connection]) -> list[Payload]:
    """CERTREQ where a peer that these connections are for may have to show a certificate."""
    rounds = [r for c in connections for r in c.remote if wants_certificate(r)]
    if not rounds:
        return []
    authorities = sa.services.store.authorities(rounds)[:MOST_ASKED]
    for ca in authorities:
        sa.log("IKE", f'sending cert request for "{ca.name}"')
    names = dict.fromkeys(ca.subject.data for ca in authorities)
    return [CertReq(X509_SIGNATURE, name) for name in names] or [CertReq(X509_SIGNATURE, b"")]


# proofs -------------------------------------------------------------------------------------


def proof(sa: IkeSaV1, shown: Shown, method: OakleyAuth, hash: bytes) -> list[Payload]:
    """Our certificates, where they go along, and the signature. PeerError where we cannot, and Missing
    (see ``signing``), having changed and said nothing."""
    round, store = sa.connection.local[0], sa.services.store
    certificate = store.own(round, sa.local_id, shown.authorities)
    key = own_key(sa, sa.connection, shown.authorities)
    if key is None or method_of(key) != method:
        raise PeerError(Notify.AUTHENTICATION_FAILED, f"no private key for {method} of '{sa.local_id}'")
    signature = signing.signature(sa, Work(key, hash))
    sa.log("IKE", f"authentication of '{sa.local_id}' (myself) with {method} successful", 0)
    along = [] if certificate is None else chain_along(sa, shown, round, certificate)
    return [*(Cert(X509_SIGNATURE, one.der) for one in along), Signature(signature)]


def check(
    sa: IkeSaV1,
    shown: Shown,
    method: OakleyAuth,
    round: AuthRound,
    identity: Identity,
    hash: bytes,
    signature: bytes,
) -> None:
    """PeerError(AUTHENTICATION_FAILED) where no key of the peer's has made the SIG payload; Missing (see
    ``revocation``) where it may still turn out to be revoked."""

    def verify(key: PublicKey) -> None:
        if method_of(key) != method:
            raise SignatureError(f"a key of {key} does not go with {method}")
        sign.verify_digest(key, signature, hash)

    try:
        signed_by_peer(sa, shown, round, identity, verify, (method, signature, hash))
    except SignatureError as problem:
        text = f"signature validation failed: {problem}"
        raise PeerError(Notify.AUTHENTICATION_FAILED, text) from None
    sa.log("IKE", f"authentication of '{identity}' with {method} successful", 0)
