"""Traffic selectors and narrowing (RFC 7296 §2.9, §3.13; RFC 4301 §4.4.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import (
    IPv4Network,
    IPv6Network,
    ip_address,
    ip_network,
    summarize_address_range,
)

from cygnet.values.endpoint import Address

#: Ports of an OPAQUE selector (RFC 7296 §3.13.1): start 65535, end 0.
OPAQUE = (0xFFFF, 0)
ANY_PORTS = (0, 0xFFFF)


@dataclass(frozen=True, slots=True)
class TrafficSelector:
    """A range of addresses, an IP protocol (0: any) and a range of ports.

    For ICMP the port fields hold type in the high and code in the low byte (RFC 4301 §4.4.1.1).
    ``dynamic`` marks "the end's own address or virtual IP", to be replaced by ``set_address``.
    """

    start: Address
    end: Address
    protocol: int = 0
    start_port: int = 0
    end_port: int = 0xFFFF
    dynamic: bool = False

    def __post_init__(self) -> None:
        if self.start.version != self.end.version or int(self.start) > int(self.end):
            raise ValueError(f"{self.start}..{self.end} is not a range of addresses")
        if not (0 <= self.start_port <= 0xFFFF and 0 <= self.end_port <= 0xFFFF):
            raise ValueError(f"ports {self.start_port}..{self.end_port} are not in 0..65535")
        if not 0 <= self.protocol <= 0xFF:
            raise ValueError(f"protocol {self.protocol} is not in 0..255")

    @classmethod
    def of(
        cls, network: str, protocol: int = 0, start_port: int = 0, end_port: int = 0xFFFF
    ) -> TrafficSelector:
        """``TrafficSelector.of("10.31.0.0/16")``. Raises ValueError on a bad network."""
        return cls.of_network(ip_network(network, strict=False), protocol, start_port, end_port)

    @classmethod
    def of_network(
        cls, net: IPv4Network | IPv6Network, protocol: int = 0, start_port: int = 0, end_port: int = 0xFFFF
    ) -> TrafficSelector:
        return cls(net.network_address, net.broadcast_address, protocol, start_port, end_port)

    @property
    def version(self) -> int:
        return self.start.version

    @property
    def ports(self) -> tuple[int, int]:
        return (self.start_port, self.end_port)

    def networks(self) -> list[IPv4Network] | list[IPv6Network]:
        """The CIDR networks that make up the range (for routes)."""
        return list(summarize_address_range(self.start, self.end))  # type: ignore[return-value]

    def set_address(self, address: Address) -> TrafficSelector:
        """A dynamic selector with its end's address filled in; any other one unchanged."""
        return replace(self, start=address, end=address, dynamic=False) if self.dynamic else self

    def contains(self, other: TrafficSelector) -> bool:
        return self.narrow(other) == replace(other, dynamic=False)

    def covers(self, address: Address, protocol: int = 0, port: int = 0) -> bool:
        """Whether a packet with this address, protocol and port (0: not known) is inside."""
        return (
            self.version == address.version
            and int(self.start) <= int(address) <= int(self.end)
            and self.protocol in (0, protocol)
            and (self.ports in (ANY_PORTS, OPAQUE) or self.start_port <= port <= self.end_port)
        )

    def encloses(self, other: TrafficSelector) -> bool:
        """Whether its addresses include those of another one, whatever their protocols and ports."""
        inside = int(self.start) <= int(other.start) and int(other.end) <= int(self.end)
        return self.version == other.version and inside

    def narrow(self, other: TrafficSelector) -> TrafficSelector | None:
        """The intersection of both, or None."""
        if self.version != other.version:
            return None
        if self.protocol and other.protocol and self.protocol != other.protocol:
            return None
        ports = _narrow_ports(self.ports, other.ports)
        start = max(int(self.start), int(other.start))
        end = min(int(self.end), int(other.end))
        if ports is None or start > end:
            return None
        family = type(self.start)
        return TrafficSelector(family(start), family(end), self.protocol or other.protocol, *ports)

    def __str__(self) -> str:
        """As strongSwan's status: ``10.31.0.0/16``, ``10.1.0.1/32[tcp/http]`` is ``[6/80]`` here."""
        if self.dynamic:
            where = "dynamic"
        else:
            nets = self.networks()
            where = str(nets[0]) if len(nets) == 1 else f"{self.start}..{self.end}"
        if not self.protocol and self.ports == ANY_PORTS:
            return where
        protocol = _PROTOCOL_NAMES.get(self.protocol, str(self.protocol)) if self.protocol else ""
        return f"{where}[{protocol}{_ports_text(self.ports)}]"


_PROTOCOL_NAMES = {1: "icmp", 6: "tcp", 17: "udp", 47: "gre", 50: "esp", 58: "ipv6-icmp", 132: "sctp"}


def _ports_text(ports: tuple[int, int]) -> str:
    if ports == ANY_PORTS:
        return ""
    if ports == OPAQUE:
        return "/OPAQUE"
    return f"/{ports[0]}" if ports[0] == ports[1] else f"/{ports[0]}-{ports[1]}"


def _narrow_ports(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int] | None:
    if a == b:
        return a
    if OPAQUE in (a, b):
        return OPAQUE if ANY_PORTS in (a, b) else None
    low, high = max(a[0], b[0]), min(a[1], b[1])
    return (low, high) if low <= high else None


Selectors = tuple[TrafficSelector, ...]  #: one end's traffic selectors
Packet = tuple[TrafficSelector, TrafficSelector]  #: source and destination of one, as selectors


def narrow(ours: Iterable[TrafficSelector], theirs: Iterable[TrafficSelector]) -> Selectors:
    """Every non-empty intersection, in our order, without those that lie inside another.

    Empty where nothing is common: TS_UNACCEPTABLE.
    """
    theirs = list(theirs)
    found: list[TrafficSelector] = []
    for our in ours:
        for their in theirs:
            common = our.narrow(their)
            if common is None or any(f.contains(common) for f in found):
                continue
            found = [f for f in found if not common.contains(f)] + [common]
    return tuple(found)


def dynamic(
    version: int = 4, protocol: int = 0, start_port: int = 0, end_port: int = 0xFFFF
) -> TrafficSelector:
    """The selector "whatever address this end has" (strongSwan's %dynamic)."""
    low, high = ("0.0.0.0", "255.255.255.255") if version == 4 else ("::", "f" * 4 + ":ffff" * 7)
    return TrafficSelector(ip_address(low), ip_address(high), protocol, start_port, end_port, dynamic=True)
