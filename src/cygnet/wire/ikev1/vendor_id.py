"""RFC 2408 §3.16. Vendor ID payload; whose they are says ``vendors``."""

from __future__ import annotations

from dataclasses import dataclass

from cygnet.wire.ikev1.numbers import PayloadType
from cygnet.wire.reader import Reader
from cygnet.wire.writer import Writer


@dataclass(frozen=True, slots=True)
class VendorId:
    data: bytes
    type = PayloadType.VENDOR_ID

    @classmethod
    def decode(cls, reader: Reader) -> VendorId:
        return cls(reader.rest())

    def encode(self, writer: Writer) -> None:
        writer.put(self.data)
