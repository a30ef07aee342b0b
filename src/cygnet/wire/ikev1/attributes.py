"""draft-ietf-ipsec-isakmp-mode-cfg-05 §3.2. Attributes payload (Mode Config, XAuth)."""

from __future__ import annotations

from dataclasses import dataclass

from cygnet.wire.ikev1.attribute import Attribute, decode_attributes
from cygnet.wire.ikev1.numbers import PayloadType
from cygnet.wire.reader import Reader
from cygnet.wire.writer import Writer


@dataclass(frozen=True, slots=True)
class Attributes:
    """``kind``: 1 request, 2 reply, 3 set, 4 ack."""

    kind: int
    identifier: int
    attributes: tuple[Attribute, ...]
    type = PayloadType.ATTRIBUTES

    @classmethod
    def decode(cls, reader: Reader) -> Attributes:
        kind = reader.u8()
        reader.u8()  # reserved
        return cls(kind, reader.u16(), decode_attributes(reader))

    def encode(self, writer: Writer) -> None:
        writer.u8(self.kind).u8(0).u16(self.identifier)
        for attribute in self.attributes:
            attribute.encode(writer)
