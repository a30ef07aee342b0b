"""IKE_SESSION_RESUME, RFC 5723: an IKE_SA that was lost is taken up again without a key exchange.

    request   [N(COOKIE)], Ni, N(TICKET_OPAQUE), N(NAT_DETECTION_*), ...
    response  Nr, N(NAT_DETECTION_*), ... | N(COOKIE) | N(TICKET_NACK)
    then IKE_AUTH, where  AUTH = prf(SK_px, signed octets of RFC 7296 §2.15)

The client got the ticket in IKE_AUTH (it asked with TICKET_REQUEST) and uses it once, when the
peer was lost: never after a delete, which ends the session, and never to reauthenticate. Where
the gateway does not take it all goes on as if there had been none. What the ticket holds and
how it is sealed is in ``tickets``.

The time for the next reauthentication goes with the session: resuming proves no identity.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cygnet.boundary.events import Datagram
from cygnet.credentials.psk import find_psk
from cygnet.crypto.names import proposal_text
from cygnet.engine.context import Context
from cygnet.engine.ikev2.keys import resumed_keys
from cygnet.engine.ikev2.nat import nat_notifies
from cygnet.engine.ikev2.suite import Suite
from cygnet.engine.ikev2.tasks.task import Draft, Reply, Step, Task
from cygnet.engine.ikev2.tickets import Session, Tickets
from cygnet.engine.lookup import by_address, own_identity
from cygnet.engine.timers import Deadline
from cygnet.model.config import Connection
from cygnet.values.errors import PeerError
from cygnet.values.proposal import select
from cygnet.values.secret import Secret
from cygnet.wire.header import NO_SPI, ExchangeType
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.nonce import NoncePayload
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.payload import Payload

if TYPE_CHECKING:
    from cygnet.engine.ikev2.sa import IkeSaV2

LIFETIME_LENGTH = 4  #: TICKET_LT_OPAQUE: seconds as 4 bytes, then the ticket
MAX_COOKIE = 64  #: bytes (RFC 7296 §2.6)
MAX_ATTEMPTS = 5  #: cookies that we send back before it looks like a loop


@dataclass(frozen=True, slots=True)
class Held:
    """A ticket and the session it stands for; ``reauth_at`` and ``until`` by the engine's clock."""

    ticket: bytes
    session: Session
    until: float
    reauth_at: float | None = None


class Sessions:
    """Client: what can be resumed, one session a connection."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self._held: dict[str, Held] = {}

    def keep(self, connection: str, held: Held) -> None:
        self._held[connection] = held

    def take(self, connection: str) -> Held | None:
        """The session to resume, which is forgotten with that; None where there is none in time."""
        held = self._held.pop(connection, None)
        return held if held is not None and self.ctx.now < held.until else None


# getting and giving tickets -------------------------------------------------------------


def ask(sa: IkeSaV2) -> list[NotifyPayload]:
    return [NotifyPayload(NotifyType.TICKET_REQUEST)] if sa.connection.session_resumption else []


def grant(sa: IkeSaV2) -> list[NotifyPayload]:
    """The gateway's answer to TICKET_REQUEST, once the IKE_SA is established."""
    if not sa.peer.wants_ticket:
        return []
    psk = find_psk(sa.ctx.config.secrets, sa.local_id, sa.remote_id, sa.local.address, sa.remote.address)
    lifetime = float(sa.ctx.config.settings.ticket_lifetime)
    reauth_at = sa.ctx.timers.at(sa.uid, Deadline.REAUTH)
    if reauth_at is not None:
        lifetime = min(lifetime, reauth_at - sa.ctx.now)
    if not sa.connection.session_resumption or psk is None or lifetime < 1:
        return [NotifyPayload(NotifyType.TICKET_NACK)]
    tickets, unix = sa.ctx.part(Tickets), sa.ctx.unix_now
    session = Session(
        sa.name,
        sa.secrets.d,
        sa.secrets.suite.proposal,
        sa.remote_id,
        sa.local_id,
        tickets.mark(psk),
        0 if reauth_at is None else int(unix + reauth_at - sa.ctx.now),
        int(unix + lifetime),
    )
    data = int(lifetime).to_bytes(LIFETIME_LENGTH) + tickets.seal(session)
    return [NotifyPayload(NotifyType.TICKET_LT_OPAQUE, data)]


def learn(sa: IkeSaV2, message: Message) -> None:
    """Client: keep the ticket of an authenticated response with what it stands for."""
    notify = message.notify(NotifyType.TICKET_LT_OPAQUE)
    if notify is None or not sa.connection.session_resumption or len(notify.data) <= LIFETIME_LENGTH:
        return
    lifetime = int.from_bytes(notify.data[:LIFETIME_LENGTH])
    session = Session(sa.name, sa.secrets.d, sa.secrets.suite.proposal, sa.local_id, sa.remote_id)
    sa.held = Held(notify.data[LIFETIME_LENGTH:], session, sa.ctx.now + lifetime)
    sa.log("IKE", f"received a ticket to resume this IKE_SA with, good for {lifetime}s")


