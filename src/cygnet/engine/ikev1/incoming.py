"""The way of a received message: whole, of which exchange, new or repeated, decrypted, by the rules,
and then to its task. What is wrong with it is answered here, and nothing of it is raised.

A message that is not authentic, or cannot be read, changes nothing: the IKE_SA waits for a
better one. Only what an authentic peer says, or what a first message asks for in vain, ends a
negotiation.
"""

from __future__ import annotations

from cygnet.boundary.events import Datagram
from cygnet.engine.ikev1 import notifies
from cygnet.engine.ikev1.dpd import Dpd
from cygnet.engine.ikev1.exchange import PHASE_1, Exchange
from cygnet.engine.ikev1.sa import IkeSaV1
from cygnet.engine.ikev1.task import Incoming, Next
from cygnet.engine.ikev1.tasks.hear import Hear
from cygnet.engine.ikev1.tasks.quick_mode import QuickModeResponder
from cygnet.engine.sa import IkeState
from cygnet.engine.waiting import Missing
from cygnet.model.config import Fragmentation
from cygnet.values.errors import PeerError
from cygnet.wire.header import FLAG_ENCRYPTED, HEADER_LENGTH, NO_SPI, ExchangeType, Header
from cygnet.wire.ikev1 import rules
from cygnet.wire.ikev1.message import Chain, decode_chain, describe
from cygnet.wire.ikev1.numbers import PayloadType

PEERS_TASKS = {
    ExchangeType.QUICK_MODE: QuickModeResponder,
    ExchangeType.INFORMATIONAL_V1: Hear,
}
PHASE_1_TYPES = (ExchangeType.ID_PROT, ExchangeType.AGGRESSIVE)


def receive(sa: IkeSaV1, datagram: Datagram, header: Header) -> None:
    sa.receipts.arrived(datagram)
    try:
        whole = _whole(sa, datagram, header)
        if whole is not None:
            _message(sa, *whole)
    except PeerError as error:
        sa.receipts.unproven("ENC", f"{error.detail}, message ignored")
    finally:
        sa.receipts.over()


def _whole(sa: IkeSaV1, datagram: Datagram, header: Header) -> tuple[Datagram, Header] | None:
    """The message that a fragment completes; a message that is none, as it is."""
    if header.next_payload != PayloadType.FRAGMENT:
        return datagram, header
    if sa.connection.fragmentation is Fragmentation.NO:
        raise PeerError(0, "fragments are switched off for this connection")
    body = datagram.data[HEADER_LENGTH:]
    data = sa.reassembly.add(header, body)
    sa.receipts.unproven("ENC", sa.reassembly.note)
    if data is None:
        return None
    inner = Header.decode(data)
    if (inner.spi_i, inner.spi_r) != (header.spi_i, header.spi_r) or inner.major != 1:
        raise PeerError(0, "a fragmented message belongs to another IKE_SA than its fragments")
    if inner.next_payload == PayloadType.FRAGMENT:
        raise PeerError(0, "fragments in fragments")
    return Datagram(datagram.local, datagram.remote, data), inner


def _message(sa: IkeSaV1, datagram: Datagram, header: Header) -> None:
    exchange = sa.exchanges.find(header.message_id)
    if exchange is not None and sa.exchanges.repeated(exchange, datagram.data):
        return
    unprotected = not header.flags & FLAG_ENCRYPTED
    if header.exchange == ExchangeType.INFORMATIONAL_V1 and unprotected:
        notifies.unprotected(sa, datagram, header)
        return
    if sa.spi_r != NO_SPI and header.spi_r != sa.spi_r and not _first_of_all(sa, exchange):
        raise PeerError(0, f"responder SPI {header.spi_r.hex()} is not this IKE_SA's")
    new = exchange is None
    exchange = exchange or _opened_by_peer(sa, header)
    if exchange.over and sa.exchanges.asks_again(exchange, header):
        return
    if exchange.over or exchange.type != header.exchange:
        raise PeerError(0, f"ignoring {header.exchange} in {sa.state.value} IKE_SA state")
    try:
        _step(sa, exchange, datagram, header)
    except PeerError:
        if new:  # nothing that comes up to here was authentic: who forges must not fill the table
            sa.exchanges.forget(exchange)
        raise


def _first_of_all(sa: IkeSaV1, exchange: Exchange | None) -> bool:
    """The responder's very first message has no responder SPI yet."""
    return not sa.initiator and exchange is not None and not exchange.seen


