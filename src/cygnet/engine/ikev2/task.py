"""What an operation is to the exchanges that carry it.

A task is one operation that we initiate: it builds requests and takes their responses. When
they are sent and how often, and what is a repetition, is no affair of tasks. The tasks
themselves are in ``tasks``, on ``tasks.task.SaTask``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import ClassVar

from cygnet.engine.waiting import Missing
from cygnet.values.errors import PeerError
from cygnet.wire.header import ExchangeType
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.payload import Payload


@dataclass(slots=True)
class Draft:
    """A request to be sent."""

    exchange: ExchangeType
    payloads: list[Payload] = field(default_factory=list)


@dataclass(slots=True)
class Reply:
    """A response to be sent; ``after`` is done once it is on its way (outbound SA, clean-up)."""

    payloads: list[Payload] = field(default_factory=list)
    after: Callable[[], None] | None = None


@dataclass(slots=True)
class Later:
    """The response needs something that is not here: ``again`` makes it when ``missing`` is."""

    missing: Missing
    again: Callable[[], Reply | Later]


class Step(Enum):
    DONE = auto()  #: the task is over
    MORE = auto()  #: build again: another exchange follows
    WAIT = auto()  #: the task will go on by itself (``Exchanges.resume``): it waits for something else


class Task(ABC):
    NAME: ClassVar[str]  #: for status

    @abstractmethod
    def build(self) -> Draft | None:
        """The next request; None when there is nothing left to do (what it was about is gone). Missing:
        it needs something before, and is called again then."""

    def believes(self, message: Message) -> bool:
        """Whether a response is one; False: it proves nothing, and another is waited for."""
        return True

    @abstractmethod
    def process(self, message: Message) -> Step:
        """Take the response. PeerError: the response cannot be accepted (``refused``)."""

    def sent(self, message: Message, datagrams: list[bytes], inner: bytes) -> None:
        """The request as it goes out; ``inner`` is its plaintext, empty in the clear."""

    @abstractmethod
    def refused(self, error: PeerError) -> None:
        """The response was not acceptable."""

    @abstractmethod
    def unanswered(self) -> None:
        """Every retransmission went without an answer."""

    def dropped(self) -> None:
        """The IKE_SA closes before the task is done."""

    def last_word(self) -> Draft | None:
        """What the peer is still told where the IKE_SA goes before the task has begun."""
        return None

    def parting_word(self) -> Draft | None:
        """What it is told where the IKE_SA goes while the task is under way."""
        return None