def keep(sa: IkeSaV2) -> None:
    """The peer is lost: its next IKE_SA may take this one's session up."""
    if sa.held is not None and sa.is_client:
        reauth_at = sa.ctx.timers.at(sa.uid, Deadline.REAUTH)
        held = Held(sa.held.ticket, sa.held.session, sa.held.until, reauth_at)
        sa.ctx.part(Sessions).keep(sa.name, held)


# client -----------------------------------------------------------------------------------


def task_for(sa: IkeSaV2) -> Task | None:
    """What begins an IKE_SA that can take up a session; None: begin from scratch."""
    if (
        not sa.connection.session_resumption
        or sa.reauthenticates is not None
        or sa.redirected_from is not None
    ):
        return None
    from cygnet.engine.ikev2.tasks.ike_init import ike_proposals

    held = sa.ctx.part(Sessions).take(sa.name)
    if held is None or held.session.initiator != own_identity(sa.connection, sa.local.address):
        return None
    if select(ike_proposals(sa.connection), [held.session.proposal]) is None:
        return None  # configured otherwise since
    return ResumeIke(sa, held)


class ResumeIke(Task):
    NAME = "IKE_RESUME"

    def __init__(self, sa: IkeSaV2, held: Held) -> None:
        super().__init__(sa)
        self.held = held
        sa.shaking.nonce_i = sa.ctx.entropy.bytes(32)

    def build(self) -> Draft | None:
        from cygnet.engine.ikev2 import extensions

        sa, shaking = self.sa, self.sa.shaking
        if not shaking.attempts:
            sa.log("IKE", f"resuming IKE_SA {sa} with {sa.remote.address}", 0)
        payloads: list[Payload] = []
        if shaking.cookie:
            payloads.append(NotifyPayload(NotifyType.COOKIE, shaking.cookie))
        payloads += [
            NoncePayload(shaking.nonce_i),
            NotifyPayload(NotifyType.TICKET_OPAQUE, self.held.ticket),
            *nat_notifies(sa.spi_i, NO_SPI, sa.local, sa.remote, sa.connection.force_encap),
            *extensions.of_init_request(sa, ()),
        ]
        return Draft(ExchangeType.IKE_SESSION_RESUME, payloads)

    def sent(self, message: Message, datagrams: list[bytes], inner: bytes) -> None:
        self.sa.shaking.request = datagrams[0]

    def process(self, message: Message) -> Step:
        sa, shaking = self.sa, self.sa.shaking
        nonce = message.first(NoncePayload)
        cookie = message.notify(NotifyType.COOKIE)
        if nonce is None and cookie is not None and 1 <= len(cookie.data) <= MAX_COOKIE:
            shaking.cookie = cookie.data
            shaking.attempts += 1
            if shaking.attempts <= MAX_ATTEMPTS:
                sa.exchanges.window.restart()
                return Step.MORE
        if nonce is None or message.spi_r == NO_SPI:
            self._from_scratch(str(message.error() or message.notify(NotifyType.TICKET_NACK) or "no nonce"))
            return Step.DONE
        self._take(message, nonce)
        return Step.DONE

    def _from_scratch(self, why: str) -> None:
        """§4.3.3: no ticket, or none that is good any more, only costs the time to say so."""
        from cygnet.engine.ikev2.handshake import Handshake
        from cygnet.engine.ikev2.tasks.ike_init import IkeInit

        sa = self.sa
        sa.log("IKE", f"{sa.remote.address} does not resume the IKE_SA ({why}), beginning anew")
        sa.handshake = Handshake()
        sa.exchanges.window.restart()
        sa.exchanges.add(IkeInit(sa), first=True)

    def _take(self, message: Message, nonce: NoncePayload) -> None:
        from cygnet.engine.ikev2.tasks.ike_auth import IkeAuth
        from cygnet.engine.ikev2.tasks.ike_init import float_ports, learn_nat

        sa, shaking = self.sa, self.sa.shaking
        assert sa.arrived is not None
        event = sa.arrived.event
        sa.spi_r, shaking.nonce_r, shaking.response = message.spi_r, nonce.data, event.data
        shaking.resumed = self.held
        sa.peer.learn(message)
        learn_nat(sa, message, event.local, event.remote)
        _use(sa, self.held.session)
        float_ports(sa)
        sa.exchanges.add(IkeAuth(sa))

    def unanswered(self) -> None:
        """A gateway that does not know this exchange says nothing."""
        self.sa.log("IKE", "no answer to IKE_SESSION_RESUME")
        super().unanswered()


def _use(sa: IkeSaV2, session: Session) -> None:
    suite = Suite.of(session.proposal)
    sa.shaking.suite = suite
    sa.log("CFG", f"resumed proposal: IKE:{proposal_text(suite.proposal)}")
    sa.set_keys(resumed_keys(session.d, suite, sa.shaking.nonces, sa.spi_i, sa.spi_r))


