"""The slow and obviously right way: one packet at a time, one byte after the other.

Nothing here shares code with the engine: checksums are added up word by word, segments are
cut as the RFCs tell it, ESP is sealed and opened by ``dataplane.esp.packet``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

from cygnet.dataplane.drops import Drop
from cygnet.dataplane.esp import packet as esp
from cygnet.dataplane.esp.encapsulate import disclose, enclose
from cygnet.dataplane.esp.sa import InboundSa, OutboundSa

TCP, UDP = 6, 17
FIN, SYN, PSH, ACK, URG, ECE, CWR = 0x01, 0x02, 0x08, 0x10, 0x20, 0x40, 0x80
NEEDS_CSUM = 1
TCPV4, TCPV6, UDP_L4 = 1, 4, 5


def internet_sum(data: bytes) -> int:
    """RFC 1071: the ones' complement sum of 16-bit words."""
    total = 0
    for at in range(0, len(data), 2):
        total += data[at] << 8 | (data[at + 1] if at + 1 < len(data) else 0)
        total = (total & 0xFFFF) + (total >> 16)
    return total


def pseudo_header(packet: bytes, protocol: int, length: int) -> bytes:
    if packet[0] >> 4 == 4:
        return packet[12:20] + struct.pack("!BBH", 0, protocol, length)
    return packet[8:40] + struct.pack("!IHBB", length, 0, 0, protocol)


def l4_offset(packet: bytes) -> int:
    return (packet[0] & 15) * 4 if packet[0] >> 4 == 4 else 40


def protocol_of(packet: bytes) -> int:
    return packet[9] if packet[0] >> 4 == 4 else packet[6]


def with_checksums(packet: bytes) -> bytes:
    """The packet with its lengths and checksums as they should be."""
    out = bytearray(packet)
    l4, protocol = l4_offset(packet), protocol_of(packet)
    if packet[0] >> 4 == 4:
        out[2:4] = struct.pack("!H", len(packet))
        out[10:12] = bytes(2)
        out[10:12] = struct.pack("!H", 0xFFFF ^ internet_sum(out[:l4]))
    else:
        out[4:6] = struct.pack("!H", len(packet) - 40)
    if protocol == UDP:
        out[l4 + 4 : l4 + 6] = struct.pack("!H", len(packet) - l4)
    if protocol in (TCP, UDP):
        field = l4 + (16 if protocol == TCP else 6)
        out[field : field + 2] = bytes(2)
        total = internet_sum(pseudo_header(packet, protocol, len(packet) - l4) + out[l4:])
        value = 0xFFFF ^ total
        out[field : field + 2] = struct.pack("!H", value or (0xFFFF if protocol == UDP else 0))
    return bytes(out)


def has_right_checksums(packet: bytes) -> bool:
    return with_checksums(packet) == packet


def offloaded(packet: bytes) -> bytes:
    """As the kernel hands it over with NEEDS_CSUM: the field has the pseudo-header's sum."""
    out = bytearray(packet)
    l4, protocol = l4_offset(packet), protocol_of(packet)
    field = l4 + (16 if protocol == TCP else 6)
    total = internet_sum(pseudo_header(packet, protocol, len(packet) - l4))
    out[field : field + 2] = struct.pack("!H", total)
    return bytes(out)


def ip(
    payload: bytes,
    protocol: int,
    *,
    ipv6: bool = False,
    tos: int = 0,
    ident: int = 7,
    df: bool = True,
    ttl: int = 64,
    ends: tuple[int, int] = (5, 9),
    options: bytes = b"",
) -> bytes:
    """An IP packet between host ``ends[0]`` of the near and ``ends[1]`` of the far network."""
    if ipv6:
        source = IPv6Address("fd01::") + ends[0]
        there = IPv6Address("fd02::") + ends[1]
        head = struct.pack("!IHBB", 6 << 28 | tos << 20 | 0x12345, len(payload), protocol, ttl)
        return with_checksums(head + source.packed + there.packed + payload)
    near, far = IPv4Address("10.1.0.0") + ends[0], IPv4Address("10.2.0.0") + ends[1]
    words = (20 + len(options)) // 4
    head = struct.pack("!BBHHHBBH", 4 << 4 | words, tos, 0, ident, 0x4000 * df, ttl, protocol, 0)
    return with_checksums(head + near.packed + far.packed + options + payload)


def tcp(
    data: bytes = b"",
    *,
    sequence: int = 1,
    ack: int = 2,
    flags: int = ACK,
    window: int = 512,
    urgent: int = 0,
    options: bytes = b"",
    ports: tuple[int, int] = (4000, 80),
    **more: object,
) -> bytes:
    words = 5 + len(options) // 4
    head = struct.pack("!HHIIBBHHH", *ports, sequence & 0xFFFFFFFF, ack, words << 4, flags, window, 0, urgent)
    return ip(head + options + data, TCP, **more)  # type: ignore[arg-type]


