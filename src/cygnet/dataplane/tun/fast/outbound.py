"""TUN reads of one SA, sealed: trains of ESP datagrams for sendmsg with UDP_SEGMENT.

A train is filled read by read until it is full, or the next packet does not fit in: it has
another size, SA or traffic class, or the train ends with a shorter datagram. A GSO read is cut
into segments (cut.py); what is left of it when a train is full begins the next one, together
with the segments of the read after it. Single packets that follow each other with the same
length travel together as well. Only a full train is sealed, with all its rows at once.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

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

#: fewer rows than this are sealed one by one, which is then faster than numpy's calls
FEW = 6
#: layouts of rows kept; one for each (header length, segment size) in use
_PLANS = 64

_ESP_HEADER = struct.Struct(">IIQ")
_ESN_AAD = struct.Struct(">IQ")
_LOW = 0xFFFFFFFF
_NEXT_HEADER = {4: IPV4, 6: IPV6}
#: by (IP version, inner length modulo 4)
_TRAILERS = {(v, length): trailer(length, nh) for v, nh in _NEXT_HEADER.items() for length in range(4)}

#: largest inner packet that one UDP datagram can carry
MAX_INNER = MAX_TRAIN // ALIGNMENT * ALIGNMENT - OVERHEAD


#: called with (sa, datagrams, size, packets, tos, tag) for a train: ``packets`` datagrams of ``size``
#: bytes one after the other, the last one maybe shorter; ``tos`` is the inner header's traffic class
Send = Callable[[OutboundSa, memoryview, int, int, int, object], None]


class Block(Rows):
    """Rows for single packets of one length: their places, and those of the trailers behind them."""

    __slots__ = ("inner", "packets", "tails")

    def __init__(self, array: Bytes, inner: int) -> None:
        size = sealed_size(inner)
        super().__init__(array, 0, size, size, min(MAX_ROWS, MAX_TRAIN // size))
        self.inner = inner
        self.packets = [body[:inner] for body in self.bodies]
        self.tails = [body[inner:] for body in self.bodies]


Lanes = CutPlan | Block


class Sealer:
    """Fills and seals trains. All of them use the same memory, one after the other."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._array: Bytes = np.zeros(MAX_TRAIN + 4096, np.uint8)
        self._view = memoryview(self._array)  # type: ignore[arg-type]
        self._plans: dict[Cut, CutPlan] = {}
        self._blocks: dict[int, Block] = {}
        self._nonces = Nonces()
        self.malformed = 0  #: reads that were no packet
        # the train that is being filled; 0 packets: none
        self._count = 0
        self._sa: OutboundSa | None = None
        self._rows: Lanes | None = None
        self._kind: object = None  #: what its packets have in common beside their rows
        self._tag: object = None
        self._last = 0  #: bytes of its last inner packet
        self._tos = 0
        self._open_checksums = False
        self._tail = b""

    def push(self, sa: OutboundSa, read: memoryview, tag: object = None) -> None:
        """Take a read (virtio-net header and packet), and send the trains that are full by it.

        The read's headers are changed in place; afterwards it is not needed any more.
        ``tag`` keeps apart what must not share a train.
        """
        if len(read) < VNET + 20:
            self.malformed += 1
        elif read[1]:
            self._push_segments(sa, read, tag)
        else:
            self._push_single(sa, read, tag)

    def finish(self) -> None:
        """Send the train that has been begun, if any."""
        sa, rows, packets = self._sa, self._rows, self._count
        if not packets or sa is None or rows is None:
            return
        self._count = 0
        inner = last = rows.inner
        if sa.sequence + packets > sa.last:
            packets = sa.reserve(packets)
            if not packets:
                return
        else:
            last = self._last
        if self._open_checksums:
            self._complete_checksums(packets)
        if packets == 1:
            length = self._seal_one(sa, rows, last)
        else:
            length = (self._seal_rows if packets >= FEW else self._seal_few)(sa, rows, packets, last)
        sa.sequence += packets
        sa.packets += packets
        sa.bytes += inner * (packets - 1) + last
        self._send(sa, self._view[:length], rows.stride, packets, self._tos, self._tag)

    # filling ----------------------------------------------------------------------------

    def _push_segments(self, sa: OutboundSa, read: memoryview, tag: object) -> None:
        packet = read[VNET:]
        cut = cut_of(packet, vnet.parse(read))
        if cut is None:
            self.malformed += 1
            return
        payload = np.frombuffer(packet, np.uint8)[cut.head :]
        if not cut.udp and cut.head + cut.size > sa.inner_limit:
            cut = cut._replace(size=max(1, sa.inner_limit - cut.head))
        plan = self._plan(cut)
        kind = _tos(packet)
        # Datagrams of an application must not be cut anew: too big ones go out one by one, so
        # that the outer IP may fragment them.
        most = plan.count if plan.inner <= sa.inner_limit else 1
        template = Template(packet, cut)
        total = max(1, -(-len(payload) // cut.size))
        first = 0
        while first < total:
            if not self._goes_on(sa, plan, kind, tag):
                self.finish()
                self._begin(sa, plan, kind, tag, kind)
            count = min(most - self._count, total - first)
            rest = fill(plan, template, payload, first, self._count, count)
            self._last = cut.head + rest
            self._count += count
            first += count
            if self._count == most:
                self.finish()

    def _push_single(self, sa: OutboundSa, read: memoryview, tag: object) -> None:
        inner = len(read) - VNET
        block = self._blocks.get(inner)
        kind = bytes(read[: VNET + 2])  # what is to be summed up, IP version and traffic class
        if not (
            self._count
            and self._rows is block
            and self._sa is sa
            and self._kind == kind
            and self._tag == tag
            and block is not None
        ):
            self.finish()
            if inner > MAX_INNER or not _acceptable(kind, inner):
                self.malformed += 1
                return
            if block is None:
                block = self._new_block(inner)
            self._begin(sa, block, kind, tag, _tos(kind[VNET:]))
            self._open_checksums = bool(kind[0] & vnet.NEEDS_CSUM)
            self._tail = _TRAILERS[kind[VNET] >> 4, inner % ALIGNMENT]
            self._last = inner
        count = self._count
        block.packets[count][:] = read[VNET:]
        block.tails[count][:] = self._tail
        self._count = count = count + 1
        if count == block.count:
            self.finish()

    def _goes_on(self, sa: OutboundSa, rows: Lanes, kind: object, tag: object) -> bool:
        """Whether a datagram of these rows may follow in the train that is being filled."""
        return (
            self._count > 0
            and self._rows is rows
            and self._last == rows.inner
            and self._sa is sa
            and self._kind == kind
            and self._tag == tag
        )

    def _begin(self, sa: OutboundSa, rows: Lanes, kind: object, tag: object, tos: int) -> None:
        self._sa, self._rows, self._kind, self._tag, self._tos = sa, rows, kind, tag, tos
        self._open_checksums = False

    def _plan(self, cut: Cut) -> CutPlan:
        plan = self._plans.get(cut)
        if plan is None:
            if len(self._plans) >= _PLANS:
                self._plans.clear()
            plan = self._plans[cut] = CutPlan(self._array, cut)
        return plan

    def _new_block(self, inner: int) -> Block:
        if len(self._blocks) >= _PLANS:
            self._blocks.clear()
        block = self._blocks[inner] = Block(self._array, inner)
        return block

    # sealing ----------------------------------------------------------------------------

    def _complete_checksums(self, count: int) -> None:
        """Of single packets, whose virtio-net headers are all equal."""
        block = self._rows
        assert isinstance(self._kind, bytes) and isinstance(block, Block)
        _, _, _, _, start, offset = vnet.unpack(self._kind, 0)
        inner = block.inner
        if count < FEW or start & 1 or offset & 1:
            for packet in block.packets[:count]:
                complete(packet, start, offset)
            return
        part = columns(self._array, HEADER + start, block.stride, count, inner - start)
        value = -row_sums(part) % MODULUS
        if offset == UDP_CHECKSUM:
            value[value == 0] = MODULUS  # RFC 768: zero means "no checksum"
        part[:, offset : offset + 2].view(">u2")[:, 0] = value

    def _seal_rows(self, sa: OutboundSa, rows: Lanes, count: int, last: int) -> int:
        """Number and seal the first ``count`` rows, ``last`` bytes in the last; length of the train."""
        raw = sa.transform.aead
        assert raw is not None  # layout.takes
        sequence = COUNT64[:count] + np.uint64(sa.sequence + 1)
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
        full = count if last == rows.inner else count - 1
        for nonce, body, aad, out in zip(nonces.nonces, rows.bodies[:full], aads, rows.sealed):
            encrypt(nonce, body, aad, out)
        start = (count - 1) * rows.stride
        size = sealed_size(last)
        if full < count:
            out = self._view[start + HEADER : start + size]
            encrypt(nonces.nonces[full], out[:-ICV], aads[full], out)
        return start + size

    def _seal_few(self, sa: OutboundSa, rows: Lanes, count: int, last: int) -> int:
        """The same row by row."""
        raw = sa.transform.aead
        assert raw is not None  # layout.takes
        view, encrypt, salt, spi, esn = self._view, raw.cipher.encrypt_into, raw.salt, sa.spi, sa.esn
        start, size, sequence = 0, rows.size, sa.sequence
        for row in range(count):
            sequence += 1
            start = row * rows.stride
            _ESP_HEADER.pack_into(view, start, spi, sequence & _LOW, sequence)
            aad = _ESN_AAD.pack(spi, sequence) if esn else rows.aads[row]
            nonce = salt + sequence.to_bytes(8, "big")
            if row == count - 1 and last != rows.inner:
                size = sealed_size(last)
                out = view[start + HEADER : start + size]
                encrypt(nonce, out[:-ICV], aad, out)
            else:
                encrypt(nonce, rows.bodies[row], aad, rows.sealed[row])
        return start + size

    def _seal_one(self, sa: OutboundSa, rows: Lanes, last: int) -> int:
        """The same for the first row alone, the most frequent case where there is little traffic."""
        if last != rows.inner:
            return self._seal_few(sa, rows, 1, last)
        raw = sa.transform.aead
        assert raw is not None  # layout.takes
        sequence = sa.sequence + 1
        _ESP_HEADER.pack_into(self._view, 0, sa.spi, sequence & _LOW, sequence)
        aad = _ESN_AAD.pack(sa.spi, sequence) if sa.esn else rows.aads[0]
        raw.cipher.encrypt_into(raw.salt + sequence.to_bytes(8, "big"), rows.bodies[0], aad, rows.sealed[0])
        return rows.size


def _acceptable(kind: bytes, inner: int) -> bool:
    """Whether virtio-net header and first bytes are those of a packet of ``inner`` bytes."""
    flags, _, _, _, start, offset = vnet.unpack(kind, 0)
    return kind[VNET] >> 4 in _NEXT_HEADER and (not flags & vnet.NEEDS_CSUM or start + offset + 2 <= inner)


def _tos(packet: bytes | memoryview) -> int:
    return packet[1] if packet[0] >> 4 == 4 else (packet[0] & 0x0F) << 4 | packet[1] >> 4
