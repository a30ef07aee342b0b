"""What every IKEv1 operation is to the exchange that carries it.

A task is one operation, initiator and responder side together. ``Exchanges`` gives it each
message of its exchange and sends what it builds; when and how often messages are sent, and
what is a repetition, is no affair of tasks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, ClassVar

from cygnet.boundary.events import Datagram
from cygnet.wire.header import Header
from cygnet.wire.ikev1.message import Chain
from cygnet.wire.ikev1.payload import Payload

if TYPE_CHECKING:
    from cygnet.engine.ikev1.exchange import Exchange
    from cygnet.engine.ikev1.sa import IkeSaV1


class Next(Enum):
    """What follows a message that a task has processed."""

    MORE = auto()  #: send what ``build`` gives; another message is to come
    LAST = auto()  #: send what ``build`` gives; then the exchange is over
    DONE = auto()  #: nothing to send; the exchange is over


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to send. ``covered`` not None: a HASH payload is put first, over
    M-ID | ``covered`` | the payloads (RFC 2409 §5.5, §5.7)."""

    payloads: Sequence[Payload]
    encrypted: bool = False
    covered: bytes | None = None


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message as received: decrypted, its payloads checked against the rules of its exchange."""

    datagram: Datagram
    header: Header
    chain: Chain
    encrypted: bool


class Task(ABC):
    """``exchange`` is set by the table that runs it."""

    name: ClassVar[str]  #: as statusall lists it
    exchange: Exchange
    step = 0  #: messages of ours so far, where there are several

    def __init__(self, sa: IkeSaV1) -> None:
        self.sa = sa

    @abstractmethod
    def build(self) -> Outgoing:
        """The next message of ours. Missing: it needs something before, and is called again then."""

    @abstractmethod
    def process(self, message: Incoming) -> Next:
        """A message of the peer. Raises PeerError: with notify 0 it is to be passed over as if it
        had not come (it is not authentic, or does not fit); else the exchange ends with that notify."""

    def is_needed(self) -> bool:
        """Whether it is still to be done when its turn has come."""
        return True

    def completed(self) -> None:
        """The exchange is over and every message is out."""

    def failed(self, reason: str) -> None:
        """The exchange ended before its time: no answer, or refused by either side."""
