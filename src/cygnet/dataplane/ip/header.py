"""Reading IP headers: what a packet is about, without copying it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from cygnet.values.endpoint import Address

Buffer = bytes | bytearray | memoryview

ICMP, IPIP, TCP, UDP, IPV6, ESP, ICMPV6, NO_NEXT = 1, 4, 6, 17, 41, 50, 58, 59
FRAGMENT = 44
SCTP, DCCP, UDPLITE = 132, 33, 136
WITH_PORTS = frozenset((TCP, UDP, SCTP, DCCP, UDPLITE))
#: IPv6 extension headers to walk over: hop-by-hop, routing, destination, mobility (8-byte units).
_EXTENSIONS = frozenset((0, 43, 60, 135))
_MOST_EXTENSIONS = 8  #: more of them is nobody's honest packet


@dataclass(frozen=True, slots=True)
class Flow:
    """What selectors look at. ``source`` and ``destination`` are the addresses as integers.

    Ports are 0 where there are none or a later fragment hides them; for ICMP both are type and
    code in one number (RFC 4301 §4.4.1.1).
    """

    version: int
    source: int
    destination: int
    protocol: int
    source_port: int = 0
    destination_port: int = 0

    def reversed(self) -> Flow:
        """The flow of its answers."""
        ends = (self.destination, self.source, self.protocol, self.destination_port, self.source_port)
        return Flow(self.version, *ends)

    @property
    def addresses(self) -> tuple[Address, Address]:
        kind = IPv4Address if self.version == 4 else IPv6Address
        return kind(self.source), kind(self.destination)


def flow_key(packet: Buffer) -> bytes:
    """Equal for packets that selectors cannot tell apart; b"" where only ``parse`` can say.

    Decisions are kept by this key, so it must be cheap. Fragments, options and extension
    headers have none.
    """
    head = bytes(packet[:44])  # slices of bytes cost half of what those of a view do
    if len(head) < 24:
        return b""
    if head[0] == 0x45:
        if head[6] & 0x3F or head[7]:
            return b""
        protocol = head[9]
        if protocol in WITH_PORTS:
            return head[9:10] + head[12:24]
        return head[9:10] + head[12 : 22 if protocol in (ICMP, ICMPV6) else 20]
    if head[0] >> 4 != 6 or len(head) < 44:
        return b""
    protocol = head[6]
    if protocol in WITH_PORTS:
        return head[6:7] + head[8:]
    if protocol in (ICMP, ICMPV6):
        return head[6:7] + head[8:42]
    return head[6:7] + head[8:40] if protocol not in _EXTENSIONS and protocol != FRAGMENT else b""


def parse(packet: Buffer) -> Flow | None:
    """The flow of a packet; None: it is not a whole IP packet."""
    if len(packet) < 20:
        return None
    version = packet[0] >> 4
    if version == 4:
        return _parse4(packet)
    return _parse6(packet) if version == 6 and len(packet) >= 40 else None


def total_length(packet: Buffer) -> int:
    """The length its header gives, 0: not an IP header. Beyond it lies padding (RFC 4303 §2.7)."""
    version = packet[0] >> 4 if len(packet) >= 20 else 0
    if version == 4:
        length = int.from_bytes(packet[2:4], "big")
        return length if length >= (packet[0] & 15) * 4 >= 20 else 0
    return 40 + int.from_bytes(packet[4:6], "big") if version == 6 and len(packet) >= 40 else 0


def traffic_class(packet: Buffer) -> int:
    """DSCP and ECN: the TOS byte of IPv4, the traffic class of IPv6."""
    return packet[1] if packet[0] >> 4 == 4 else (packet[0] << 4 | packet[1] >> 4) & 0xFF


def dont_fragment(packet: Buffer) -> bool:
    """The DF bit; always so for IPv6 (RFC 4301 §8.1)."""
    return packet[0] >> 4 == 6 or bool(packet[6] & 0x40)


def _parse4(packet: Buffer) -> Flow | None:
    header = (packet[0] & 15) * 4
    if header < 20 or header > len(packet):
        return None
    protocol = packet[9]
    source, destination = int.from_bytes(packet[12:16], "big"), int.from_bytes(packet[16:20], "big")
    later_fragment = (packet[6] << 8 | packet[7]) & 0x1FFF
    ports = (0, 0) if later_fragment else _ports(protocol, packet, header)
    return Flow(4, source, destination, protocol, *ports)


def _parse6(packet: Buffer) -> Flow | None:
    source, destination = int.from_bytes(packet[8:24], "big"), int.from_bytes(packet[24:40], "big")
    protocol, offset, later_fragment = packet[6], 40, False
    for _ in range(_MOST_EXTENSIONS):
        if len(packet) < offset + 8 or (protocol not in _EXTENSIONS and protocol != FRAGMENT):
            break
        following = packet[offset]
        if protocol == FRAGMENT:
            later_fragment = bool((packet[offset + 2] << 8 | packet[offset + 3]) & 0xFFF8)
            offset += 8
        else:
            offset += 8 + packet[offset + 1] * 8
        protocol = following
    ports = (0, 0) if later_fragment else _ports(protocol, packet, offset)
    return Flow(6, source, destination, protocol, *ports)


def _ports(protocol: int, packet: Buffer, offset: int) -> tuple[int, int]:
    if protocol in WITH_PORTS and len(packet) >= offset + 4:
        source = packet[offset] << 8 | packet[offset + 1]
        return source, packet[offset + 2] << 8 | packet[offset + 3]
    if protocol in (ICMP, ICMPV6) and len(packet) >= offset + 2:
        what = packet[offset] << 8 | packet[offset + 1]
        return what, what
    return 0, 0
