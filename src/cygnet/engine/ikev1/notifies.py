"""Notifies of both directions: what a refusal of ours says, and what the peer's mean for the user."""

from __future__ import annotations

from cygnet.boundary.events import Datagram
from cygnet.crypto.keywords import offer_text
from cygnet.engine.ikev1.dpd import Dpd
from cygnet.engine.ikev1.ends import phase_1_failed
from cygnet.engine.ikev1.exchange import PHASE_1, Exchange
from cygnet.engine.ikev1.sa import IkeSaV1
from cygnet.engine.ikev1.succession import Succession
from cygnet.engine.ikev1.tasks.informational import cookies_notify, say_once, tell
from cygnet.engine.ikev1.tasks.quick_mode import QuickModeInitiator
from cygnet.engine.pacing import Pacing
from cygnet.engine.timers import Deadline
from cygnet.engine.upkeep import BETTER_ANSWER
from cygnet.engine.vigil import peer_lacks
from cygnet.values.errors import PeerError
from cygnet.values.iana import Protocol
from cygnet.wire.header import HEADER_LENGTH, ExchangeType, Header
from cygnet.wire.ikev1.delete import Delete
from cygnet.wire.ikev1.message import Chain, assemble, decode_chain, describe, encode_chain
from cygnet.wire.ikev1.notification import Notification
from cygnet.wire.ikev1.numbers import PROTO_ISAKMP, Notify, PayloadType
from cygnet.wire.ikev1.sa import Sa

#: notifies that a peer with another pre-shared key sends, because it cannot read our message
SIGNS_OF_WRONG_KEY = frozenset(
    {Notify.PAYLOAD_MALFORMED, Notify.INVALID_HASH_INFORMATION, Notify.AUTHENTICATION_FAILED}
)


# ours ---------------------------------------------------------------------------------


def refuse(sa: IkeSaV1, exchange: Exchange, chain: Chain, error: PeerError) -> None:
    """End an exchange with a notify to the peer."""
    sa.log("IKE", error.detail)
    notify = Notify(error.notify)
    if exchange.message_id == PHASE_1:
        _tell(sa, cookies_notify(sa.cookies, notify))
        if sa.initiator and sa.keys is not None:  # with its last message the peer has an IKE_SA, and keeps it
            say_once(sa, Delete(PROTO_ISAKMP, (sa.cookies,)))
    else:
        sa.log("IKE", f"sending {notify} error notify", 2)
        tell(sa, [Notification(notify, Protocol.ESP, _offered_spi(chain))])
    sa.exchanges.abandon(exchange)
    exchange.task.failed(error.detail)


def _offered_spi(chain: Chain) -> bytes:
    """The SPI of the CHILD_SA that was asked for, so that the peer knows which is meant."""
    sa = chain.first(Sa)
    return sa.proposals[0].spi if sa is not None and sa.proposals else b""


def _tell(sa: IkeSaV1, notification: Notification) -> None:
    """Protected where there are keys."""
    if sa.keys is not None:
        tell(sa, [notification])
        return
    message_id = int.from_bytes(sa.services.entropy.bytes(4))
    header = Header(sa.spi_i, sa.spi_r, 0, ExchangeType.INFORMATIONAL_V1, message_id=message_id, major=1)
    sa.log("ENC", f"generating INFORMATIONAL_V1 request {message_id} {describe([notification])}")
    sa.send(assemble(header, PayloadType.NOTIFY, encode_chain([notification])))


def say_unreadable(sa: IkeSaV1) -> None:
    """Once: tell a peer whose encrypted phase 1 message made no sense. In the clear, since it
    could not read anything else."""
    if sa.said_unreadable or sa.is_established or sa.initiator:
        return
    sa.said_unreadable = True
    keys, sa.keys = sa.keys, None
    _tell(sa, cookies_notify(sa.cookies, Notify.PAYLOAD_MALFORMED))
    sa.keys = keys


# the peer's ---------------------------------------------------------------------------