def udp(data: bytes, *, ports: tuple[int, int] = (4000, 53), **more: object) -> bytes:
    return ip(struct.pack("!HHHH", *ports, 8 + len(data), 0) + data, UDP, **more)  # type: ignore[arg-type]


def vnet(
    flags: int = 0, kind: int = 0, header: int = 0, size: int = 0, start: int = 0, offset: int = 0
) -> bytes:
    return struct.pack("=BBHHHH", flags, kind, header, size, start, offset)


def gso(packet: bytes, size: int) -> bytearray:
    """A TUN read of a packet that the kernel left uncut."""
    l4, protocol = l4_offset(packet), protocol_of(packet)
    six = packet[0] >> 4 == 6
    kind = UDP_L4 if protocol == UDP else TCPV6 if six else TCPV4
    head = l4 + (8 if protocol == UDP else (packet[l4 + 12] >> 4) * 4)
    return bytearray(vnet(NEEDS_CSUM, kind, head, size, l4, 6 if protocol == UDP else 16) + offloaded(packet))


def single(packet: bytes, needs_checksum: bool = False) -> bytearray:
    """A TUN read of one ordinary packet."""
    if not needs_checksum:
        return bytearray(vnet() + packet)
    field = 6 if protocol_of(packet) == UDP else 16
    return bytearray(vnet(NEEDS_CSUM, start=l4_offset(packet), offset=field) + offloaded(packet))


def cut(packet: bytes, size: int) -> list[bytes]:
    """The segments of a TCP or UDP packet, each with ``size`` bytes of payload, the last the rest."""
    l4, protocol = l4_offset(packet), protocol_of(packet)
    head = l4 + (8 if protocol == UDP else (packet[l4 + 12] >> 4) * 4)
    data = packet[head:]
    starts = range(0, len(data), size) or range(1)
    segments = []
    for number, start in enumerate(starts):
        segment = bytearray(packet[:head] + data[start : start + size])
        if packet[0] >> 4 == 4:
            ident = (packet[4] << 8 | packet[5]) + number
            segment[4:6] = struct.pack("!H", ident & 0xFFFF)
        if protocol == TCP:
            sequence = struct.unpack_from("!I", packet, l4 + 4)[0] + start
            segment[l4 + 4 : l4 + 8] = struct.pack("!I", sequence & 0xFFFFFFFF)
            if number > 0:
                segment[l4 + 13] &= ~CWR & 0xFF
            if start + size < len(data):
                segment[l4 + 13] &= ~(FIN | PSH) & 0xFF
        segments.append(with_checksums(bytes(segment)))
    return segments


def uncut(write: bytes | memoryview) -> list[bytes]:
    """The packets that the kernel makes of a TUN write with a virtio-net header."""
    write = bytes(write)
    flags, kind, head, size, start, offset = struct.unpack_from("=BBHHHH", write)
    packet = write[10:]
    if not kind:
        assert flags == 0, "our single packets carry their checksums"
        return [packet]
    l4, protocol = l4_offset(packet), protocol_of(packet)
    assert flags == NEEDS_CSUM
    if protocol == UDP:
        assert (kind, start, offset, head) == (UDP_L4, l4, 6, l4 + 8)
        assert struct.unpack_from("!H", packet, l4 + 4)[0] == len(packet) - l4
        assert -(-(len(packet) - head) // size) <= 64
    else:
        assert kind == (TCPV6 if packet[0] >> 4 == 6 else TCPV4)
        assert (start, offset, head) == (l4, 16, l4 + (packet[l4 + 12] >> 4) * 4)
    assert len(packet) <= 65535
    length = len(packet) - l4
    field = struct.unpack_from("!H", packet, l4 + offset)[0]
    pseudo = internet_sum(pseudo_header(packet, protocol, length))
    assert pseudo % 0xFFFF == field % 0xFFFF, "the field must have the pseudo-header's sum"
    stated = packet[2] << 8 | packet[3] if l4 == 20 else 40 + (packet[4] << 8 | packet[5])
    assert stated == len(packet)
    if l4 == 20:
        assert internet_sum(packet[:20]) == 0xFFFF
    return cut(packet, size)


def seal(sa: OutboundSa, packet: bytes) -> bytes:
    payload, next_header = enclose(sa, packet)
    sealed = esp.seal(sa, payload, next_header)
    assert sealed is not None
    return sealed


def open_one(sa: InboundSa, datagram: bytes, tos: int = 0) -> bytes | Drop:
    """What one ESP datagram brings, with all checks."""
    opened = esp.open(sa, datagram)
    if isinstance(opened, Drop):
        return opened
    packet = disclose(sa, *opened, sa.remote.address, tos)
    if not isinstance(packet, Drop) and not sa.admits(packet):
        return Drop.OUTSIDE
    return packet


def datagrams(train: bytes | memoryview, size: int) -> Iterator[bytes]:
    train = bytes(train)
    for start in range(0, len(train), size):
        yield train[start : start + size]
