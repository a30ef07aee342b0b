"""RFC 7296 §2.15, RFC 4739. Proving who we are and checking who the peer is, round by round.

Each end has one or more rounds (leftauth, leftauth2): each an identity and an AUTH payload over
the same octets but for that identity. An end that has another round behind this one says
ANOTHER_AUTH_FOLLOWS beside its AUTH payload. The IKE_SA stands when both ends have done all
rounds that the other one expects; the first identity is the one the IKE_SA goes by.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cygnet.credentials.psk import find_psk
from cygnet.crypto.sign import Scheme
from cygnet.engine import life, references, twins
from cygnet.engine.certificates import signed_by_peer
from cygnet.engine.ikev2 import certificates, sessions, signatures
from cygnet.engine.ikev2.auth import psk_auth, verify_psk
from cygnet.engine.ikev2.handshake import Progress
from cygnet.engine.ikev2.keys import IkeKeys
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.lookup import own_identity
from cygnet.model.config import AuthMethod, AuthRound
from cygnet.values import constraints
from cygnet.values.errors import PeerError
from cygnet.values.identity import Identity
from cygnet.values.secret import Secret
from cygnet.wire.ikev2.auth import AuthPayload
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.numbers import AuthMethodId
from cygnet.wire.ikev2.payload import Payload

MAX_ROUNDS = 4  #: of a peer that keeps saying that another one follows


def own_rounds(sa: IkeSaV2) -> tuple[AuthRound, ...]:
    return sa.connection.local[:1] if sa.shaking.resumed is not None else sa.connection.local


def their_rounds(sa: IkeSaV2) -> tuple[AuthRound, ...]:
    return sa.connection.remote[:1] if sa.shaking.resumed is not None else sa.connection.remote


def follows(more: bool) -> list[Payload]:
    return [NotifyPayload(NotifyType.ANOTHER_AUTH_FOLLOWS)] if more else []


def own_identity_of(sa: IkeSaV2, number: int) -> Identity:
    """Who we are in that round; where it names nobody, whom the first one names."""
    return _named(sa.connection.local, number) or sa.local_id


def their_identity_of(sa: IkeSaV2, number: int) -> Identity:
    """Whom we expect in that round, before the peer has said it."""
    return _named(sa.connection.remote, number) or sa.remote_id


def _named(rounds: tuple[AuthRound, ...], number: int) -> Identity | None:
    """The identity of a round behind the first one, which is known from the IKE_SA."""
    if not 0 < number < len(rounds) or rounds[number].id.is_any:
        return None
    return rounds[number].id


def secret_for(sa: IkeSaV2, local: Identity, remote: Identity) -> Secret | None:
    return find_psk(sa.services.config.secrets, local, remote, sa.local.address, sa.remote.address)


@dataclass(frozen=True, slots=True)
class Proof:
    """Of one round of ours: ``certificates`` go along with AUTH."""

    identity: Identity
    auth: AuthPayload
    method: str  #: for the log
    certificates: tuple[Payload, ...] = ()


def prove(sa: IkeSaV2, number: int, keys: IkeKeys | None = None) -> Proof:
    """Our proof of that round, with ``keys`` or those that are set now.

    Raises PeerError(AUTHENTICATION_FAILED) where there is no key for it, and Missing (see ``signing``),
    having changed and said nothing.
    """
    identity = own_identity_of(sa, number)
    keys = keys or sa.secrets
    octets = sa.shaking.octets_i(keys) if sa.initiator else sa.shaking.octets_r(keys)
    sk_p = keys.p_i if sa.initiator else keys.p_r
    signed = octets.of(identity, sk_p)
    round = own_rounds(sa)[number]
    if sa.shaking.resumed is None and round.method in (AuthMethod.PUBKEY, AuthMethod.ANY):
        proof = _signature(sa, round, identity, signed)
        if proof is not None:
            return proof
    theirs = their_identity_of(sa, number)
    secret = secret_for(sa, identity, theirs)
    if secret is None:
        text = f"no shared key found for '{identity}' - '{theirs}'"
        raise PeerError(NotifyType.AUTHENTICATION_FAILED, text)
    if sa.shaking.resumed is not None:
        value = sessions.proof(sa, sk_p, signed)
    else:
        value = psk_auth(keys.suite.prf, secret, signed)
    return Proof(identity, AuthPayload(AuthMethodId.SHARED_KEY, value), "pre-shared key")


def _signature(sa: IkeSaV2, round: AuthRound, identity: Identity, octets: bytes) -> Proof | None:
    """None: the round leaves the method open, and there is no certificate."""
    store = sa.services.store
    certificate = store.own(round, identity, sa.shaking.shown.authorities)
    key = store.own_bare(round) if certificate is None else store.key_of(certificate.key)
    if key is None:
        if round.method is AuthMethod.ANY:
            return None
        raise PeerError(NotifyType.AUTHENTICATION_FAILED, _no_key(sa, round, identity))
    settings, wishes = sa.services.config.settings, constraints.parse(round.method_detail)
    if settings.rsa_pss:
        wishes = replace(wishes, pss=True)
    hashes = sa.peer.signature_hashes if settings.signature_authentication else ()
    method, scheme = signatures.choose(key, hashes, wishes)
    value = signatures.sign_octets(sa, key, method, scheme, octets)
    along = certificates.along(sa, round, certificate) if certificate is not None else ()
    return Proof(identity, AuthPayload(method, value), str(scheme), tuple(along))


def _no_key(sa: IkeSaV2, round: AuthRound, identity: Identity) -> str:
    named = sa.services.store.named(round)
    if named:
        return f"no private key found for the certificate {named[0].name} of '{sa.name}'"
    return f"no private key found for '{identity}'"


def likely(sa: IkeSaV2) -> str:
    """What is wrong where the peer says no more than AUTHENTICATION_FAILED."""
    if sa.connection.local[0].method is AuthMethod.PSK:
        return "the pre-shared keys or the identities differ"
    return "it does not trust our certificate, or expects another identity"


def log_proof(sa: IkeSaV2, proof: Proof) -> None:
    sa.log("IKE", f"authentication of '{proof.identity}' (myself) with {proof.method}", 0)


def check(sa: IkeSaV2, number: int, identity: Identity, auth: AuthPayload, data: bytes | None = None) -> None:
    """The peer's AUTH payload of that round (``data``: verify this instead of what it holds).

    Raises PeerError(AUTHENTICATION_FAILED), and Missing (see ``revocation``), having changed nothing.
    """
    failed = NotifyType.AUTHENTICATION_FAILED
    rounds = their_rounds(sa)
    if number >= min(len(rounds), MAX_ROUNDS):
        raise PeerError(failed, f"peer authenticates in more rounds than '{sa.name}' has for it")
    round = rounds[number]
    if not _is_wanted(auth.method, round.method):
        raise PeerError(
            failed, f"peer authenticates by {auth.method}, '{sa.name}' wants {round.method.value}"
        )
    expected = round.id  # %any: whatever it says
    if not round.loose_id and not identity.matches(expected) and (number or sa.initiator):
        raise PeerError(failed, f"peer calls itself '{identity}', but '{sa.name}' expects '{expected}'")
    keys = sa.secrets
    octets = sa.shaking.octets_r(keys) if sa.initiator else sa.shaking.octets_i(keys)
    signed = octets.of(identity, keys.p_r if sa.initiator else keys.p_i)
    if auth.method in signatures.SIGNATURES:
        shown = auth if data is None else AuthPayload(auth.method, data)
        scheme = _check_signature(sa, round, identity, shown, signed)
        sa.log("IKE", f"authentication of '{identity}' with {scheme} successful", 0)
        return
    ours = own_identity_of(sa, number)
    secret = secret_for(sa, ours, identity)
    if secret is None:
        raise PeerError(failed, f"no shared key found for '{ours}' - '{identity}'")
    value = auth.data if data is None else data
    if sa.shaking.resumed is not None:
        sessions.verify(sa, sa.shaking.resumed, signed, value)
    else:
        verify_psk(keys.suite.prf, secret, signed, value)
        sa.log("IKE", f"authentication of '{identity}' with pre-shared key successful", 0)


def _is_wanted(method: AuthMethodId, wanted: AuthMethod) -> bool:
    if method == AuthMethodId.SHARED_KEY:
        return wanted in (AuthMethod.PSK, AuthMethod.ANY)
    return method in signatures.SIGNATURES and wanted in (AuthMethod.PUBKEY, AuthMethod.ANY)


def _check_signature(
    sa: IkeSaV2, round: AuthRound, identity: Identity, auth: AuthPayload, octets: bytes
) -> Scheme:
    """One of the peer's keys has made the signature: the scheme. PeerError(AUTHENTICATION_FAILED), or
    Missing where it may still turn out to be revoked."""
    settings, shown = sa.services.config.settings, sa.shaking.shown
    if auth.method == AuthMethodId.DIGITAL_SIGNATURE and not settings.signature_authentication:
        text = f"peer signs by {auth.method}, which charon.signature_authentication = no switches off"
        raise PeerError(NotifyType.AUTHENTICATION_FAILED, text)
    wishes = constraints.parse(round.method_detail, settings.signature_constraints)
    references.need(sa, shown)
    scheme = signed_by_peer(
        sa,
        shown,
        round,
        identity,
        lambda key: signatures.check(key, auth, octets, wishes),
        (auth, octets, wishes),
    )
    references.keep(sa, shown)
    return scheme


def all_done(sa: IkeSaV2, progress: Progress) -> None:
    """Raises PeerError(AUTHENTICATION_FAILED) where the peer owes a round."""
    owed = len(their_rounds(sa))
    if progress.theirs < owed:
        text = f"peer authenticated in {progress.theirs} of {owed} rounds"
        raise PeerError(NotifyType.AUTHENTICATION_FAILED, text)


def first_own_identity(sa: IkeSaV2) -> Identity:
    return own_identity(sa.connection, sa.local.address)


def established(sa: IkeSaV2) -> None:
    """Both ends have proved who they are."""
    resumed = sa.shaking.resumed
    sa.end_handshake()
    life.established(sa)
    twins.established(sa)
    if resumed is not None:
        sessions.carry_on(sa, resumed)
