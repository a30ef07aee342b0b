"""RFC 7296 §3.12. Vendor ID payload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cygnet.wire.ikev2.numbers import PayloadType
from cygnet.wire.ikev2.payload import TypedPayload
from cygnet.wire.reader import Reader


@dataclass(frozen=True, slots=True)
class VendorPayload(TypedPayload):
    TYPE: ClassVar = PayloadType.VENDOR
    NAME: ClassVar = "V"

    data: bytes

    @classmethod
    def decode(cls, reader: Reader) -> VendorPayload:
        return cls(reader.rest())

    def encode(self) -> bytes:
        return self.data
