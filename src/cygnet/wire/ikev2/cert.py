"""RFC 7296 §3.6. Certificate payload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cygnet.wire.ikev2.numbers import CertEncoding, PayloadType
from cygnet.wire.ikev2.payload import TypedPayload
from cygnet.wire.reader import Reader


@dataclass(frozen=True, slots=True)
class CertPayload(TypedPayload):
    TYPE: ClassVar = PayloadType.CERT
    NAME: ClassVar = "CERT"

    encoding: CertEncoding
    data: bytes

    @classmethod
    def decode(cls, reader: Reader) -> CertPayload:
        return cls(CertEncoding(reader.u8()), reader.rest())

    def encode(self) -> bytes:
        return self.encoding.to_bytes(1) + self.data
