"""RFC 2408 §3.13. Nonce payload."""

from __future__ import annotations

from dataclasses import dataclass

from cygnet.wire.ikev1.numbers import PayloadType
from cygnet.wire.reader import Reader
from cygnet.wire.writer import Writer

SHORTEST, LONGEST = 8, 256  #: bytes, RFC 2409 §5


@dataclass(frozen=True, slots=True)
class Nonce:
    data: bytes
    type = PayloadType.NONCE

    @classmethod
    def decode(cls, reader: Reader) -> Nonce:
        if not SHORTEST <= reader.left <= LONGEST:
            raise reader.error(f"a nonce of {reader.left} bytes is not in {SHORTEST}..{LONGEST}")
        return cls(reader.rest())

    def encode(self, writer: Writer) -> None:
        writer.put(self.data)
