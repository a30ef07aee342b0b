"""IKE_AUTH, the responder's side: see ``ike_auth`` for the exchange.

The inbound SA is installed before the answer leaves and the outbound one behind it, so that
the initiator's first packet is taken and ours does not come before it can be read.
"""

from __future__ import annotations

from collections.abc import Callable

from cygnet.boundary.effects import Effect
from cygnet.engine import life
from cygnet.engine.child import ChildSa
from cygnet.engine.ikev2 import (
    announced,
    authentication,
    certificates,
    child_terms,
    children,
    crash,
    extensions,
    ppk,
    redirect,
    virtual_ips,
)
from cygnet.engine.ikev2.handshake import Progress
from cygnet.engine.ikev2.keys import Nonces
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.task import Later, Reply
from cygnet.engine.ikev2.tasks import mobike
from cygnet.engine.lookup import among, by_identity, own_identity
from cygnet.engine.unique import enforce
from cygnet.engine.upkeep import retire
from cygnet.engine.waiting import Missing
from cygnet.model.config import AuthMethod, Connection
from cygnet.values.errors import PeerError
from cygnet.values.identity import Identity
from cygnet.values.proposal import select
from cygnet.wire.ikev2.auth import AuthPayload
from cygnet.wire.ikev2.identification import IdIPayload, IdRPayload
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.payload import Payload
from cygnet.wire.ikev2.sa import SaPayload


def answer(sa: IkeSaV2, message: Message) -> Reply | Later:
    """Any fault ends the IKE_SA that is being made, with a notify that says which."""
    if sa.established_at is not None or sa.handshake is None or sa.initiator:
        raise PeerError(NotifyType.INVALID_SYNTAX, "IKE_AUTH for an IKE_SA that is authenticated")
    return _guarded(sa, message, _round)


def _guarded(
    sa: IkeSaV2, message: Message, step: Callable[[IkeSaV2, Message], Reply | Later]
) -> Reply | Later:
    """A step that raises Missing has changed nothing yet, and is done again."""
    try:
        return step(sa, message)
    except Missing as missing:
        return Later(missing, lambda: _guarded(sa, message, step))
    except PeerError as error:
        sa.log("IKE", error.detail, 0)
        if error.notify == NotifyType.AUTHENTICATION_FAILED:
            sa.services.alert("peer-auth-failed", error.detail, sa)
        sa.failure = error.detail
        notify = NotifyPayload(NotifyType(error.notify), error.data)
        return Reply([notify], lambda: life.destroy(sa))


def _round(sa: IkeSaV2, message: Message) -> Reply | Later:
    """One request: the peer's proof, then ours. Behind the last round the IKE_SA stands."""
    progress = sa.shaking.progress
    certificates.learn(sa, message)
    if progress.first is None:
        _begin(sa, message, progress)
    return _guarded(sa, message, _judged)


def _judged(sa: IkeSaV2, message: Message) -> Reply | Later:
    _check_peer(sa, message, sa.shaking.progress)
    return _guarded(sa, message, _proved)


def _proved(sa: IkeSaV2, message: Message) -> Reply:
    progress = sa.shaking.progress
    payloads = _prove(sa, progress)
    rounds = len(authentication.own_rounds(sa))
    if message.notify(NotifyType.ANOTHER_AUTH_FOLLOWS) is not None or progress.own < rounds:
        return Reply([*payloads, *authentication.follows(progress.own < rounds)])
    authentication.all_done(sa, progress)
    return _establish(sa, progress, payloads)


def _begin(sa: IkeSaV2, message: Message, progress: Progress) -> None:
    if sa.shaking.additional:
        raise PeerError(NotifyType.INVALID_SYNTAX, "IKE_AUTH before all key exchanges are done")
    sa.shaking.close_intermediate(message.message_id)
    sa.remote_id = message.need(IdIPayload).identity
    wanted = message.first(IdRPayload)
    _choose_connection(sa, message, wanted.identity if wanted else None)
    if message.first(SaPayload) is None and sa.connection.childless == "never":
        raise PeerError(NotifyType.INVALID_SYNTAX, "peer asks for a childless IKE_SA, which is not allowed")
    progress.verdict = ppk.judge(sa, message)
    sa.keys = progress.verdict.keys
    progress.first = message


def _check_peer(sa: IkeSaV2, message: Message, progress: Progress) -> None:
    auth = message.first(AuthPayload)
    if auth is None:
        if progress.theirs < len(authentication.their_rounds(sa)):
            raise PeerError(NotifyType.AUTHENTICATION_FAILED, "peer wants EAP, which is not configured")
        return  # it has proved all; it waits for our next round
    number = progress.theirs
    data = progress.verdict.auth if progress.verdict is not None and not number else None
    identity = message.need(IdIPayload).identity
    try:
        authentication.check(sa, number, identity, auth, data)
    except PeerError as error:
        if number or not _fits_another(sa, identity, auth, data):
            raise error from None
    progress.theirs += 1


def _fits_another(sa: IkeSaV2, identity: Identity, auth: AuthPayload, data: bytes | None) -> bool:
    """Of several connections for those identities, one may take what the peer has shown."""
    chosen, local_id = sa.connection, sa.local_id
    for other in sa.shaking.others:
        sa.connection, sa.local_id = other, own_identity(other, sa.local.address)
        try:
            authentication.check(sa, 0, identity, auth, data)
        except Missing:
            sa.connection, sa.local_id = chosen, local_id
            raise
        except PeerError as error:
            sa.log("CFG", f"peer config '{other.name}' does not fit: {error.detail}", 2)
        else:
            sa.log("CFG", f"switched to peer config '{sa.name}'")
            return True
    sa.connection, sa.local_id = chosen, local_id
    return False


