"""What every IKEv2 payload value is: its type number and the bytes of its body.

The generic header of four bytes (RFC 7296 §3.2) is written and read by ``message``.
"""

from __future__ import annotations

from typing import ClassVar, Protocol, Self

from cygnet.values.errors import PeerError
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.numbers import PayloadType
from cygnet.wire.reader import Reader


class Payload(Protocol):
    @property
    def type(self) -> PayloadType: ...

    def encode(self) -> bytes:
        """The body, without the generic header."""

    def __str__(self) -> str:
        """As a log line shows it: ``SA``, ``KE``, ``N(NATD_S_IP)``."""


class Decodable(Payload, Protocol):
    """A payload type of the table: known, with its own class."""

    TYPE: ClassVar[PayloadType]

    @classmethod
    def decode(cls, reader: Reader) -> Self:
        """Reads a body to its end. Raises only PeerError(INVALID_SYNTAX)."""


class TypedPayload:
    """Base of the payload classes with one type number of their own and a name in log lines."""

    __slots__ = ()
    TYPE: ClassVar[PayloadType]
    NAME: ClassVar[str]

    @property
    def type(self) -> PayloadType:
        return self.TYPE

    def __str__(self) -> str:
        return self.NAME


def bad_syntax(detail: str) -> PeerError:
    return PeerError(NotifyType.INVALID_SYNTAX, detail)
