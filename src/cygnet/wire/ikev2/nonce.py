"""RFC 7296 §3.9. Nonce payload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cygnet.wire.ikev2.numbers import PayloadType
from cygnet.wire.ikev2.payload import TypedPayload
from cygnet.wire.reader import Reader

MIN_LENGTH, MAX_LENGTH = 16, 256  #: bytes; "MUST be between 16 and 256 octets, inclusive"


@dataclass(frozen=True, slots=True)
class NoncePayload(TypedPayload):
    TYPE: ClassVar = PayloadType.NONCE
    NAME: ClassVar = "No"

    data: bytes

    @classmethod
    def decode(cls, reader: Reader) -> NoncePayload:
        if not MIN_LENGTH <= reader.left <= MAX_LENGTH:
            raise reader.error(f"nonce of {reader.left} bytes, allowed are {MIN_LENGTH} to {MAX_LENGTH}")
        return cls(reader.rest())

    def encode(self) -> bytes:
        return self.data
