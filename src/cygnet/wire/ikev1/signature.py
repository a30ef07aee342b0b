"""RFC 2408 §3.12. Signature payload."""

from __future__ import annotations

from dataclasses import dataclass

from cygnet.wire.ikev1.numbers import PayloadType
from cygnet.wire.reader import Reader
from cygnet.wire.writer import Writer


@dataclass(frozen=True, slots=True)
class Signature:
    data: bytes
    type = PayloadType.SIG

    @classmethod
    def decode(cls, reader: Reader) -> Signature:
        return cls(reader.rest())

    def encode(self, writer: Writer) -> None:
        writer.put(self.data)
