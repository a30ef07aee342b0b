"""RFC 5723. Tickets given and kept, and what a session proves: what taking one up (``tasks.resume``)
needs before and behind its own exchange."""

from __future__ import annotations

import hmac
from dataclasses import replace

from cygnet.credentials.psk import find_psk
from cygnet.engine import life
from cygnet.engine.address_blocks import Limit
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.tickets import Held, Session, Tickets
from cygnet.engine.services import Services
from cygnet.engine.timers import Deadline
from cygnet.values.errors import PeerError
from cygnet.values.secret import Secret
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType

LIFETIME_LENGTH = 4  #: TICKET_LT_OPAQUE: seconds as 4 bytes, then the ticket


class Sessions:
    """What can be resumed, one session a connection."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._held: dict[str, Held] = {}

    def keep(self, connection: str, held: Held) -> None:
        self._held[connection] = held

    def take(self, connection: str) -> Held | None:
        """The session to resume, which is forgotten with that; None where there is none in time."""
        held = self._held.pop(connection, None)
        return held if held is not None and self.services.now < held.until else None


class Ticket:
    """What one IKE_SA can be resumed with."""

    def __init__(self, sa: IkeSaV2) -> None:
        self.held: Held | None = None


# getting and giving tickets -------------------------------------------------------------


def ask(sa: IkeSaV2) -> list[NotifyPayload]:
    return [NotifyPayload(NotifyType.TICKET_REQUEST)] if sa.connection.session_resumption else []


def grant(sa: IkeSaV2) -> list[NotifyPayload]:
    """The gateway's answer to TICKET_REQUEST, once the IKE_SA is established."""
    if not sa.peer.wants_ticket:
        return []
    psk = find_psk(sa.services.config.secrets, sa.local_id, sa.remote_id, sa.local.address, sa.remote.address)
    lifetime = float(sa.services.config.settings.ticket_lifetime)
    reauth_at = sa.services.timers.at(sa.uid, Deadline.REAUTH)
    if reauth_at is not None:
        lifetime = min(lifetime, reauth_at - sa.services.now)
    limited = sa.part(Limit).selectors is not None  # a session says nothing of certificates
    if not sa.connection.session_resumption or psk is None or limited or lifetime < 1:
        return [NotifyPayload(NotifyType.TICKET_NACK)]
    tickets, unix = sa.services.part(Tickets), sa.services.unix_now
    session = Session(
        sa.name,
        sa.secrets.d,
        sa.secrets.suite.proposal,
        sa.remote_id,
        sa.local_id,
        tickets.mark(psk),
        0 if reauth_at is None else int(unix + reauth_at - sa.services.now),
        int(unix + lifetime),
    )
    data = int(lifetime).to_bytes(LIFETIME_LENGTH) + tickets.seal(session)
    return [NotifyPayload(NotifyType.TICKET_LT_OPAQUE, data)]


def learn(sa: IkeSaV2, message: Message) -> None:
    """Client: keep the ticket of an authenticated response with what it stands for."""
    notify = message.notify(NotifyType.TICKET_LT_OPAQUE)
    if sa.part(Limit).selectors is not None:
        return
    if notify is None or not sa.connection.session_resumption or len(notify.data) <= LIFETIME_LENGTH:
        return
    lifetime = int.from_bytes(notify.data[:LIFETIME_LENGTH])
    session = Session(sa.name, sa.secrets.d, sa.secrets.suite.proposal, sa.local_id, sa.remote_id)
    sa.part(Ticket).held = Held(notify.data[LIFETIME_LENGTH:], session, sa.services.now + lifetime)
    sa.log("IKE", f"received a ticket to resume this IKE_SA with, good for {lifetime}s")


def keep(sa: IkeSaV2) -> None:
    """The peer is lost: its next IKE_SA may take this one's session up."""
    held = sa.part(Ticket).held
    if held is not None and sa.is_client:
        reauth_at = sa.services.timers.at(sa.uid, Deadline.REAUTH)
        sa.services.part(Sessions).keep(sa.name, replace(held, reauth_at=reauth_at))


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
    now, session = sa.services.now, held.session
    reauth_at = held.reauth_at
    if not sa.initiator:
        sa.services.part(Tickets).spend(held.ticket, session)
        reauth_at = now + session.reauth_by - sa.services.unix_now if session.reauth_by else None
    if reauth_at is not None:
        timers, reauth_at = sa.services.timers, max(now + 1.0, reauth_at)
        timers.set(sa.uid, Deadline.REAUTH, reauth_at)
        latest = reauth_at + sa.connection.over_time
        timers.set(sa.uid, Deadline.EXPIRE, min(latest, timers.at(sa.uid, Deadline.EXPIRE) or latest))


def fall_back(sa: IkeSaV2) -> bool:
    """Client: a resumed IKE_SA was refused in IKE_AUTH: begin anew without a ticket."""
    if sa.handshake is None or sa.handshake.resumed is None or not sa.initiator:
        return False
    sa.log("IKE", "the resumed IKE_SA was refused, beginning anew")
    life.replace_by_new(sa)
    return True
