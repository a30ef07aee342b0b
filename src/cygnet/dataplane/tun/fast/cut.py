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
from cygnet.dataplane.tun.fast.layout import HEADER, IPV4, IPV6, padding, sealed_size, trailer
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

    __slots__ = ("cut", "header", "identification", "ip_sum", "l4_sum", "payload", "sequence", "trailers")

    def __init__(self, array: Bytes, cut: Cut) -> None:
        stride = cut.stride
        count = max(1, min(MAX_ROWS, MAX_TRAIN // stride))
        super().__init__(array, 0, stride, stride, count)
        self.cut = cut

        def column(start: int, width: int, kind: str = "u1") -> NDArray[Any]:
            return columns(array, HEADER + start, stride, count, width).view(kind)

        inner = cut.head + cut.size
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


def fill(plan: CutPlan, template: Template, payload: Bytes, first: int, count: int) -> int:
    """Write segments ``first`` to ``first + count - 1`` into the rows; returns the last one's payload.

    ``payload`` is all of the big packet's.
    """
    cut = plan.cut
    size = cut.size
    rest = min(size, len(payload) - (first + count - 1) * size)
    plan.header[:count] = template.header
    sums = _copy_payload(plan, template.next_header, payload, first, count, rest)
    sums += template.l4_sum
    number = COUNT[:count] + first
    if not cut.udp:
        sequence = number * size
        sequence += template.sequence
        sequence &= _LOW
        plan.sequence[:count] = sequence
        sums += sequence
        if first == 0 and template.first:
            _flag(plan, sums, 0, template.first)
        if (first + count - 1) * size + rest == len(payload) and template.last:
            _flag(plan, sums, count - 1, template.last)
    if rest != size:
        _shorten(plan, sums, count - 1, rest - size)
    _finish(plan, template, sums, number, count, rest - size)
    return rest


def _copy_payload(plan: CutPlan, next_header: int, payload: Bytes, first: int, count: int, rest: int) -> Ints:
    """Payload and trailers; returns the sums of the payloads, one for each row."""
    cut = plan.cut
    size = cut.size
    begin = first * size
    full = count if rest == size else count - 1
    sums = np.zeros(count, np.int64)
    if full:
        body = plan.payload[:full]
        body[:] = payload[begin : begin + full * size].reshape(full, size)
        plan.trailers[:full] = np.frombuffer(trailer(cut.head + size, next_header), np.uint8)
        sums[:full] = row_sums(body)
    if full < count:
        short = payload[begin + full * size : begin + full * size + rest]
        tail = np.frombuffer(trailer(cut.head + rest, next_header), np.uint8)
        at = plan.start + full * plan.stride + HEADER + cut.head
        plan.array[at : at + rest] = short
        plan.array[at + rest : at + rest + len(tail)] = tail
        sums[full] = word_sum(short.tobytes())
    return sums


def _flag(plan: CutPlan, sums: Ints, row: int, flags: int) -> None:
    plan.header[row, plan.cut.l4 + 13] |= flags
    sums[row] += flags


def _shorten(plan: CutPlan, sums: Ints, row: int, by: int) -> None:
    """The lengths in the headers of the last row, which has ``by`` (negative) bytes more."""
    cut = plan.cut
    header = plan.header[row]
    fields = [4 if cut.ipv6 else 2]
    sums[row] += by  # the pseudo-header's length
    if cut.udp:
        fields.append(cut.l4 + 4)
        sums[row] += by
    for at in fields:
        length = (int(header[at]) << 8 | int(header[at + 1])) + by
        header[at], header[at + 1] = length >> 8, length & 0xFF


def _finish(plan: CutPlan, template: Template, sums: Ints, number: Ints, count: int, by: int) -> None:
    """Checksums, and the identification of IPv4."""
    value = -sums % MODULUS
    if plan.cut.udp:
        value[value == 0] = MODULUS  # RFC 768: zero means "no checksum"
    plan.l4_sum[:count] = value
    if not plan.cut.ipv6:
        identification = number + template.identification
        identification &= 0xFFFF
        plan.identification[:count] = identification
        identification += template.ip_sum
        identification[-1] += by
        plan.ip_sum[:count] = -identification % MODULUS