def unprotected(sa: IkeSaV1, datagram: Datagram, header: Header) -> None:
    """Anybody who saw our cookie can send these: they count only before there are keys, and where
    nothing better comes behind them; later they are a hint to the user."""
    chain = decode_chain(header.next_payload, datagram.data[HEADER_LENGTH:])
    sa.receipts.read(f"parsed INFORMATIONAL_V1 request {header.message_id} {describe(chain.payloads)}")
    phase_1 = sa.exchanges.phase_1
    errors = [n.notify for n in chain.all(Notification) if n.notify.is_error]
    if phase_1 is None or phase_1.over or not errors or datagram.remote.address != sa.remote.address:
        sa.receipts.unproven("IKE", f"ignoring unprotected INFORMATIONAL from {datagram.remote.address}")
        return
    sa.receipts.unproven("IKE", f"received {errors[0]} error notify")
    if sa.keys is None and sa.initiator:
        sa.part(Refusal).heard(errors[0], phase_1.task.step)
    elif errors[0] in SIGNS_OF_WRONG_KEY:
        sa.suspect_psk()


class Refusal:
    """A notify that ends the attempt, and that nothing proves: it does if no answer follows it."""

    def __init__(self, sa: IkeSaV1) -> None:
        self._sa = sa
        self._heard: tuple[Notify, int] | None = None

    def heard(self, notify: Notify, step: int) -> None:
        """``step``: how far phase 1 has come."""
        timers, uid = self._sa.services.timers, self._sa.uid
        if timers.at(uid, Deadline.REFUSED) is None:
            self._heard = (notify, step)
            self._sa.services.part(Pacing).over(uid)  # others need not wait for a better answer
            timers.set(uid, Deadline.REFUSED, self._sa.services.now + BETTER_ANSWER)

    def due(self) -> None:
        phase_1 = self._sa.exchanges.phase_1
        if self._heard is None or phase_1 is None or phase_1.over or self._sa.keys is not None:
            return
        notify, step = self._heard
        if phase_1.task.step == step:
            phase_1_refused(self._sa, notify)


def received(sa: IkeSaV1, notification: Notification) -> None:
    """An authentic notify in an informational exchange."""
    match notification.notify:
        case Notify.DPD_R_U_THERE:
            sa.part(Dpd).asked(notification)
        case Notify.DPD_R_U_THERE_ACK:
            sa.part(Dpd).acknowledged(notification)
        case Notify.INITIAL_CONTACT if sa.is_established:
            sa.part(Succession).peer_has_nothing_else()
        case Notify.INVALID_SPI if len(notification.spi) == 4 and sa.is_established:
            sa.log("IKE", "received INVALID_SPI error notify")
            peer_lacks(sa, int.from_bytes(notification.spi))
        case notify if notify.is_error:
            _error(sa, notification)
        case notify:
            sa.log("IKE", f"received {notify} notify", 2)


def _error(sa: IkeSaV1, notification: Notification) -> None:
    sa.log("IKE", f"received {notification.notify} error notify")
    phase_1 = sa.exchanges.phase_1
    if phase_1 is not None and not phase_1.over:
        phase_1_refused(sa, notification.notify)
        return
    refused = _meant(sa, notification.spi)
    if refused is not None:
        exchange, task = refused
        sa.exchanges.abandon(exchange)
        task.failed(task.refused_with(notification.notify))


def _meant(sa: IkeSaV1, spi: bytes) -> tuple[Exchange, QuickModeInitiator] | None:
    """The Quick Mode of ours that an error notify is about: by its SPI, or the only one there is."""
    waiting = [
        (e, e.task) for e in sa.exchanges.active() if isinstance(e.task, QuickModeInitiator) and e.awaiting
    ]
    for exchange, task in waiting:
        if task.new_child.spi_in.to_bytes(4) == spi:
            return exchange, task
    return waiting[0] if len(waiting) == 1 else None


def phase_1_refused(sa: IkeSaV1, notify: Notify) -> None:
    phase_1 = sa.exchanges.phase_1
    assert phase_1 is not None
    sa.exchanges.close(phase_1)
    offered = offer_text(sa.connection.proposals)
    where = f"{sa.remote.address} refused the IKE_SA ({notify})"
    match notify:
        case Notify.NO_PROPOSAL_CHOSEN:
            reason = f"{where}: it accepts none of our proposals ({offered}), or has no IKEv1 conn for us"
        case Notify.AUTHENTICATION_FAILED if sa.connection.aggressive and sa.keys is None:
            reason = f"{where}: it may not answer Aggressive Mode, or does not know '{sa.local_id}'"
        case Notify.AUTHENTICATION_FAILED | Notify.INVALID_ID_INFORMATION:
            secret = "certificate" if sa.signs else "pre-shared key"
            reason = f"{where}: it does not accept the identity '{sa.local_id}', or the {secret}"
        case _:
            reason = where
    sa.services.alert("peer-auth-failed" if sa.keys else "proposal-mismatch-ike", reason, sa)
    phase_1_failed(sa, reason)
