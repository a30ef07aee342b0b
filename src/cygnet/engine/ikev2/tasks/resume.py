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

from cygnet.boundary.events import Datagram
from cygnet.credentials.psk import find_psk
from cygnet.crypto.names import proposal_text
from cygnet.engine.ikev2 import extensions
from cygnet.engine.ikev2.handshake import Handshake
from cygnet.engine.ikev2.keys import resumed_keys
from cygnet.engine.ikev2.nat import nat_notifies
from cygnet.engine.ikev2.proposals import ike_proposals
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.sessions import Sessions
from cygnet.engine.ikev2.suite import Suite
from cygnet.engine.ikev2.task import Draft, Reply, Step, Task
from cygnet.engine.ikev2.tasks.ike_auth import IkeAuth
from cygnet.engine.ikev2.tasks.ike_init import IkeInit, float_ports, learn_nat
from cygnet.engine.ikev2.tasks.task import SaTask
from cygnet.engine.ikev2.tickets import Held, Session, Tickets
from cygnet.engine.lookup import by_address, own_identity
from cygnet.engine.services import Services
from cygnet.model.config import Connection
from cygnet.values.errors import PeerError
from cygnet.values.proposal import select
from cygnet.wire.header import NO_SPI, ExchangeType
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.nonce import NoncePayload
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.payload import Payload

MAX_COOKIE = 64  #: bytes (RFC 7296 §2.6)
MAX_ATTEMPTS = 5  #: cookies that we send back before it looks like a loop


# client -----------------------------------------------------------------------------------


def task_for(sa: IkeSaV2) -> Task | None:
    """What begins an IKE_SA that can take up a session; None: begin from scratch."""
    if (
        not sa.connection.session_resumption
        or sa.reauthenticates is not None
        or sa.redirected_from is not None
    ):
        return None
    held = sa.services.part(Sessions).take(sa.name)
    if held is None or held.session.initiator != own_identity(sa.connection, sa.local.address):
        return None
    if select(ike_proposals(sa.connection), [held.session.proposal]) is None:
        return None  # configured otherwise since
    return ResumeIke(sa, held)


class ResumeIke(SaTask):
    NAME = "IKE_RESUME"

    def __init__(self, sa: IkeSaV2, held: Held) -> None:
        super().__init__(sa)
        self.held = held
        sa.shaking.nonce_i = sa.services.entropy.bytes(32)

    def build(self) -> Draft | None:
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
        sa = self.sa
        sa.log("IKE", f"{sa.remote.address} does not resume the IKE_SA ({why}), beginning anew")
        sa.handshake = Handshake()
        sa.exchanges.window.restart()
        sa.exchanges.add(IkeInit(sa), first=True)

    def _take(self, message: Message, nonce: NoncePayload) -> None:
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


def accept(services: Services, event: Datagram, message: Message) -> tuple[Held, Connection]:
    """The session that a first message wants to take up. Raises PeerError(TICKET_NACK)."""
    ticket = message.notify(NotifyType.TICKET_OPAQUE)
    try:
        if ticket is None:
            raise PeerError(0, "it shows no ticket")
        session = services.part(Tickets).open(ticket.data)
        return Held(ticket.data, session, 0.0), _admitting(services, event, session)
    except (PeerError, ValueError) as error:
        text = f"not resuming an IKE_SA of {event.remote.address}: {error}"
        raise PeerError(NotifyType.TICKET_NACK, text) from error


def _admitting(services: Services, event: Datagram, session: Session) -> Connection:
    """The connection of the session, if it is still to be had on the same terms. Raises PeerError(0)."""
    local, remote = event.local.address, event.remote.address
    psk = find_psk(services.config.secrets, session.responder, session.initiator, local, remote)
    if psk is None or not hmac.compare_digest(services.part(Tickets).mark(psk), session.psk_mark):
        raise PeerError(0, f"the shared key of '{session.initiator}' is another one now")
    for connection in by_address(services, local, remote, 2):
        offered = select(ike_proposals(connection), [session.proposal])
        if connection.name == session.connection and connection.session_resumption and offered is not None:
            return connection
    raise PeerError(0, f"'{session.connection}' does not admit it any more")


def answer(sa: IkeSaV2, message: Message) -> Reply:
    """Once ``accept`` has found the session."""
    shaking = sa.shaking
    assert sa.arrived is not None and shaking.resumed is not None
    event = sa.arrived.event
    sa.log("IKE", f"{sa.remote.address} is resuming an IKE_SA", 0)
    shaking.request = event.data
    shaking.nonce_i = message.need(NoncePayload).data
    shaking.nonce_r = sa.services.entropy.bytes(32)
    sa.peer.learn(message)
    learn_nat(sa, message, event.local, event.remote)
    _use(sa, shaking.resumed.session)
    payloads: list[Payload] = [NoncePayload(shaking.nonce_r)]
    if sa.nat_known:
        payloads += nat_notifies(sa.spi_i, sa.spi_r, sa.local, sa.remote, sa.connection.force_encap)
    return Reply([*payloads, *extensions.of_init_response(sa)])
