"""The exchanges of one IKE_SA by message ID: the only place of retransmission, repeated messages,
IVs and the sending of fragments.

IKEv1 has no window and no acknowledgements of its own. Who waits for an answer sends again
(charon's schedule); who gets the same message again sends its last answer again. An exchange
whose last message is ours (Quick Mode's third) cannot know whether it arrived, so its last
message is kept, and sent again when the peer repeats itself. Finished exchanges are remembered
for a while, so that a late repetition is neither answered wrongly nor taken for something new.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cygnet.engine.ikev1.fragments import room, split
from cygnet.engine.ikev1.task import Incoming, Next, Outgoing, Task
from cygnet.engine.timers import Deadline
from cygnet.model.config import Fragmentation
from cygnet.values.endpoint import IKE_PORT
from cygnet.values.errors import PeerError, RequestError
from cygnet.wire.header import ExchangeType, Header
from cygnet.wire.ikev1.hash import Hash
from cygnet.wire.ikev1.message import assemble, describe, encode_chain
from cygnet.wire.ikev1.payload import Payload

if TYPE_CHECKING:
    from cygnet.engine.ikev1.sa import IkeSaV1

PHASE_1 = 0  #: the message ID of Main and Aggressive Mode
MOST_REMEMBERED = 128  #: finished exchanges
#: message IDs beyond those that are known as used: with DPD of both ends every 30 seconds those of 17
#: hours, longer than an IKE_SA lives. IKEv1 has no other protection from replays
MOST_SPENT = 1 << 13
MOST_OPEN = 16  #: exchanges of the peer at a time
#: how often a message is sent again because the peer repeats its own: more than any schedule has
#: retransmissions, and the end of a game in which both answer each other's repetitions
MOST_REPETITIONS = 32
MOST_ASKED_AGAIN = 16  #: times; more than any peer tries, since what asks is not proved to be the peer's
#: exchanges of three messages: their responder waits too, and says its second message again
THREE_MESSAGES = frozenset({ExchangeType.QUICK_MODE, ExchangeType.AGGRESSIVE})


class Exchange:
    """One exchange. ``iv`` is the IV of its next message (b"": nothing is encrypted yet)."""

    def __init__(self, type: ExchangeType, message_id: int, initiator: bool, task: Task) -> None:
        self.type = type
        self.message_id = message_id
        self.initiator = initiator
        self.task = task
        self.iv = b""
        self.seen: list[bytes] = []  #: digests of the peer's messages, in order
        self.sent: list[bytes] = []  #: our last message, in fragments where it was cut
        self.tries = 0
        self.repetitions = 0  #: how often our last message was sent again for the peer's sake
        self.awaiting = False  #: we send again until the peer says something
        self.schedule: tuple[float, int] | None = None  #: (first timeout, tries) unlike the settings
        self.number = 0  #: how many messages of ours, for the log
        self.sent_at = 0.0  #: when our last message was sent for the first time
        self.last_sent_at = 0.0  #: and for the last time, as far as the schedule or ``remind`` did it
        self.over = False
        self.building = False  #: our next message waits for something (``Missing``)
        self.asked_again = 0  #: times that a message which may be anybody's made us send ``sent`` again


def fingerprint(datagram: bytes) -> bytes:
    return hashlib.sha256(datagram).digest()


class Exchanges:
    """The table of one IKE_SA. Phase 1 stays in it for as long as the IKE_SA lives."""

    def __init__(self, sa: IkeSaV1) -> None:
        self._sa = sa
        self.open: dict[int, Exchange] = {}
        self.queue: deque[Task] = deque()  #: Quick Modes that are to come
        self._finished: OrderedDict[int, Exchange] = OrderedDict()
        self._spent: dict[int, None] = {}  #: message IDs of exchanges before those
        self._messages = 0
        self._fragment_ids = 0

    # beginning ----------------------------------------------------------------------

    def begin(
        self, type: ExchangeType, task: Task, schedule: tuple[float, int] | None = None, expect: bool = True
    ) -> Exchange:
        """Start an exchange of ours and send its first message.

        ``schedule``: first timeout in seconds and number of retransmissions, unlike the settings'.
        """
        exchange = Exchange(type, self._new_message_id(type), True, task)
        exchange.schedule = schedule
        self._register(exchange)
        self._transmit(exchange, task.build(), expect)
        if not expect:
            self.close(exchange)
        return exchange

    def answer(self, type: ExchangeType, message_id: int, task: Task) -> Exchange:
        """An exchange of the peer's, whose first message is to be given to ``receive``."""
        exchange = Exchange(type, message_id, False, task)
        self._register(exchange)
        return exchange

    def _register(self, exchange: Exchange) -> None:
        exchange.task.exchange = exchange
        self.open[exchange.message_id] = exchange

    def _new_message_id(self, type: ExchangeType) -> int:
        if type in (ExchangeType.ID_PROT, ExchangeType.AGGRESSIVE):
            return PHASE_1
        while True:
            message_id = int.from_bytes(self._sa.services.entropy.bytes(4))
            if message_id and self.find(message_id) is None:
                return message_id

    def add(self, task: Task) -> None:
        """A Quick Mode of ours; one at a time, since peers need not bear more."""
        self.queue.append(task)
        self.go_on()

    def go_on(self) -> None:
        """Begin the next Quick Mode, unless one is under way."""
        while self.queue and self._sa.is_established and not self._initiates():
            task = self.queue.popleft()
            if not task.is_needed():
                continue
            try:
                self.begin(ExchangeType.QUICK_MODE, task)
            except RequestError as error:
                self._sa.log("IKE", str(error))
                task.failed(str(error))

    def _initiates(self) -> bool:
        return any(e.initiator and e.type == ExchangeType.QUICK_MODE for e in self.active())

    # looking ------------------------------------------------------------------------

    def find(self, message_id: int) -> Exchange | None:
        """Open, or finished and still remembered."""
        return self.open.get(message_id) or self._finished.get(message_id)

    def active(self) -> list[Exchange]:
        return [e for e in self.open.values() if not e.over]

    @property
    def is_full(self) -> bool:
        """Whether the peer has as many exchanges open as we bear."""
        return sum(not e.initiator and not e.over for e in self.open.values()) >= MOST_OPEN

    @property
    def phase_1(self) -> Exchange | None:
        return self.open.get(PHASE_1)

    # receiving ----------------------------------------------------------------------

    def repeated(self, exchange: Exchange, datagram: bytes) -> bool:
        """Whether this message was had before; then it is dealt with here."""
        mark = fingerprint(datagram)
        if mark not in exchange.seen:
            return False
        if mark != exchange.seen[-1] or not exchange.sent:
            return True
        which = f"ID {exchange.message_id}"
        self._sa.receipts.taken()
        if exchange.awaiting and exchange.initiator:
            self._sa.log(
                "IKE", f"received retransmit of response with {which}, but next request already sent"
            )
        elif exchange.initiator:
            self._sa.log("IKE", f"received retransmit of response with {which}, resending last request")
            self._send_again(exchange)
        else:
            self._sa.log("IKE", f"received retransmit of request with {which}, retransmitting response")
            self._send_again(exchange)
        return True

    def asks_again(self, exchange: Exchange, header: Header) -> bool:
        """A message of an exchange whose last message was ours: the peer has not got it. (It may
        not be the same as before to the bit: damaged padding does no harm.)"""
        if not exchange.initiator or not exchange.sent or exchange.type != header.exchange:
            return False
        if exchange.type not in THREE_MESSAGES or exchange.asked_again >= MOST_ASKED_AGAIN:
            return False
        exchange.asked_again += 1
        self._sa.receipts.taken()
        self._sa.log(
            "IKE", f"received another response with ID {exchange.message_id}, resending last request"
        )
        self._send_again(exchange)
        return True

    def process(self, exchange: Exchange, message: Incoming) -> Next:
        """Let the task have a new message. Raises PeerError and Missing from the task."""
        if exchange.building:
            raise PeerError(0, f"ignoring another {exchange.type} message, our own is still being made")
        following = exchange.task.process(message)
        exchange.seen.append(fingerprint(message.datagram.data))
        self._stop_waiting(exchange)
        return following

    def follow(self, exchange: Exchange, following: Next) -> None:
        """Send what the task answers. Raises PeerError and Missing from the task; it is then called again,
        and until then a repetition of the peer's message is not answered with an older one of ours."""
        if following is Next.DONE:
            # Their message was the last: to answer a repetition of it would begin a game without end.
            exchange.sent = []
            self.close(exchange)
            exchange.task.completed()
            return
        waits = following is Next.MORE and (exchange.initiator or exchange.type in THREE_MESSAGES)
        exchange.sent, exchange.building = [], True
        outgoing = exchange.task.build()
        exchange.building = False
        self._transmit(exchange, outgoing, waits)
        if following is Next.LAST:
            self.close(exchange)
            exchange.task.completed()

    # sending ------------------------------------------------------------------------

    def _transmit(self, exchange: Exchange, outgoing: Outgoing, expect: bool) -> None:
        payloads: list[Payload] = list(outgoing.payloads)
        if outgoing.covered is not None:
            covered = outgoing.covered + encode_chain(payloads)
            payloads.insert(0, Hash(self._sa.need_keys.phase_2_hash(exchange.message_id, covered)))
        kind = "request" if exchange.initiator else "response"
        sa = self._sa
        sa.log("ENC", f"generating {exchange.type} {kind} {exchange.message_id} {describe(payloads)}")
        datagram = self._assemble(exchange, payloads, outgoing.encrypted)
        exchange.sent = self._cut(datagram)
        if len(exchange.sent) > 1:
            sa.log(
                "ENC", f"splitting IKE message ({len(datagram)} bytes) into {len(exchange.sent)} fragments"
            )
        self._messages += 1
        exchange.number = self._messages
        exchange.tries = exchange.repetitions = 0
        exchange.sent_at = sa.services.now
        self._send(exchange)
        if expect:
            exchange.awaiting = True
            self._schedule(exchange)

    def _assemble(self, exchange: Exchange, payloads: Sequence[Payload], encrypted: bool) -> bytes:
        body = encode_chain(payloads)
        if encrypted:
            iv = exchange.iv or self._sa.iv_of(exchange.message_id)
            body, exchange.iv = self._sa.need_keys.encrypt(iv, body)
        header = Header(
            self._sa.spi_i, self._sa.spi_r, 0, exchange.type, message_id=exchange.message_id, major=1
        )
        return assemble(header, payloads[0].type, body, encrypted)

    def _cut(self, datagram: bytes) -> list[bytes]:
        sa = self._sa
        mode = sa.connection.fragmentation
        if mode is not Fragmentation.FORCE and not (mode is Fragmentation.YES and sa.peer_fragments):
            return [datagram]
        size = room(
            sa.services.config.settings.fragment_size, sa.remote.address.version, sa.local.port != IKE_PORT
        )
        self._fragment_ids = self._fragment_ids % 0xFFFF + 1
        return split(datagram, size, self._fragment_ids)

    def _send(self, exchange: Exchange) -> None:
        exchange.last_sent_at = self._sa.services.now
        for piece in exchange.sent:
            self._sa.send(piece)

    def _send_again(self, exchange: Exchange) -> None:
        """For the peer, who repeats itself."""
        exchange.repetitions += 1
        if exchange.repetitions <= MOST_REPETITIONS:
            self._send(exchange)

    # waiting ------------------------------------------------------------------------

    def _schedule(self, exchange: Exchange) -> None:
        settings = self._sa.services.config.settings
        timeout = exchange.schedule[0] if exchange.schedule else settings.retransmit_timeout
        delay = timeout * settings.retransmit_base**exchange.tries
        if settings.retransmit_limit:
            delay = min(delay, settings.retransmit_limit)
        if settings.retransmit_jitter:
            delay -= self._sa.services.entropy.uniform(0, delay * settings.retransmit_jitter / 100)
        timers = self._sa.services.timers
        at = self._sa.services.now + self._sa.patience(delay)
        timers.set(self._sa.uid, Deadline.RETRANSMIT, at, exchange.message_id)

    def _stop_waiting(self, exchange: Exchange) -> None:
        exchange.awaiting = False
        self._sa.services.timers.cancel(self._sa.uid, Deadline.RETRANSMIT, exchange.message_id)

    def due(self, message_id: int) -> None:
        """No answer in time: send again, or give up."""
        exchange = self.open.get(message_id)
        if exchange is None or not exchange.awaiting or not self._sa.may_repeat():
            return
        tries = (
            exchange.schedule[1] if exchange.schedule else self._sa.services.config.settings.retransmit_tries
        )
        if exchange.tries >= tries or self._sa.is_forgotten(exchange.tries):
            if exchange.schedule is None:
                self._sa.log("IKE", f"giving up after {exchange.tries} retransmits")
            self.abandon(exchange)
            exchange.task.failed("")
            return
        exchange.tries += 1
        kind = "request" if exchange.initiator else "response"
        self._sa.log(
            "IKE",
            f"sending retransmit {exchange.tries} of {kind} message ID {exchange.message_id}, "
            f"seq {exchange.number}",
            2 if exchange.schedule else 1,
        )
        self._send(exchange)
        self._schedule(exchange)

    def remind(self) -> None:
        """The peer has just spoken, so it lives: what it has not answered for long was lost, and goes again
        without waiting for its time, which may be minutes away."""
        now, settings = self._sa.services.now, self._sa.services.config.settings
        for exchange in self.active():
            late = now - exchange.last_sent_at >= settings.retransmit_timeout
            if exchange.awaiting and exchange.message_id != PHASE_1 and late:
                self._send(exchange)

    def send_again(self) -> None:
        """The path is another one, or back: what waits for an answer goes there without waiting."""
        for exchange in self.active():
            if exchange.awaiting:
                self._send(exchange)

    # ending -------------------------------------------------------------------------

    def close(self, exchange: Exchange) -> None:
        """The exchange is over; it is remembered. Idempotent."""
        if exchange.over:
            return
        exchange.over = True
        self._stop_waiting(exchange)
        if exchange.message_id == PHASE_1:
            return
        self.open.pop(exchange.message_id, None)
        self._finished[exchange.message_id] = exchange
        while len(self._finished) > MOST_REMEMBERED:
            self._spent[self._finished.popitem(last=False)[0]] = None
        if len(self._spent) > MOST_SPENT:
            del self._spent[next(iter(self._spent))]

    def is_spent(self, message_id: int) -> bool:
        """Whether there was an exchange with that ID before: this is a recorded message, sent again
        (of ours too: informational messages look the same in both directions)."""
        return message_id in self._spent

    def abandon(self, exchange: Exchange) -> None:
        """Our side gave up: repetitions are no longer answered."""
        self.close(exchange)
        exchange.sent = []

    def forget(self, exchange: Exchange) -> None:
        """An exchange whose first message was not authentic: as if it had not been."""
        self._stop_waiting(exchange)
        self.open.pop(exchange.message_id, None)

    def waiting_text(self) -> str:
        """What it waits for, for status: ``retransmit 3 of request 0 in 13.0s``."""
        for exchange in self.open.values():
            at = self._sa.services.timers.at(self._sa.uid, Deadline.RETRANSMIT, exchange.message_id)
            if exchange.awaiting and at is not None:
                kind = "request" if exchange.initiator else "response"
                left = max(0.0, at - self._sa.services.now)
                return f"retransmit {exchange.tries + 1} of {kind} {exchange.message_id} in {left:.1f}s"
        return ""
