"""What an operation of IKEv2 is made of: one file each, both roles together.

The initiator's side is a ``Task``: ``build`` its request, ``process`` the response, as often as
it takes. The responder's side is a function that takes a request and returns a ``Reply``;
``dispatch`` says which function. Both raise PeerError for what the peer did wrong.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, ClassVar

from cygnet.values.errors import PeerError
from cygnet.wire.header import ExchangeType
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.payload import Payload

if TYPE_CHECKING:
    from cygnet.engine.ikev2.sa import IkeSaV2


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


class Step(Enum):
    DONE = auto()  #: the task is over
    MORE = auto()  #: build again: another exchange follows


class Task(ABC):
    """One operation that we initiate."""

    NAME: ClassVar[str]  #: for status

    def __init__(self, sa: IkeSaV2) -> None:
        self.sa = sa

    @abstractmethod
    def build(self) -> Draft | None:
        """The next request; None when there is nothing left to do (what it was about is gone)."""

    @abstractmethod
    def process(self, message: Message) -> Step:
        """Take the response. PeerError: the response cannot be accepted (``refused``)."""

    def sent(self, message: Message, datagrams: list[bytes], inner: bytes) -> None:
        """The request as it goes out; ``inner`` is its plaintext, empty in the clear."""

    def refused(self, error: PeerError) -> None:
        """The response was not acceptable. By default the IKE_SA cannot go on."""
        self.sa.broken(error)

    def unanswered(self) -> None:
        """Every retransmission went without an answer."""
        self.sa.peer_is_silent()

    def dropped(self) -> None:
        """The IKE_SA closes before the task is done."""


def error_reply(error: PeerError) -> Reply:
    """RFC 7296 §2.21: the one notification that tells the peer what was wrong."""
    return Reply([NotifyPayload(NotifyType(error.notify), error.data)])
