"""RFC 2408 §3.7. Key Exchange payload."""

from __future__ import annotations

from dataclasses import dataclass

from cygnet.wire.ikev1.numbers import PayloadType
from cygnet.wire.reader import Reader
from cygnet.wire.writer import Writer


@dataclass(frozen=True, slots=True)
class Ke:
    """The public value; its group was agreed on in the SA payload, so its length is checked there."""

    public: bytes
    type = PayloadType.KE

    @classmethod
    def decode(cls, reader: Reader) -> Ke:
        if not reader.left:
            raise reader.error("no public value")
        return cls(reader.rest())

    def encode(self, writer: Writer) -> None:
        writer.put(self.public)
