"""RFC 3947 §3.2 and §5.2. NAT-D: a hash of an address and port; NAT-OA: an original address.

The drafts before the RFC had the same bodies under other payload types.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from cygnet.values.endpoint import Address
from cygnet.values.iana import IdType
from cygnet.wire.ikev1.numbers import PayloadType
from cygnet.wire.reader import Reader
from cygnet.wire.writer import Writer


@dataclass(frozen=True, slots=True)
class NatD:
    hash: bytes
    type: PayloadType = PayloadType.NAT_D

    @classmethod
    def decode(cls, reader: Reader, type: PayloadType = PayloadType.NAT_D) -> NatD:
        return cls(reader.rest(), type)

    def encode(self, writer: Writer) -> None:
        writer.put(self.hash)


@dataclass(frozen=True, slots=True)
class NatOa:
    address: Address
    type: PayloadType = PayloadType.NAT_OA

    @classmethod
    def decode(cls, reader: Reader, type: PayloadType = PayloadType.NAT_OA) -> NatOa:
        kind = reader.u8()
        reader.take(3)  # reserved
        if kind == IdType.IPV4_ADDR:
            return cls(IPv4Address(reader.take(4)), type)
        if kind == IdType.IPV6_ADDR:
            return cls(IPv6Address(reader.take(16)), type)
        raise reader.error(f"id type {kind} is not an address")

    def encode(self, writer: Writer) -> None:
        kind = IdType.IPV4_ADDR if self.address.version == 4 else IdType.IPV6_ADDR
        writer.u8(kind).put(bytes(3)).put(self.address.packed)
