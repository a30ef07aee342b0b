"""Opened packets on their way to the TUN: segments of one flow joined into GSO packets.

What may be joined, so that cutting the result again (cut.py, or the kernel) gives the same
segments, byte for byte:

- TCP, and UDP where the kernel takes it (Linux 6.2), over IPv4 without options or fragments, or
  over IPv6 without extension headers;
- all headers equal but lengths, checksums, IPv4 identification; of TCP also sequence numbers,
  FIN and PSH;
- TCP flags ACK, ECE, PSH, FIN only; a segment with FIN or PSH is the last;
- TCP sequence numbers that follow each other;
- equal sizes, the last may be shorter; none is empty;
- IPv4 identifications that follow each other, or DF set, which makes them meaningless (RFC 6864
  §4.1: the cut may then number them anew);
- right checksums: the joined packet says NEEDS_CSUM, and the kernel trusts the data under it, so
  a wrong one must not be washed white here.

Order: packets of one flow leave in the order they came. Flows may pass each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from cygnet.dataplane.esp.sa import InboundSa
from cygnet.dataplane.ip.header import flow_key
from cygnet.dataplane.tun.fast import vnet
from cygnet.dataplane.tun.fast.checksum import MODULUS, TCP_CHECKSUM, UDP_CHECKSUM, Bytes, row_sums, word_sum
from cygnet.dataplane.tun.fast.layout import IPV4
from cygnet.dataplane.tun.fast.rows import COUNT, columns

VNET = vnet.VNET

_TCP, _UDP = 6, 17
_FIN, _SYN, _PSH, _ACK, _ECE = 0x01, 0x02, 0x08, 0x10, 0x40
_CLOSING = _FIN | _PSH
_JOINABLE = _ACK | _ECE | _CLOSING
_LONGEST = 65535  #: of an IPv4 packet, and of an IPv6 packet here, header and all
_MOST_DATAGRAMS = 64  #: in one UDP GSO packet: UDP_MAX_SEGMENTS of Linux before 6.9
_LOW = 0xFFFFFFFF
_MIXED = 4  #: rows taken one by one, at first, where two neighbours do not belong together

_L4 = {4: 20, 6: 40}
#: lengths in the IP header, and what else may differ there, as (offset, bytes), by version
_LENGTHS = {4: (2, 2), 6: (4, 2)}
_FREE = {4: ((4, 2), (10, 2)), 6: ()}


def _mask(version: int, head: int, protocol: int, lengths: bool) -> bytes:
    """Ones where the headers of two joinable segments must be equal; ``lengths``: there as well."""
    l4 = _L4[version]
    mask = bytearray(b"\xff" * head)
    free = list(_FREE[version])
    if not lengths:
        free.append(_LENGTHS[version])
    if protocol == _UDP:
        free.append((l4 + UDP_CHECKSUM, 2))
        if not lengths:
            free.append((l4 + 4, 2))
    else:
        free += [(l4 + 4, 4), (l4 + TCP_CHECKSUM, 2)]
        mask[l4 + 13] = 0xFF ^ _CLOSING
    for at, width in free:
        mask[at : at + width] = bytes(width)
    return bytes(mask)


#: (IP version, protocol, length of the headers)
_HEADS = [(version, _TCP, l4 + 4 * words) for version, l4 in _L4.items() for words in range(5, 16)]
_HEADS += [(version, _UDP, l4 + 8) for version, l4 in _L4.items()]
_MASKS = {(v, p, head): int.from_bytes(_mask(v, head, p, False), "big") for v, p, head in _HEADS}
_ROW_MASKS = {(v, p, head): np.frombuffer(_mask(v, head, p, True), np.uint32) for v, p, head in _HEADS}


class Run:
    """Segments that will be one packet. The first one's place and header stand for all."""

    __slots__ = (
        "at", "closing", "count", "head", "ident", "key", "l4", "next_sequence", "open", "payload",
        "pieces", "protocol", "size", "trusted",
    )  # fmt: skip

    def __init__(
        self, at: int, head: int, l4: int, protocol: int, key: int, sequence: int, ident: int
    ) -> None:
        self.at = at
        self.head = head
        self.l4 = l4
        self.protocol = protocol
        self.key = key  #: the header's bytes that must be equal, as one number
        self.next_sequence = sequence  #: of UDP always 0
        self.ident = ident  #: IPv4 identification of the next segment; -1: no matter
        self.size = 0  #: payload of a segment
        self.payload = 0  #: of all of them
        self.count = 0
        self.closing = 0  #: FIN and PSH of the last segment
        self.open = True  #: may take one more
        self.trusted = False  #: the first segment's checksums were found right
        #: (offset of the first payload, stride, segments, bytes of each)
        self.pieces: list[tuple[int, int, int, int]] = []

    def accepts(self, key: int, sequence: int, ident: int, count: int, size: int) -> bool:
        return (
            self.open
            and self.key == key
            and self.next_sequence == sequence
            and (size == self.size or (size < self.size and count == 1))
            and self.head + self.payload + count * size <= _LONGEST
            and (ident < 0 or ident == self.ident)
            and (self.protocol == _TCP or self.count + count <= _MOST_DATAGRAMS)
        )

    def add(self, payload_at: int, stride: int, count: int, size: int, closing: int) -> None:
        if not self.count:
            self.size = size
        self.pieces.append((payload_at, stride, count, size))
        self.count += count
        self.payload += count * size
        if self.protocol == _TCP:
            self.next_sequence = self.next_sequence + count * size & _LOW
        if self.ident >= 0:
            self.ident = self.ident + count & 0xFFFF
        self.closing = closing
        self.open = not closing and size == self.size


