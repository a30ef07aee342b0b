"""RFC 2408 §3.8, RFC 2407 §4.6.2. Identification payload: who (phase 1), which traffic (phase 2)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from cygnet.values.endpoint import Address
from cygnet.values.errors import PeerError
from cygnet.values.iana import IdType
from cygnet.values.identity import Identity
from cygnet.values.selector import TrafficSelector
from cygnet.wire.ikev1.numbers import Notify, PayloadType
from cygnet.wire.reader import Reader
from cygnet.wire.writer import Writer

#: type -> (address class, how many addresses its data is made of)
ADDRESS_TYPES: dict[IdType, tuple[type[IPv4Address] | type[IPv6Address], int]] = {
    IdType.IPV4_ADDR: (IPv4Address, 1),
    IdType.IPV4_ADDR_SUBNET: (IPv4Address, 2),
    IdType.IPV4_ADDR_RANGE: (IPv4Address, 2),
    IdType.IPV6_ADDR: (IPv6Address, 1),
    IdType.IPV6_ADDR_SUBNET: (IPv6Address, 2),
    IdType.IPV6_ADDR_RANGE: (IPv6Address, 2),
}
SIZES = {IPv4Address: 4, IPv6Address: 16}


@dataclass(frozen=True, slots=True)
class Id:
    """``protocol`` and ``port`` are 0 for any; in phase 1 they may be 17 and 500 (RFC 2407 §4.6.2)."""

    identity: Identity
    protocol: int = 0
    port: int = 0
    type = PayloadType.ID

    @classmethod
    def decode(cls, reader: Reader) -> Id:
        kind = IdType(reader.u8())
        protocol, port = reader.u8(), reader.u16()
        identity = Identity(kind, reader.rest())
        if kind == IdType.ANY:  # RFC 2407 §4.6.2.1: reserved; it would fit what names nobody
            raise PeerError(Notify.INVALID_ID_INFORMATION, "ID payload of no type")
        if row := ADDRESS_TYPES.get(kind):
            size = SIZES[row[0]] * row[1]
            if len(identity.data) != size:
                raise PeerError(
                    Notify.INVALID_ID_INFORMATION,
                    f"ID payload: {kind} with {len(identity.data)} bytes instead of {size}",
                )
        return cls(identity, protocol, port)

    def encode(self, writer: Writer) -> None:
        writer.u8(self.identity.type).u8(self.protocol).u16(self.port).put(self.identity.data)

    @classmethod
    def of_selector(cls, selector: TrafficSelector) -> Id:
        """The selector as one ID. A port range that is neither all nor one port becomes "any":
        IKEv1 has no words for it."""
        networks = selector.networks()
        v6 = selector.version == 6
        if len(networks) != 1:
            kind = IdType.IPV6_ADDR_RANGE if v6 else IdType.IPV4_ADDR_RANGE
            data = selector.start.packed + selector.end.packed
        elif networks[0].num_addresses == 1:
            kind = IdType.IPV6_ADDR if v6 else IdType.IPV4_ADDR
            data = selector.start.packed
        else:
            kind = IdType.IPV6_ADDR_SUBNET if v6 else IdType.IPV4_ADDR_SUBNET
            data = networks[0].network_address.packed + networks[0].netmask.packed
        port = selector.start_port if selector.start_port == selector.end_port else 0
        return cls(Identity(kind, data), selector.protocol, port)

    def selector(self) -> TrafficSelector:
        """The traffic it means. Raises PeerError (INVALID_ID_INFORMATION) if it means none."""
        row = ADDRESS_TYPES.get(self.identity.type)
        if row is None:
            raise PeerError(
                Notify.INVALID_ID_INFORMATION, f"ID payload: {self.identity.type} is not a traffic selector"
            )
        start, end = _range(self.identity, row[0])
        ports = (self.port, self.port) if self.port else (0, 0xFFFF)
        try:
            return TrafficSelector(start, end, self.protocol, *ports)
        except ValueError as error:
            raise PeerError(Notify.INVALID_ID_INFORMATION, f"ID payload: {error}") from None

    def __str__(self) -> str:
        return str(self.selector()) if self.identity.type in ADDRESS_TYPES else str(self.identity)


def _range(identity: Identity, family: type[IPv4Address] | type[IPv6Address]) -> tuple[Address, Address]:
    size = SIZES[family]
    low = int.from_bytes(identity.data[:size])
    if len(identity.data) == size:
        return family(low), family(low)
    second = int.from_bytes(identity.data[size:])
    if identity.type in (IdType.IPV4_ADDR_RANGE, IdType.IPV6_ADDR_RANGE):
        return family(low), family(second)
    hosts = second ^ ((1 << 8 * size) - 1)
    if hosts & (hosts + 1):
        raise PeerError(Notify.INVALID_ID_INFORMATION, "ID payload: the netmask has holes")
    return family(low & second), family(low & second | hosts)
