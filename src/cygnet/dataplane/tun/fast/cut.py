"""Cutting a GSO packet into segments: what the kernel left to us (TSO, USO), in columns.

Every segment gets the headers of the big packet with, as Linux' tcp_gso_segment and
inet_gso_segment do it: its own total or payload length, IPv4 identification counted up by one,
sequence number, FIN and PSH on the last only, CWR on the first only, and its checksums.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cygnet.dataplane.tun.fast import vnet
from cygnet.dataplane.tun.fast.checksum import (
    MODULUS,
    TCP_CHECKSUM,
    UDP_CHECKSUM,
    Bytes,
    Ints,
    row_sums,
    word_sum,
)
from cygnet.dataplane.tun.fast.layout import ALIGNMENT, HEADER, IPV4, IPV6, padding, sealed_size, trailer
from cygnet.dataplane.tun.fast.rows import COUNT, MAX_ROWS, MAX_TRAIN, Rows, columns

_FIN, _PSH, _CWR = 0x01, 0x08, 0x80
_LOW = 0xFFFFFFFF
_TCP, _UDP = 6, 17


class Cut(NamedTuple):
    """How a packet is to be cut: offsets and lengths in bytes, equal for the packets of a flow."""

    udp: bool
    ipv6: bool
    l4: int  #: where the TCP or UDP header begins
    head: int  #: where the payload begins
    size: int  #: payload of a segment

    @property
    def stride(self) -> int:
        return sealed_size(self.head + self.size)


def cut_of(packet: memoryview, header: vnet.Header) -> Cut | None:
    """The cut that a virtio-net header asks for; None where packet and header do not belong together."""
    _, gso_type, _, size, l4, _ = header
    kind = gso_type & vnet.GSO_TYPE
    version = packet[0] >> 4
    udp = kind == vnet.GSO_UDP_L4
    wanted = {vnet.GSO_TCPV4: (4,), vnet.GSO_TCPV6: (6,), vnet.GSO_UDP_L4: (4, 6)}.get(kind, ())
    shortest = 40 if version == 6 else 20
    if version not in wanted or not size or l4 < shortest or l4 % 4 or l4 + 20 > len(packet) + 12 * udp:
        return None
    head = l4 + (8 if udp else packet[l4 + 12] >> 4 << 2)
    if head > len(packet) or (not udp and head < l4 + 20):
        return None
    return Cut(udp, version == 6, l4, head, size)


class CutPlan(Rows):
    """Rows for the segments of one cut, with the columns of their headers."""

    __slots__ = (
        "cut",
        "header",
        "identification",
        "inner",
        "ip_sum",
        "l4_sum",
        "payload",
        "sequence",
        "trailers",
    )

    def __init__(self, array: Bytes, cut: Cut) -> None:
        stride = cut.stride
        count = max(1, min(MAX_ROWS, MAX_TRAIN // stride))
        super().__init__(array, 0, stride, stride, count)
        self.cut = cut

        def column(start: int, width: int, kind: str = "u1") -> NDArray[Any]:
            return columns(array, HEADER + start, stride, count, width).view(kind)

        self.inner = inner = cut.head + cut.size
        self.header = column(0, cut.head)
        self.payload = column(cut.head, cut.size)
        self.trailers = column(inner, padding(inner) + 2)
        self.identification = column(4, 2, ">u2")[:, 0]
        self.ip_sum = column(10, 2, ">u2")[:, 0]
        self.sequence = column(cut.l4 + 4, 4, ">u4")[:, 0]
        self.l4_sum = column(cut.l4 + (UDP_CHECKSUM if cut.udp else TCP_CHECKSUM), 2, ">u2")[:, 0]


class Template:
    """What the headers of one GSO packet have in common, taken from it once.

    Its own header is changed in place to that of a middle segment of full size, with zero
    checksums; ``ip_sum`` and ``l4_sum`` are what is known of their sums by then.
    """

    __slots__ = (
        "first", "header", "identification", "ip_sum", "l4_sum", "last", "next_header", "sequence",
    )  # fmt: skip

    def __init__(self, packet: memoryview, cut: Cut) -> None:
        self.next_header = IPV6 if cut.ipv6 else IPV4
        l4, head = cut.l4, cut.head
        length = head - l4 + cut.size
        self.identification = self.sequence = self.first = self.last = self.ip_sum = 0
        if cut.ipv6:
            packet[4:6] = (l4 - 40 + length).to_bytes(2, "big")
            addresses = word_sum(packet[8:40])
        else:
            self.identification = packet[4] << 8 | packet[5]
            packet[2:6] = (l4 + length).to_bytes(2, "big") + b"\0\0"
            packet[10:12] = b"\0\0"
            self.ip_sum = word_sum(packet[:l4])
            addresses = word_sum(packet[12:20])
        if cut.udp:
            packet[l4 + 4 : l4 + 8] = length.to_bytes(2, "big") + b"\0\0"
        else:
            self.sequence = int.from_bytes(packet[l4 + 4 : l4 + 8], "big")
            flags = packet[l4 + 13]
            self.first, self.last = flags & _CWR, flags & (_FIN | _PSH)
            packet[l4 + 13] = flags & ~(_FIN | _PSH | _CWR)
            packet[l4 + 4 : l4 + 8] = b"\0\0\0\0"
            packet[l4 + 16 : l4 + 18] = b"\0\0"
        self.l4_sum = addresses + (_UDP if cut.udp else _TCP) + length + word_sum(packet[l4:head])
        self.header: Bytes = np.frombuffer(packet[:head], np.uint8)


def fill(plan: CutPlan, template: Template, payload: Bytes, first: int, row: int, count: int) -> int:
    """Write segments ``first`` to ``first + count - 1`` into rows from ``row`` on.

    ``payload`` is all of the big packet's. Returns how much of it the last segment has.
    """
    cut = plan.cut
    size = cut.size
    end = row + count
    rest = min(size, len(payload) - (first + count - 1) * size)
    plan.header[row:end] = template.header
    sums = _copy_payload(plan, template.next_header, payload[first * size :], row, count, rest)
    sums += template.l4_sum
    number = COUNT[first : first + count] if first + count <= len(COUNT) else np.arange(first, first + count)
    if not cut.udp:
        sequence = number * size
        sequence += template.sequence
        sequence &= _LOW
        plan.sequence[row:end] = sequence
        sums += sequence
        if first == 0 and template.first:
            plan.header[row, cut.l4 + 13] |= template.first
            sums[0] += template.first
        if (first + count - 1) * size + rest == len(payload) and template.last:
            plan.header[end - 1, cut.l4 + 13] |= template.last
            sums[-1] += template.last
    if rest != size:
        sums[-1] += _shorten(plan, end - 1, rest - size)
    np.negative(sums, out=sums)
    sums %= MODULUS
    if cut.udp:
        sums[sums == 0] = MODULUS  # RFC 768: zero means "no checksum"
    plan.l4_sum[row:end] = sums
    if not cut.ipv6:
        identification = number + template.identification
        identification &= 0xFFFF
        plan.identification[row:end] = identification
        identification += template.ip_sum
        if rest != size:
            identification[-1] += rest - size
        np.negative(identification, out=identification)
        identification %= MODULUS
        plan.ip_sum[row:end] = identification
    return rest


def _copy_payload(plan: CutPlan, next_header: int, payload: Bytes, row: int, count: int, rest: int) -> Ints:
    """Payload and trailers; returns the sums of the payloads, one for each row."""
    cut = plan.cut
    size = cut.size
    full = count if rest == size else count - 1
    body = plan.payload[row : row + full]
    body[:] = payload[: full * size].reshape(full, size)
    plan.trailers[row : row + full] = _TRAILERS[next_header][(cut.head + size) % ALIGNMENT]
    if full == count:
        return row_sums(body)
    sums = np.zeros(count, np.int64)
    sums[:full] = row_sums(body)
    short = payload[full * size : full * size + rest]
    tail = _TRAILERS[next_header][(cut.head + rest) % ALIGNMENT]
    at = plan.start + (row + full) * plan.stride + HEADER + cut.head
    plan.array[at : at + rest] = short
    plan.array[at + rest : at + rest + len(tail)] = tail
    sums[full] = word_sum(short.tobytes())
    return sums


def _shorten(plan: CutPlan, row: int, by: int) -> int:
    """Change the lengths in a row's headers; returns by how much that changes its checksum's sum."""
    cut = plan.cut
    header = plan.header[row]
    fields = (4 if cut.ipv6 else 2, cut.l4 + 4) if cut.udp else (4 if cut.ipv6 else 2,)
    for at in fields:
        length = (int(header[at]) << 8 | int(header[at + 1])) + by
        header[at], header[at + 1] = length >> 8, length & 0xFF
    return by * len(fields)  # the pseudo-header's length, and UDP's own


#: by next header and inner length modulo 4
_TRAILERS = {
    next_header: [np.frombuffer(trailer(length, next_header), np.uint8) for length in range(ALIGNMENT)]
    for next_header in (IPV4, IPV6)
}
