"""RFC 7296 §3.11. Delete payload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cygnet.values.iana import Protocol
from cygnet.wire.ikev2.numbers import PayloadType
from cygnet.wire.ikev2.payload import TypedPayload
from cygnet.wire.reader import Reader

_SPI_SIZE = {Protocol.IKE: 0, Protocol.AH: 4, Protocol.ESP: 4}


@dataclass(frozen=True, slots=True)
class DeletePayload(TypedPayload):
    """The sender's inbound SPIs of SAs that it closes; none for the IKE_SA itself."""

    TYPE: ClassVar = PayloadType.DELETE
    NAME: ClassVar = "D"

    protocol: Protocol
    spis: tuple[bytes, ...] = ()

    @classmethod
    def decode(cls, reader: Reader) -> DeletePayload:
        protocol, size, count = Protocol(reader.u8()), reader.u8(), reader.u16()
        if size != _SPI_SIZE.get(protocol, size) or (size == 0) != (count == 0):
            raise reader.error(f"{count} SPIs of {size} bytes for {protocol}")
        if reader.left != size * count:
            raise reader.error(f"{reader.left} bytes left for {count} SPIs of {size}")
        return cls(protocol, tuple(reader.take(size) for _ in range(count)))

    def encode(self) -> bytes:
        size = len(self.spis[0]) if self.spis else 0
        head = bytes((self.protocol, size)) + len(self.spis).to_bytes(2)
        return head + b"".join(self.spis)