def _opened_by_peer(sa: IkeSaV1, header: Header) -> Exchange:
    """An exchange that the peer begins. Raises PeerError(0) where it may not."""
    if header.message_id == PHASE_1:
        raise PeerError(0, f"{header.exchange} message without a message ID")
    if header.exchange in PHASE_1_TYPES:
        raise PeerError(0, f"ignoring {header.exchange} message with a message ID")
    task = PEERS_TASKS.get(header.exchange)
    if task is None:
        raise PeerError(0, f"{header.exchange} exchange is not supported yet")
    if sa.keys is None:
        raise PeerError(0, f"ignoring {header.exchange} request while phase 1 is incomplete")
    if sa.exchanges.is_spent(header.message_id):
        raise PeerError(0, f"{header.exchange} message {header.message_id} was had long before")
    if task is QuickModeResponder:
        if not sa.takes_quick_mode:
            raise PeerError(0, "received quick mode request for unestablished IKE_SA")
        if sa.exchanges.is_full:
            raise PeerError(0, f"ignoring {header.exchange} request, queue full")
    return sa.exchanges.answer(header.exchange, header.message_id, task(sa))


def _step(sa: IkeSaV1, exchange: Exchange, datagram: Datagram, header: Header) -> None:
    encrypted = bool(header.flags & FLAG_ENCRYPTED)
    before = exchange.iv
    chain, following = _read(sa, exchange, datagram, header)
    kind = "response" if exchange.initiator else "request"
    sa.receipts.read(f"parsed {header.exchange} {kind} {header.message_id} {describe(chain.payloads)}")
    if header.message_id == PHASE_1:
        sa.receipts.taken()  # others when their HASH payload proves right
    lenient = (
        sa.services.config.settings.accept_unencrypted_mainmode and header.exchange == ExchangeType.ID_PROT
    )
    rules.check(header.exchange, chain, encrypted or lenient)
    exchange.iv = following
    try:
        answer = sa.exchanges.process(exchange, Incoming(datagram, header, chain, encrypted))
    except Missing as missing:  # as if it had not come: it is taken when what it needs is here
        exchange.iv = before
        missing.wait(sa, lambda: receive(sa, datagram, header))
        return
    except PeerError as error:
        if error.notify == 0:
            exchange.iv = before
            raise
        notifies.refuse(sa, exchange, chain, error)
        return
    _follow(sa, exchange, answer, chain)
    if encrypted and sa.state is not IkeState.DESTROYED:
        _heard(sa, datagram)


def _follow(sa: IkeSaV1, exchange: Exchange, following: Next, chain: Chain) -> None:
    """Our answer, when what it needs is here."""
    try:
        sa.exchanges.follow(exchange, following)
    except Missing as missing:
        missing.wait(sa, lambda: _follow(sa, exchange, following, chain))
    except PeerError as error:
        notifies.refuse(sa, exchange, chain, error)


def _heard(sa: IkeSaV1, datagram: Datagram) -> None:
    """An authentic encrypted message came in. RFC 3947 §6: only the mapping of a peer behind a NAT
    changes; to follow one that is not "opens a DoS attack possibility"."""
    sa.last_received = sa.services.now
    sa.part(Dpd).alive()
    moved = (datagram.local, datagram.remote) != (sa.local, sa.remote)
    if moved and sa.takes_quick_mode and sa.remote_behind_nat:
        sa.follow(datagram)
    sa.exchanges.remind()


def _read(sa: IkeSaV1, exchange: Exchange, datagram: Datagram, header: Header) -> tuple[Chain, bytes]:
    """The payloads, and the IV of the exchange's next message. Raises PeerError(0)."""
    body = datagram.data[HEADER_LENGTH:]
    if not header.flags & FLAG_ENCRYPTED:
        return _unreadable_is_ignored(header, body), exchange.iv
    if sa.keys is None:
        raise PeerError(0, "an encrypted message before there are keys")
    opened = sa.keys.decrypt(exchange.iv or sa.iv_of(header.message_id), body)
    if opened is None:
        raise PeerError(0, "an encrypted message of broken blocks")
    try:
        return _unreadable_is_ignored(header, opened[0], padded=True), opened[1]
    except PeerError:
        if header.message_id == PHASE_1:
            sa.suspect_psk()
            notifies.say_unreadable(sa)
        raise PeerError(0, "could not decrypt payloads") from None


def _unreadable_is_ignored(header: Header, body: bytes, padded: bool = False) -> Chain:
    try:
        return decode_chain(header.next_payload, body, padded)
    except PeerError as error:
        raise PeerError(0, error.detail) from None
