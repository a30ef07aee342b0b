"""RFC 7296 §3.5. Identification payloads, of the initiator and of the responder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from cygnet.values.iana import IdType
from cygnet.values.identity import Identity
from cygnet.wire.ikev2.numbers import PayloadType
from cygnet.wire.ikev2.payload import TypedPayload
from cygnet.wire.reader import Reader

_ADDRESS_LENGTH = {IdType.IPV4_ADDR: 4, IdType.IPV6_ADDR: 16}


@dataclass(frozen=True, slots=True)
class _IdPayload(TypedPayload):
    identity: Identity

    @classmethod
    def decode(cls, reader: Reader) -> Self:
        kind = IdType(reader.u8())
        reader.take(3)  # RESERVED
        data = reader.rest()
        if kind == IdType.ANY:  # 0 is reserved (§3.5); taken for "anybody" it would fit what names nobody
            raise reader.error("an identity of no type")
        if kind in _ADDRESS_LENGTH and len(data) != _ADDRESS_LENGTH[kind]:
            raise reader.error(f"{kind} with {len(data)} bytes")
        return cls(Identity(kind, data))

    def encode(self) -> bytes:
        """Also what the AUTH payload signs (RestOfInitIDPayload, §2.15)."""
        return self.identity.type.to_bytes(1) + bytes(3) + self.identity.data


class IdIPayload(_IdPayload):
    __slots__ = ()
    TYPE: ClassVar = PayloadType.ID_I
    NAME: ClassVar = "IDi"


class IdRPayload(_IdPayload):
    __slots__ = ()
    TYPE: ClassVar = PayloadType.ID_R
    NAME: ClassVar = "IDr"
