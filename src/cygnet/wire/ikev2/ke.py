"""RFC 7296 §3.4. Key Exchange payload; RFC 9370 uses it for each additional key exchange too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cygnet.values.iana import KeId
from cygnet.wire.ikev2.numbers import PayloadType
from cygnet.wire.ikev2.payload import TypedPayload
from cygnet.wire.reader import Reader


@dataclass(frozen=True, slots=True)
class KePayload(TypedPayload):
    TYPE: ClassVar = PayloadType.KE
    NAME: ClassVar = "KE"

    method: KeId
    data: bytes  #: public value or ciphertext, its length is the method's

    @classmethod
    def decode(cls, reader: Reader) -> KePayload:
        method = KeId(reader.u16())
        reader.u16()  # RESERVED
        return cls(method, reader.rest())

    def encode(self) -> bytes:
        return self.method.to_bytes(2) + bytes(2) + self.data
