"""Cisco's fragmentation of IKEv1 (payload type 132), as charon, racoon and Windows speak it.

A whole message, header and all (encrypted or not), is cut into pieces. Each travels in a
message of its own: the same header but for next payload and length, unencrypted, with this
one payload in it.
"""

from __future__ import annotations

from dataclasses import dataclass

from cygnet.wire.ikev1.numbers import PayloadType
from cygnet.wire.reader import Reader
from cygnet.wire.writer import Writer

LAST = 1  #: flag
OVERHEAD = 8  #: generic header, id, number, flags


@dataclass(frozen=True, slots=True)
class Fragment:
    """``id`` is the same in all fragments of a message; ``number`` counts from 1 to 255."""

    id: int
    number: int
    last: bool
    data: bytes
    type = PayloadType.FRAGMENT

    @classmethod
    def decode(cls, reader: Reader) -> Fragment:
        id, number, flags = reader.u16(), reader.u8(), reader.u8()
        if number == 0 or not reader.left:
            raise reader.error("an empty fragment, or one with the number 0")
        return cls(id, number, bool(flags & LAST), reader.rest())

    def encode(self, writer: Writer) -> None:
        writer.u16(self.id).u8(self.number).u8(LAST if self.last else 0).put(self.data)
