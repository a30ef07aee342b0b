"""RFC 7296 §3.10. Notify payload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cygnet.values.iana import Protocol
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.numbers import PayloadType
from cygnet.wire.ikev2.payload import TypedPayload
from cygnet.wire.reader import Reader


@dataclass(frozen=True, slots=True)
class NotifyPayload(TypedPayload):
    """``protocol`` and ``spi`` say which SA is meant, where one is (REKEY_SA, CHILD_SA_NOT_FOUND)."""

    TYPE: ClassVar = PayloadType.NOTIFY
    NAME: ClassVar = "N"

    kind: NotifyType
    data: bytes = b""
    protocol: Protocol = Protocol.NONE
    spi: bytes = b""

    @classmethod
    def decode(cls, reader: Reader) -> NotifyPayload:
        head = reader.take(4)
        spi = reader.take(head[1]) if head[1] else b""
        return cls(NotifyType(head[2] << 8 | head[3]), reader.rest(), Protocol(head[0]), spi)

    def encode(self) -> bytes:
        head = bytes((self.protocol, len(self.spi), self.kind >> 8, self.kind & 0xFF))
        return head + self.spi + self.data

    def __str__(self) -> str:
        return f"N({self.kind.short_name})"
