"""RFC 2408 §3.11. Hash payload: the prf over what RFC 2409 §5 says for each exchange."""

from __future__ import annotations

from dataclasses import dataclass

from cygnet.wire.ikev1.numbers import PayloadType
from cygnet.wire.reader import Reader
from cygnet.wire.writer import Writer


@dataclass(frozen=True, slots=True)
class Hash:
    data: bytes
    type = PayloadType.HASH

    @classmethod
    def decode(cls, reader: Reader) -> Hash:
        return cls(reader.rest())

    def encode(self, writer: Writer) -> None:
        writer.put(self.data)
