"""RFC 7296 §3.16. Extensible Authentication Protocol payload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cygnet.wire.ikev2.numbers import EapCode, PayloadType
from cygnet.wire.ikev2.payload import TypedPayload
from cygnet.wire.reader import Reader


@dataclass(frozen=True, slots=True)
class EapPayload(TypedPayload):
    """An EAP message (RFC 3748 §4). ``data`` begins with the method's type; empty for success."""

    TYPE: ClassVar = PayloadType.EAP
    NAME: ClassVar = "EAP"

    code: EapCode
    identifier: int  #: 0..255
    data: bytes = b""

    @classmethod
    def decode(cls, reader: Reader) -> EapPayload:
        whole = reader.left
        code, identifier, length = EapCode(reader.u8()), reader.u8(), reader.u16()
        if length != whole:
            raise reader.error(f"EAP message says {length} bytes, its payload has {whole}")
        return cls(code, identifier, reader.rest())

    def encode(self) -> bytes:
        return bytes((self.code, self.identifier)) + (4 + len(self.data)).to_bytes(2) + self.data