def _prove(sa: IkeSaV2, progress: Progress) -> list[Payload]:
    number = progress.own
    if number >= len(authentication.own_rounds(sa)):
        return []
    proof = authentication.prove(sa, number)
    authentication.log_proof(sa, proof)
    progress.own += 1
    payloads: list[Payload] = [IdRPayload(proof.identity), *proof.certificates, proof.auth]
    if progress.verdict is not None and not number:
        payloads += progress.verdict.notifies
    return payloads


def _establish(sa: IkeSaV2, progress: Progress, payloads: list[Payload]) -> Reply:
    """All proofs are there: the IKE_SA, and the CHILD_SA that the first request asked for."""
    first = progress.first
    assert first is not None
    replaced = _replace_duplicates(sa, first)
    elsewhere = redirect.instead_of_child(sa)
    if elsewhere is not None:
        return Reply([*payloads, elsewhere], _behind(sa, None, replaced, lambda: retire(sa)))
    nonces = sa.shaking.nonces
    sa.peer.learn(first)
    crash.learn(sa, first)
    announced.compare(sa, first)
    authentication.established(sa)
    if sa.peer.mobike and sa.connection.mobike:
        sa.log("IKE", "peer supports MOBIKE")
        mobike.learn_list(sa, first)
    child: ChildSa | None = None
    try:
        payloads += virtual_ips.assign(sa, first)
        child = _make_child(sa, first, nonces, payloads)
    except PeerError as error:
        sa.log("IKE", error.detail)
        sa.log("IKE", "failed to establish CHILD_SA, keeping IKE_SA")
        payloads.append(NotifyPayload(NotifyType(error.notify), error.data))
    payloads += extensions.of_auth_response(sa)
    return Reply(payloads, _behind(sa, child, replaced))


def _make_child(sa: IkeSaV2, first: Message, nonces: Nonces, payloads: list[Payload]) -> ChildSa | None:
    """The CHILD_SA, its inbound side and its policy installed; what says so is added to ``payloads``."""
    if first.first(SaPayload) is None:
        return None
    terms = child_terms.agree(sa, first, with_ke=False)
    child = sa.new_child(terms.config)
    child_terms.take_request(sa, child, terms, nonces)
    payloads += child_terms.answer_payloads(child, terms, ())
    child.install_inbound()
    child.install_policy()  # what the peer sends as soon as it has our answer is answered, too
    return child


def _behind(
    sa: IkeSaV2, child: ChildSa | None, replaced: list[Effect], last: Callable[[], None] | None = None
) -> Callable[[], None]:
    def after() -> None:
        if child is not None:
            children.send_behind(sa, child)
            children.child_up(sa, child)
        sa.services.effects += replaced
        if last is not None:
            last()

    return after


def _replace_duplicates(sa: IkeSaV2, message: Message) -> list[Effect]:
    """uniqueids. What the older IKE_SAs have to say is returned, to be said behind our answer: a
    peer that reauthenticates must have the new tunnel before the old one is deleted."""
    effects = sa.services.effects
    mark = len(effects)
    kept = enforce(sa, message.notify(NotifyType.INITIAL_CONTACT) is not None)
    late = effects[mark:]
    del effects[mark:]
    if not kept:
        raise PeerError(NotifyType.AUTHENTICATION_FAILED, "another IKE_SA with that identity is kept")
    return late


def _choose_connection(sa: IkeSaV2, message: Message, wanted: Identity | None) -> None:
    """Now that the identities are known: the connection that fits them best. Of several with the same
    ones, which is meant is seen by the networks that the peer wants."""
    shown = wanted or "%any"
    sa.log("CFG", f"looking for peer configs matching {sa.local.address}[{shown}]"
           f"...{sa.remote.address}[{sa.remote_id}]")  # fmt: skip
    possible = among(sa.services, sa.shaking.candidates, sa.remote_id)
    found = by_identity(possible, wanted, sa.remote_id)
    fitting = [c for c in found if _admits(c)]
    if not fitting:
        sa.local_id = wanted or authentication.first_own_identity(sa)
        raise PeerError(
            NotifyType.AUTHENTICATION_FAILED,
            f"no matching peer config found for '{sa.remote_id}' ({sa.remote.address}) asking for '{shown}'",
        )
    alike = [c for c in fitting if _ends(c) == _ends(fitting[0]) and _accepts_chosen(sa, c)]
    meant = (c for c in alike if len(alike) > 1 and child_terms.has_child_for(sa, c, message))
    sa.connection = next(meant, fitting[0])
    sa.shaking.others = [
        c
        for c in fitting
        if c is not sa.connection and _asks_alike(c, sa.connection) and _accepts_chosen(sa, c)
    ]
    sa.log("CFG", f"selected peer config '{sa.name}'")
    # whoever has no identity configured is its address, whatever the peer calls it: as charon
    sa.local_id = authentication.first_own_identity(sa)


def _ends(connection: Connection) -> tuple[Identity, ...]:
    return tuple(round.id for round in (*connection.local, *connection.remote))


def _asks_alike(one: Connection, other: Connection) -> bool:
    """What is decided before the peer has proved itself is the same for both."""
    return (one.ppk_id, one.ppk_required, one.childless) == (
        other.ppk_id,
        other.ppk_required,
        other.childless,
    )


def _accepts_chosen(sa: IkeSaV2, connection: Connection) -> bool:
    return sa.proposal is not None and select(connection.proposals, [sa.proposal]) is not None


def _admits(connection: Connection) -> bool:
    """Of the methods there are, its first round is one."""
    return connection.remote[0].method in (AuthMethod.PSK, AuthMethod.PUBKEY, AuthMethod.ANY)
