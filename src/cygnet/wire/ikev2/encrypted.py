"""RFC 7296 §3.14. Encrypted and Authenticated payload, still closed; RFC 7383 §2.5, its fragment.

Both stand last in a message, and their Next Payload field names the first payload inside.
``sealed`` is IV, ciphertext (with padding) and integrity check data; ``message`` opens it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cygnet.wire.ikev2.numbers import PayloadType
from cygnet.wire.ikev2.payload import TypedPayload
from cygnet.wire.reader import Reader


@dataclass(frozen=True, slots=True)
class SkPayload(TypedPayload):
    TYPE: ClassVar = PayloadType.SK
    NAME: ClassVar = "SK"

    sealed: bytes
    first: PayloadType = PayloadType.NONE  #: type of the first payload inside

    @classmethod
    def decode(cls, reader: Reader) -> SkPayload:
        return cls(reader.rest())

    def encode(self) -> bytes:
        return self.sealed


@dataclass(frozen=True, slots=True)
class SkfPayload(TypedPayload):
    TYPE: ClassVar = PayloadType.SKF
    NAME: ClassVar = "EF"

    sealed: bytes
    number: int  #: 1..total
    total: int
    first: PayloadType = PayloadType.NONE  #: set in fragment 1 only

    @classmethod
    def decode(cls, reader: Reader) -> SkfPayload:
        number, total = reader.u16(), reader.u16()
        if not 1 <= number <= total:
            raise reader.error(f"fragment {number} of {total}")
        return cls(reader.rest(), number, total)

    def encode(self) -> bytes:
        return self.number.to_bytes(2) + self.total.to_bytes(2) + self.sealed

    def __str__(self) -> str:
        return f"EF({self.number}/{self.total})"