# gateway ----------------------------------------------------------------------------------


def accept(ctx: Context, event: Datagram, message: Message) -> tuple[Held, Connection]:
    """The session that a first message wants to take up. Raises PeerError(TICKET_NACK)."""
    ticket = message.notify(NotifyType.TICKET_OPAQUE)
    try:
        if ticket is None:
            raise PeerError(0, "it shows no ticket")
        session = ctx.part(Tickets).open(ticket.data)
        return Held(ticket.data, session, 0.0), _admitting(ctx, event, session)
    except (PeerError, ValueError) as error:
        text = f"not resuming an IKE_SA of {event.remote.address}: {error}"
        raise PeerError(NotifyType.TICKET_NACK, text) from error


def _admitting(ctx: Context, event: Datagram, session: Session) -> Connection:
    """The connection of the session, if it is still to be had on the same terms. Raises PeerError(0)."""
    from cygnet.engine.ikev2.tasks.ike_init import ike_proposals

    local, remote = event.local.address, event.remote.address
    psk = find_psk(ctx.config.secrets, session.responder, session.initiator, local, remote)
    if psk is None or not hmac.compare_digest(ctx.part(Tickets).mark(psk), session.psk_mark):
        raise PeerError(0, f"the shared key of '{session.initiator}' is another one now")
    for connection in by_address(ctx, local, remote, 2):
        offered = select(ike_proposals(connection), [session.proposal])
        if connection.name == session.connection and connection.session_resumption and offered is not None:
            return connection
    raise PeerError(0, f"'{session.connection}' does not admit it any more")


def answer(sa: IkeSaV2, message: Message) -> Reply:
    """Once ``accept`` has found the session."""
    from cygnet.engine.ikev2 import extensions
    from cygnet.engine.ikev2.tasks.ike_init import learn_nat

    shaking = sa.shaking
    assert sa.arrived is not None and shaking.resumed is not None
    event = sa.arrived.event
    sa.log("IKE", f"{sa.remote.address} is resuming an IKE_SA", 0)
    shaking.request = event.data
    shaking.nonce_i = message.need(NoncePayload).data
    shaking.nonce_r = sa.ctx.entropy.bytes(32)
    sa.peer.learn(message)
    learn_nat(sa, message, event.local, event.remote)
    _use(sa, shaking.resumed.session)
    payloads: list[Payload] = [NoncePayload(shaking.nonce_r)]
    if sa.nat_known:
        payloads += nat_notifies(sa.spi_i, sa.spi_r, sa.local, sa.remote, sa.connection.force_encap)
    return Reply([*payloads, *extensions.of_init_response(sa)])


# both, in IKE_AUTH ------------------------------------------------------------------------


def proof(sa: IkeSaV2, sk_p: Secret, octets: bytes) -> bytes:
    """§5.1: AUTH = prf(SK_px, <message octets>)."""
    return sa.secrets.suite.prf.compute(sk_p.reveal(), octets)


def verify(sa: IkeSaV2, held: Held, octets: bytes, received: bytes) -> None:
    """The peer has the session's SK_d, and is whom the session is with.

    Raises PeerError(AUTHENTICATION_FAILED).
    """
    failed = NotifyType.AUTHENTICATION_FAILED
    keys, session = sa.secrets, held.session
    known = session.responder if sa.initiator else session.initiator
    if sa.remote_id != known:
        raise PeerError(failed, f"'{sa.remote_id}' resumes an IKE_SA that '{known}' had")
    if not hmac.compare_digest(proof(sa, keys.p_r if sa.initiator else keys.p_i, octets), received):
        raise PeerError(failed, "the peer does not have the keys of the session that it resumes")
    sa.log("IKE", f"authentication of '{sa.remote_id}' with the keys of its session successful", 0)


def carry_on(sa: IkeSaV2, held: Held) -> None:
    """The resumed IKE_SA is established: the ticket is spent, the time to reauthenticate stays."""
    now, session = sa.ctx.now, held.session
    reauth_at = held.reauth_at
    if not sa.initiator:
        sa.ctx.part(Tickets).spend(held.ticket, session)
        reauth_at = now + session.reauth_by - sa.ctx.unix_now if session.reauth_by else None
    if reauth_at is not None:
        timers, reauth_at = sa.ctx.timers, max(now + 1.0, reauth_at)
        timers.set(sa.uid, Deadline.REAUTH, reauth_at)
        latest = reauth_at + sa.connection.over_time
        timers.set(sa.uid, Deadline.EXPIRE, min(latest, timers.at(sa.uid, Deadline.EXPIRE) or latest))


def fall_back(sa: IkeSaV2) -> bool:
    """Client: a resumed IKE_SA was refused in IKE_AUTH: begin anew without a ticket."""
    if sa.handshake is None or sa.handshake.resumed is None or not sa.initiator:
        return False
    sa.log("IKE", "the resumed IKE_SA was refused, beginning anew")
    sa.replace_by_new()
    return True