class Joiner:
    """Takes opened packets by their place in the arena, gives what to write to the TUN.

    At least ten bytes before each packet are free for a virtio-net header.
    """

    def __init__(
        self,
        array: Bytes,
        view: memoryview,
        on_syn: Callable[[InboundSa, memoryview], None] | None = None,
        udp: bool = False,
    ) -> None:
        self._array = array
        self._view = view
        self._on_syn = on_syn
        self._joins = (_TCP, _UDP) if udp else (_TCP,)
        self._out: Bytes = np.zeros(VNET + 6 + _LONGEST + 64, np.uint8)
        self._out_view = memoryview(self._out)  # type: ignore[arg-type]
        self._order: list[memoryview | Run] = []
        self._latest: dict[bytes, Run] = {}
        self._runs = False  #: whether there are any in ``_order``

    def one(self, sa: InboundSa, at: int, room: int, next_header: int) -> None:
        """A packet in ``room`` bytes at ``at``; behind it may be TFC padding (RFC 4303 §2.7)."""
        view = self._view
        first = view[at]
        if next_header == IPV4:
            length = view[at + 2] << 8 | view[at + 3]
            whole = first >> 4 == 4 and room >= length >= (first & 15) * 4 >= 20
        else:
            length = 40 + (view[at + 4] << 8 | view[at + 5]) if room >= 40 else 0
            whole = first >> 4 == 6 and room >= length >= 40
        if not whole:
            sa.malformed += 1
            return
        packet = view[at : at + length]
        flow = flow_key(packet)
        known = sa.flows.get(flow)
        if not (sa.admits(packet) if known is None else known):
            sa.outside += 1
            return
        sa.bytes += length
        sa.packets += 1
        if not flow:
            self._latest.clear()  # of whichever flow it is, nothing may pass it
        elif flow[0] == _TCP:
            if self._segment(sa, at, packet, flow, length):
                return
        elif self._latest:
            self._latest.pop(flow, None)
        view[at - VNET : at] = vnet.PLAIN
        self._order.append(view[at - VNET : at + length])

    def rows(self, sa: InboundSa, at: int, stride: int, inner: int, count: int, next_header: int) -> None:
        """``count`` packets in ``inner`` bytes each, ``stride`` bytes from one to the next."""
        alone = _MIXED
        while count:
            done = self._train(sa, at, stride, inner, count) if count > 1 else 0
            if not done:
                done = min(alone, count)
                alone *= 2
                for row in range(done):
                    self.one(sa, at + row * stride, inner, next_header)
            at += done * stride
            count -= done

    def flush(self) -> Iterable[memoryview]:
        """Each is valid until the next one is asked for, all until the next packet comes."""
        order, self._order = self._order, []
        if not self._runs:
            return order  # type: ignore[return-value]
        self._runs = False
        self._latest.clear()
        return self._finished(order)

    def _finished(self, order: list[memoryview | Run]) -> Iterator[memoryview]:
        for item in order:
            yield self._joined(item) if isinstance(item, Run) else item

    # TCP --------------------------------------------------------------------------------

    def _segment(self, sa: InboundSa, at: int, packet: memoryview, flow: bytes, length: int) -> bool:
        """Join a single segment or begin a run with it; False: it must go by itself."""
        version, l4 = (4, 20) if packet[0] >> 4 == 4 else (6, 40)
        if length < l4 + 20:
            return False
        head = l4 + (packet[l4 + 12] >> 4 << 2)
        flags = packet[l4 + 13]
        size = length - head
        if flags & _SYN and self._on_syn is not None:
            self._on_syn(sa, packet)
        if size <= 0 or head < l4 + 20 or flags & ~_JOINABLE or not flags & _ACK:
            self._latest.pop(flow, None)
            return False
        key = int.from_bytes(packet[:head], "big") & _MASKS[version, _TCP, head]
        sequence = int.from_bytes(packet[l4 + 4 : l4 + 8], "big")
        ident = packet[4] << 8 | packet[5] if version == 4 and not packet[6] & 0x40 else -1
        run = self._latest.get(flow)
        if (
            run is None
            or not run.accepts(key, sequence, ident, 1, size)
            or not self._trust(run)
            or not _right(packet, l4)
        ):
            run = self._latest[flow] = Run(at, head, l4, _TCP, key, sequence, ident)
            self._order.append(run)
            self._runs = True
        run.add(at + head, 0, 1, size, flags & _CLOSING)
        return True

    def _trust(self, run: Run) -> bool:
        """Whether the first segment's checksums are right; looked at when a second one comes."""
        if not run.trusted and run.open:
            run.trusted = _right(self._view[run.at : run.at + run.head + run.size], run.l4)
            run.open = run.trusted
        return run.trusted

    def _train(self, sa: InboundSa, at: int, stride: int, inner: int, count: int) -> int:
        """Join as many packets from the first on as belong together; 0: not even two do."""
        array = self._array
        packet = self._view[at : at + inner]
        flow = flow_key(packet)
        if not flow or flow[0] not in self._joins:
            return 0
        protocol = flow[0]
        version, l4 = (4, 20) if packet[0] >> 4 == 4 else (6, 40)
        head = _headers(packet, protocol, l4, inner)
        size = inner - head
        if not head or size <= 0:
            return 0
        words = np.ndarray((count, head // 4), np.uint32, array, at, (stride, 4))
        # ufuncs' own reduce: half the time of any() and all() on arrays as small as these
        wrong = np.bitwise_or.reduce((words ^ words[0]) & _ROW_MASKS[version, protocol, head], 1) != 0
        sequence, ident = 0, -1
        if protocol == _TCP:
            sequences = np.ndarray((count,), ">u4", array, at + l4 + 4, (stride,)).astype(np.int64)
            sequence = int(sequences[0])
            wrong |= (sequences - sequence - COUNT[:count] * size) & _LOW != 0
            closing = columns(array, at + l4 + 13, stride, count, 1)[:, 0] & _CLOSING
            wrong[1:] |= closing[:-1] != 0
        if version == 4 and not packet[6] & 0x40:
            idents = np.ndarray((count,), ">u2", array, at + 4, (stride,)).astype(np.int64)
            ident = int(idents[0])
            wrong |= (idents - ident - COUNT[:count]) & 0xFFFF != 0
        many = int(wrong.argmax()) or count  # the first row is never wrong
        many = min(many, (_LONGEST - head) // size)
        if many < 2 or not _rows_right(array, packet, at, stride, inner, many, l4, protocol):
            return 0
        if not sa.admits(packet):
            sa.outside += many
            return many
        sa.bytes += inner * many
        sa.packets += many
        key = int.from_bytes(packet[:head], "big") & _MASKS[version, protocol, head]
        run = self._latest.get(flow)
        if run is None or not run.accepts(key, sequence, ident, many, size) or not self._trust(run):
            run = self._latest[flow] = Run(at, head, l4, protocol, key, sequence, ident)
            run.trusted = True
            self._order.append(run)
            self._runs = True
        run.add(at + head, stride, many, size, int(closing[many - 1]) if protocol == _TCP else 0)
        return many

    def _joined(self, run: Run) -> memoryview:
        """The packet that a run makes, with its virtio-net header."""
        if run.count == 1:
            at = run.at
            self._view[at - VNET : at] = vnet.PLAIN
            return self._view[at - VNET : at + run.head + run.payload]
        # The packet begins at a multiple of 16, the header before it.
        out, begin, l4, head, protocol = self._out_view, 16, run.l4, run.head, run.protocol
        packet = out[begin : begin + head]
        packet[:] = self._view[run.at : run.at + head]
        length = head - l4 + run.payload
        if l4 == 20:
            packet[2:4] = (20 + length).to_bytes(2, "big")
            packet[10:12] = b"\0\0"
            packet[10:12] = (-word_sum(packet[:20]) % MODULUS).to_bytes(2, "big")
            kind = vnet.GSO_TCPV4
        else:
            packet[4:6] = length.to_bytes(2, "big")
            kind = vnet.GSO_TCPV6
        if protocol == _TCP:
            packet[l4 + 13] = packet[l4 + 13] & ~_CLOSING | run.closing
            field = TCP_CHECKSUM
        else:
            packet[l4 + 4 : l4 + 6] = length.to_bytes(2, "big")
            kind, field = vnet.GSO_UDP_L4, UDP_CHECKSUM
        # The pseudo-header's sum alone, not complemented: the kernel goes on from there.
        pseudo = _pseudo(packet, l4, protocol, length) % MODULUS
        packet[l4 + field : l4 + field + 2] = pseudo.to_bytes(2, "big")
        vnet.pack_into(out, begin - VNET, vnet.NEEDS_CSUM, kind, head, run.size, l4, field)
        end = begin + head
        for at, stride, count, size in run.pieces:
            self._out[end : end + count * size].reshape(count, size)[:] = columns(
                self._array, at, stride or size, count, size
            )
            end += count * size
        return out[begin - VNET : end]


def _headers(packet: memoryview, protocol: int, l4: int, room: int) -> int:
    """Length of the headers of a packet that may be joined and fills ``room`` bytes; 0: it may not."""
    if room < l4 + 20 - 12 * (protocol == _UDP):
        return 0
    length = packet[2] << 8 | packet[3] if l4 == 20 else 40 + (packet[4] << 8 | packet[5])
    if length != room:
        return 0
    if protocol == _UDP:
        return l4 + 8 if packet[l4 + 4] << 8 | packet[l4 + 5] == length - l4 else 0
    flags = packet[l4 + 13]
    head = l4 + (packet[l4 + 12] >> 4 << 2)
    return head if head >= l4 + 20 and flags & _ACK and not flags & ~_JOINABLE else 0


def _pseudo(packet: memoryview, l4: int, protocol: int, length: int) -> int:
    """What addresses, protocol and length add to a TCP or UDP checksum."""
    return word_sum(packet[12:20] if l4 == 20 else packet[8:40]) + protocol + length


def _right(packet: memoryview, l4: int) -> bool:
    """Whether IP header and TCP checksum of a packet are right."""
    if l4 == 20 and word_sum(packet[:20]):
        return False
    return not (_pseudo(packet, l4, _TCP, len(packet) - l4) + word_sum(packet[l4:])) % MODULUS


def _rows_right(
    array: Bytes, packet: memoryview, at: int, stride: int, inner: int, count: int, l4: int, protocol: int
) -> bool:
    """The same for packets of ``inner`` bytes whose addresses and lengths are equal."""
    if l4 == 20 and np.bitwise_or.reduce(row_sums(columns(array, at, stride, count, 20)) % MODULUS):
        return False
    if protocol == _UDP and not columns(array, at + l4 + UDP_CHECKSUM, stride, count, 2).any(axis=1).all():
        return False  # RFC 768: zero means "no checksum"
    sums = row_sums(columns(array, at + l4, stride, count, inner - l4))
    sums += _pseudo(packet, l4, protocol, inner - l4)
    return not np.bitwise_or.reduce(sums % MODULUS)
