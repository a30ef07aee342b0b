"""RFC 7296 §2.1-§2.3, RFC 7383. Message IDs, retransmission, the response cache, reassembly.

Each direction counts its requests from 0. Our window is 1, which is what every peer offers
until it says otherwise with SET_WINDOW_SIZE (that is accepted and not used: nothing here is
faster for having two requests under way).

- A request of ours is kept as its datagrams, byte for byte, until its response comes or the
  tries are over: "A retransmission MUST be bitwise identical to the original request."
- A request of the peer is taken only with the next ID. The one before it is answered from the
  cache with the very datagrams of the first time; anything else is dropped.
- A fragment is kept only after it proved authentic, one message at a time per direction, so
  nobody but the peer can make us hold anything, and the peer only ``MAX_MESSAGE`` bytes.

This is the only place that knows message IDs. It holds state and decides; ``exchanges``
sends what it is told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from cygnet.engine.entropy import Entropy
from cygnet.model.config import Settings
from cygnet.values.errors import PeerError
from cygnet.wire.header import ExchangeType
from cygnet.wire.ikev2.encrypted import SkfPayload
from cygnet.wire.ikev2.numbers import PayloadType
from cygnet.wire.ikev2.sealing import MAX_FRAGMENTS

MAX_MESSAGE = 65_535  #: bytes of a reassembled message; certificates chains are some 10,000


class Arrival(Enum):
    NEW = auto()  #: act on it
    AGAIN = auto()  #: answered already: send the cached response
    OWED = auto()  #: its answer is still being made
    STALE = auto()  #: neither: drop it


@dataclass(slots=True)
class Pending:
    """Our request that waits for its response. ``tries`` counts retransmissions, ``since`` when they
    began and ``rounds`` how often they began anew. ``last_sent_at``: by its schedule or as a reminder."""

    message_id: int
    exchange: ExchangeType
    datagrams: list[bytes]
    tries: int = 0
    since: float = 0.0
    rounds: int = 0
    last_sent_at: float = 0.0


@dataclass(slots=True)
class Reassembly:
    """The fragments of one message so far (RFC 7383 §2.6)."""

    message_id: int = -1
    total: int = 0
    first: PayloadType = PayloadType.NONE
    pieces: dict[int, bytes] = field(default_factory=dict)

    def add(self, message_id: int, fragment: SkfPayload, plain: bytes) -> bytes | None:
        """Keep an authentic piece; the whole plaintext when it was the last one missing.

        A larger total begins anew: the peer sends smaller fragments now. A smaller one is old.
        """
        if fragment.total > MAX_FRAGMENTS:
            raise PeerError(0, f"message in {fragment.total} fragments")
        if message_id != self.message_id or fragment.total > self.total:
            self.message_id, self.total, self.pieces = message_id, fragment.total, {}
        elif fragment.total < self.total:
            return None
        self.pieces[fragment.number] = plain
        if fragment.number == 1:
            self.first = fragment.first
        if sum(map(len, self.pieces.values())) > MAX_MESSAGE:
            self.clear()
            raise PeerError(0, f"fragmented message of more than {MAX_MESSAGE} bytes")
        if len(self.pieces) < self.total:
            return None
        whole = b"".join(self.pieces[n] for n in range(1, self.total + 1))
        self.clear()
        return whole

    def clear(self) -> None:
        self.message_id, self.total, self.pieces = -1, 0, {}


class Window:
    """Both directions of one IKE_SA."""

    def __init__(self) -> None:
        self.own_next = 0  #: ID of our next request
        self.peer_next = 0  #: ID the peer's next request must have
        self.synchronised = -1  #: the highest ID that the peer has synchronised on (RFC 6311)
        self.pending: Pending | None = None
        self.answer: list[bytes] = []  #: datagrams of our response to request ``peer_next - 1``
        self.owed = False  #: the answer to that request will come later, and no other request before it
        self.requests = Reassembly()
        self.responses = Reassembly()

    # our requests ---------------------------------------------------------------------

    def sent(self, exchange: ExchangeType, datagrams: list[bytes]) -> Pending:
        assert self.pending is None, "the window is 1"
        self.pending = Pending(self.own_next, exchange, datagrams)
        self.own_next += 1
        return self.pending

    def is_awaited(self, message_id: int, exchange: ExchangeType) -> bool:
        """Whether a response with this ID and exchange type answers our request."""
        pending = self.pending
        return pending is not None and (pending.message_id, pending.exchange) == (message_id, exchange)

    def answered(self) -> None:
        self.pending = None
        self.responses.clear()

    def restart(self) -> None:
        """IKE_SA_INIT is sent anew with message ID 0 (cookie, other key exchange method)."""
        self.pending, self.own_next = None, 0

    # the peer's requests --------------------------------------------------------------

    def classify(self, message_id: int) -> Arrival:
        if self.owed:
            return Arrival.OWED if message_id == self.peer_next - 1 else Arrival.STALE
        if message_id == self.peer_next:
            return Arrival.NEW
        if message_id == self.peer_next - 1 and self.answer:
            return Arrival.AGAIN
        return Arrival.STALE

    def accept(self) -> None:
        """The next request is being acted on; it is not acted on a second time."""
        self.peer_next += 1
        self.answer = []
        self.requests.clear()

    def synchronise(self, expected: int, peer_next: int) -> int:
        """RFC 6311: go on after a failover, with a peer that expects our request ``expected``.

        Returns the ID of the request that it will see next: the pending one's, or that of a new
        one. A pending request with a lower ID will get no answer any more.
        """
        self.peer_next = self.synchronised = peer_next
        self.answer = []
        self.requests.clear()
        self.responses.clear()
        if self.pending is not None and self.pending.message_id >= expected:
            return self.pending.message_id
        self.own_next = max(self.own_next, expected)
        return self.own_next


def retransmit_delay(settings: Settings, tries: int, entropy: Entropy) -> float:
    """Seconds to wait for a response after ``tries`` retransmissions, as charon's:
    ``timeout * base**tries``, jitter percent of it subtracted at random, at most ``limit``."""
    delay = settings.retransmit_timeout * settings.retransmit_base**tries
    if settings.retransmit_limit:
        delay = min(delay, settings.retransmit_limit)
    if settings.retransmit_jitter:
        delay -= entropy.uniform(0, delay * settings.retransmit_jitter / 100)
    return delay
