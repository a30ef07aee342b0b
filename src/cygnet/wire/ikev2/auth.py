"""RFC 7296 §3.8. Authentication payload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cygnet.wire.ikev2.numbers import AuthMethodId, PayloadType
from cygnet.wire.ikev2.payload import TypedPayload
from cygnet.wire.reader import Reader


@dataclass(frozen=True, slots=True)
class AuthPayload(TypedPayload):
    TYPE: ClassVar = PayloadType.AUTH
    NAME: ClassVar = "AUTH"

    method: AuthMethodId
    data: bytes

    @classmethod
    def decode(cls, reader: Reader) -> AuthPayload:
        method = AuthMethodId(reader.u8())
        reader.take(3)  # RESERVED
        return cls(method, reader.rest())

    def encode(self) -> bytes:
        return self.method.to_bytes(1) + bytes(3) + self.data
