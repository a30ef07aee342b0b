"""TUN reads of one SA, sealed: trains of ESP datagrams for sendmsg with UDP_SEGMENT.

A GSO read is cut into segments (cut.py). Single packets that follow each other with the same
length, and one shorter one after them, leave together as well.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from cygnet.dataplane.esp.sa import OutboundSa
from cygnet.dataplane.tun.fast import vnet
from cygnet.dataplane.tun.fast.checksum import MODULUS, UDP_CHECKSUM, Bytes, complete, row_sums
from cygnet.dataplane.tun.fast.cut import Cut, CutPlan, Template, cut_of, fill
from cygnet.dataplane.tun.fast.layout import (
    ALIGNMENT,
    HEADER,
    ICV,
    IPV4,
    IPV6,
    OVERHEAD,
    sealed_size,
    trailer,
)
from cygnet.dataplane.tun.fast.rows import COUNT64, MAX_ROWS, MAX_TRAIN, Nonces, Rows, columns

VNET = vnet.VNET

#: fewer equal packets than this are sealed one by one, which is then faster than numpy's calls
FEW = 6
#: layouts of rows kept; one for each (header length, segment size) in use
_PLANS = 64

_ESP_HEADER = struct.Struct(">IIQ")
_ESN_AAD = struct.Struct(">IQ")
_LOW = 0xFFFFFFFF
_NEXT_HEADER = {4: IPV4, 6: IPV6}
#: by (next header, inner length modulo 4)
_TRAILERS = {(nh, length): trailer(length, nh) for nh in _NEXT_HEADER.values() for length in range(4)}


#: largest inner packet that one UDP datagram can carry
MAX_INNER = MAX_TRAIN // ALIGNMENT * ALIGNMENT - OVERHEAD


class Train(NamedTuple):
    """``packets`` datagrams of ``size`` bytes one after the other, the last one maybe shorter."""

    datagrams: memoryview
    size: int
    packets: int
    tos: int  #: traffic class of the inner header


class Sealer:
    """Seals into memory of its own, which each train uses again."""

    def __init__(self) -> None:
        self._array: Bytes = np.zeros(MAX_TRAIN + 4096, np.uint8)
        self._view = memoryview(self._array)  # type: ignore[arg-type]
        self._plans: dict[Cut, CutPlan] = {}
        self._blocks: dict[int, Rows] = {}
        self._nonces = Nonces()
        self.malformed = 0  #: reads that were no packet

    def seal(self, sa: OutboundSa, reads: Sequence[memoryview]) -> Iterator[Train]:
        """Seal reads (virtio-net header and packet each). Each train overwrites the one before."""
        at, end = 0, len(reads)
        while at < end and not sa.spent:
            read = reads[at]
            if len(read) < VNET + 20 or read[VNET] >> 4 not in _NEXT_HEADER:
                self.malformed += 1
                at += 1
            elif read[1]:
                at += 1
                yield from self._segments(sa, read)
            else:
                run = sa.reserve(_alike(reads, at))
                if run >= FEW and self._even(read):
                    yield self._block(sa, reads, at, run)
                else:
                    yield from self._singles(sa, reads, at, run)
                at += run

    def _segments(self, sa: OutboundSa, read: memoryview) -> Iterator[Train]:
        """One GSO packet. Where its trains are full, what is left goes in a train of its own."""
        packet = read[VNET:]
        cut = cut_of(packet, vnet.parse(read))
        if cut is None:
            self.malformed += 1
            return
        payload = np.frombuffer(packet, np.uint8)[cut.head :]
        if not cut.udp and cut.head + cut.size > sa.inner_limit:
            cut = cut._replace(size=max(1, sa.inner_limit - cut.head))
        plan = self._plan(cut)
        tos = _tos(packet)
        template = Template(packet, cut)
        total = max(1, -(-len(payload) // cut.size))
        # Datagrams of an application must not be cut anew: too big ones go out one by one, so
        # that the outer IP may fragment them.
        most = plan.count if cut.head + cut.size <= sa.inner_limit else 1
        first = 0
        while first < total:
            count = sa.reserve(min(most, total - first))
            if not count:
                return
            rest = fill(plan, template, payload, first, count)
            length = self._encrypt(sa, plan, count, sealed_size(cut.head + rest))
            sa.bytes += cut.head * count + cut.size * (count - 1) + rest
            yield Train(self._view[:length], plan.stride, count, tos)
            first += count

    def _block(self, sa: OutboundSa, reads: Sequence[memoryview], at: int, count: int) -> Train:
        """Single packets of one length and kind, sealed together."""
        read = reads[at]
        inner = len(read) - VNET
        rows = self._blocks.get(inner)
        if rows is None:
            if len(self._blocks) >= _PLANS:
                self._blocks.clear()
            size = sealed_size(inner)
            rows = self._blocks[inner] = Rows(self._array, 0, size, size, MAX_TRAIN // size)
        tail = _TRAILERS[_NEXT_HEADER[read[VNET] >> 4], inner % 4]
        for body, each in zip(rows.bodies, reads[at : at + count]):
            body[:inner] = each[VNET:]
            body[inner:] = tail
        flags, _, _, _, start, offset = vnet.parse(read)
        if flags & vnet.NEEDS_CSUM:
            part = columns(self._array, HEADER + start, rows.stride, count, inner - start)
            value = -row_sums(part) % MODULUS
            if offset == UDP_CHECKSUM:
                value[value == 0] = MODULUS  # RFC 768: zero means "no checksum"
            part[:, offset : offset + 2].view(">u2")[:, 0] = value
        length = self._encrypt(sa, rows, count, rows.size)
        sa.bytes += inner * count
        return Train(self._view[:length], rows.stride, count, _tos(read[VNET:]))

    def _singles(self, sa: OutboundSa, reads: Sequence[memoryview], at: int, count: int) -> Iterator[Train]:
        """The same one by one."""
        raw = sa.transform.aead
        assert raw is not None  # layout.takes
        view, encrypt, salt, end, sealed = self._view, raw.cipher.encrypt_into, raw.salt, 0, 0
        for read in reads[at : at + count]:
            packet = read[VNET:]
            inner = len(packet)
            flags, _, _, _, start, offset = vnet.unpack(read, 0)
            if inner > MAX_INNER or (flags & vnet.NEEDS_CSUM and not complete(packet, start, offset)):
                self.malformed += 1
                continue
            tail = _TRAILERS[_NEXT_HEADER[packet[0] >> 4], inner % 4]
            sequence = sa.sequence = sa.sequence + 1
            head, body = end, end + HEADER
            _ESP_HEADER.pack_into(view, head, sa.spi, sequence & _LOW, sequence)
            view[body : body + inner] = packet
            end = body + inner + len(tail)
            view[body + inner : end] = tail
            aad = _ESN_AAD.pack(sa.spi, sequence) if sa.esn else view[head : head + 8]
            nonce = salt + sequence.to_bytes(8, "big")
            encrypt(nonce, view[body:end], aad, view[body : end + ICV])
            end += ICV
            sa.bytes += inner
            sealed += 1
        sa.packets += sealed
        if sealed:
            yield Train(view[:end], end // sealed, sealed, _tos(reads[at][VNET:]))

    def _encrypt(self, sa: OutboundSa, rows: Rows, count: int, last: int) -> int:
        """Number and seal the first ``count`` rows, the last of ``last`` bytes; length of the train."""
        raw = sa.transform.aead
        assert raw is not None  # layout.takes
        first = sa.sequence + 1
        sequence = COUNT64[:count] + np.uint64(first)
        words = rows.words
        words[:count, 0] = sa.spi
        words[:count, 1] = sequence
        words[:count, 2] = sequence >> 32
        words[:count, 3] = sequence
        head = rows.head[:count]
        nonces = self._nonces
        nonces.load(raw.salt, head)
        aads = nonces.load_esn(head, head[:, 8:12]) if sa.esn else rows.aads
        encrypt = raw.cipher.encrypt_into
        full = count if last == rows.size else count - 1
        for nonce, body, aad, out in zip(nonces.nonces, rows.bodies[:full], aads, rows.sealed):
            encrypt(nonce, body, aad, out)
        start = (count - 1) * rows.stride
        if full < count:
            body = self._view[start + HEADER : start + last]
            encrypt(nonces.nonces[full], body[:-ICV], aads[full], body)
        sa.sequence += count
        sa.packets += count
        return start + last

    def _plan(self, cut: Cut) -> CutPlan:
        plan = self._plans.get(cut)
        if plan is None:
            if len(self._plans) >= _PLANS:
                self._plans.clear()
            plan = self._plans[cut] = CutPlan(self._array, cut)
        return plan

    def _even(self, read: memoryview) -> bool:
        """Whether a checksum to complete lies where columns can be summed."""
        flags, _, _, _, start, offset = vnet.parse(read)
        if not flags & vnet.NEEDS_CSUM:
            return True
        return not start & 1 and not offset & 1 and start + offset + 2 <= len(read) - VNET


def _alike(reads: Sequence[memoryview], at: int) -> int:
    """How many reads from ``at`` on are single packets of one length, traffic class and header."""
    read = reads[at]
    length = len(read)
    kind = bytes(read[: VNET + 2])
    end = min(len(reads), at + min(MAX_ROWS, MAX_TRAIN // sealed_size(length - VNET)))
    next = at + 1
    while next < end and len(reads[next]) == length and reads[next][: VNET + 2] == kind:
        next += 1
    return next - at


def _tos(packet: memoryview) -> int:
    return packet[1] if packet[0] >> 4 == 4 else (packet[0] & 0x0F) << 4 | packet[1] >> 4
