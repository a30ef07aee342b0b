"""UDP_GRO receives, opened: what ``recvmsg`` brought is decrypted where it lies.

A run of equal datagrams of one SA, numbered without a gap and above all that came before, is
checked in columns; whatever is not that goes one by one. Authentic packets go to the joiner.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable

import numpy as np

from cygnet.crypto.esp import InvalidTag
from cygnet.dataplane.drops import Drop
from cygnet.dataplane.esp.encapsulate import disclose
from cygnet.dataplane.esp.sa import InboundSa
from cygnet.dataplane.tun.fast.arena import Arena
from cygnet.dataplane.tun.fast.joiner import Joiner
from cygnet.dataplane.tun.fast.layout import HEADER, ICV, IPV4, IPV6, OVERHEAD
from cygnet.dataplane.tun.fast.rows import COUNT, MAX_ROWS, Nonces, Rows, columns

#: fewer equal datagrams than this are opened one by one, which is then faster than numpy's calls
FEW = 5
#: layouts of rows kept; one for each (place, size, stride) in use
_LAYOUTS = 64
#: a NAT keep-alive is one byte, IKE has its marker; ESP has at least this
_SHORTEST = OVERHEAD + 2
_NO_NEXT = 59
_LONGEST_PADDING = 15  #: that is looked at in columns; our own and most others' is 0 to 3

_WORDS = struct.Struct(">II")
_ESN_AAD = struct.Struct(">IQ")
_PADDINGS = [bytes(range(1, pad + 1)) for pad in range(256)]


class Opener:
    """``lookup(spi)`` gives the SA or None; it is asked once for each run of datagrams.

    ``on_syn(sa, packet)`` may change a TCP SYN in place (MSS clamping). ``udp``: whether the TUN
    takes UDP GSO packets.
    """

    def __init__(
        self,
        lookup: Callable[[int], InboundSa | None],
        on_syn: Callable[[InboundSa, memoryview], None] | None = None,
        udp: bool = False,
        capacity: int = 1 << 20,
    ) -> None:
        self._lookup = lookup
        self._arena = Arena(capacity)
        self._array = self._arena.array
        self._view = self._arena.view
        self._joiner = Joiner(self._array, self._view, on_syn, udp)
        self._layouts: dict[tuple[int, int, int], Rows] = {}
        self._held: list[tuple[int, int, int]] = []  #: (start, size, tos)
        self._nonces = Nonces()
        self._flushed = False
        self.strangers: list[memoryview] = []
        self.authentic: set[InboundSa] = set()
        self.congested = 0  #: dropped: CE outside, not ECN capable inside (RFC 6040 §4.2)

    def ready(self) -> bool:
        """Whether there is room for one more receive before a flush."""
        return self._arena.open()

    def room(self) -> memoryview:
        """Memory to receive into."""
        return self._arena.room()

    def receive(self, length: int, size: int = 0, tos: int = 0) -> None:
        """``length`` bytes came into the room: datagrams of ``size`` bytes (0: one), the last maybe shorter.

        ``tos`` is the outer traffic class.
        """
        start = self._take(length)
        end = start + length
        if not 0 < size < length:
            self._one(start, length, tos)
            return
        if length >= FEW * size and size >= _SHORTEST:
            start = self._runs(start, size, size, length // size, tos)
        while start < end:
            self._one(start, min(size, end - start), tos)
            start += size

    def hold(self, length: int, skip: int = 0, tos: int = 0) -> None:
        """``length`` bytes came into the room: one datagram behind ``skip`` bytes of IP header.

        It waits for ``settle``, which opens neighbours of one size together.
        """
        self._held.append((self._take(length) + skip, length - skip, tos))

    def settle(self) -> None:
        """Open what is held."""
        held, self._held = self._held, []
        at = 0
        while at < len(held):
            start, size, tos = held[at]
            end = at + 1
            stride = held[end][0] - start if end < len(held) else size
            while end < len(held) and held[end] == (start + (end - at) * stride, size, tos):
                end += 1
            rest = start
            if end - at >= FEW and size >= _SHORTEST:
                rest = self._runs(start, size, stride, end - at, tos)
            for each, _, _ in held[at:end]:
                if each >= rest:
                    self._one(each, size, tos)
            at = end

    def _take(self, length: int) -> int:
        """Where it begins that came into the room."""
        if self._flushed:
            self.strangers.clear()
            self.authentic.clear()
            self._flushed = False
        start = self._arena.start
        self._arena.take(length)
        return start

    def flush(self) -> Iterable[memoryview]:
        """Packets for the TUN, each valid until the next one is asked for, all until the next receive."""
        if self._held:
            self.settle()
        self._arena.clear()
        self._flushed = True
        return self._joiner.flush()

    # runs of datagrams ------------------------------------------------------------------

    def _runs(self, start: int, size: int, stride: int, count: int, tos: int) -> int:
        """Open runs of equal datagrams; returns where the first one lies that was not."""
        while count >= FEW:
            many = min(count, MAX_ROWS)
            done = self._run(start, size, stride, many, tos)
            if not done:
                for row in range(many):
                    self._one(start + row * stride, size, tos)
                done = many
            start += done * stride
            count -= done
        return start

    def _run(self, start: int, size: int, stride: int, count: int, tos: int) -> int:
        """Open ``count`` datagrams if they are a run, or as many as are; 0: none of them looked at."""
        spi, _ = _WORDS.unpack_from(self._view, start)
        sa = self._lookup(spi) if spi else None
        if sa is None or _marked(sa, tos):
            return 0  # before a layout is made: strangers may send what they like
        rows = self._layout(start, size, stride)
        words = rows.words[:count]
        low = words[:, 1].astype(np.int64)
        wrong = (low - COUNT[:count] != low[0]) | (words[:, 0] != spi)
        count = int(wrong.argmax()) or count  # the first row is never wrong
        if count < FEW:
            return 0
        first = int(low[0])
        if sa.esn:
            first = sa.replay.expand(first)
            if sa.replay.expand(int(low[count - 1])) != first + count - 1:
                return 0  # begins behind the window, which is taken for far ahead, and ends in it
        if first <= sa.replay.highest:
            return 0
        failed = self._decrypt(sa, rows, count, first)
        if len(failed) < count:
            self.authentic.add(sa)
        if failed:
            sa.failed += len(failed)
            for row in set(range(count)).difference(failed):
                sa.replay.accept(first + row)
                self._inner(sa, start + row * stride, size)
            return count
        sa.replay.accept_run(first, count)
        self._inner_rows(sa, rows, count)
        return count

    def _decrypt(self, sa: InboundSa, rows: Rows, count: int, first: int) -> list[int]:
        """Open rows in place; which of them were forged."""
        raw = sa.transform.aead
        assert raw is not None  # layout.takes
        head = rows.head[:count]
        self._nonces.load(raw.salt, head)
        aads = rows.aads
        if sa.esn:
            high = np.frombuffer((first >> 32).to_bytes(4, "big"), np.uint8)
            aads = self._nonces.load_esn(head, high)
        decrypt = raw.cipher.decrypt_into
        failed: list[int] = []
        rest = zip(range(count), self._nonces.nonces, rows.sealed, aads, rows.bodies)
        while True:
            row = -1
            try:
                for row, nonce, sealed, aad, body in rest:  # noqa: B007 - which one it was
                    decrypt(nonce, sealed, aad, body)
                return failed
            except InvalidTag:
                failed.append(row)

    def _inner_rows(self, sa: InboundSa, rows: Rows, count: int) -> None:
        """Take the trailers off authentic rows that have the same; the others one by one."""
        start, size, stride = rows.start, rows.size, rows.stride
        end = size - ICV
        pad, next_header = self._view[start + end - 2], self._view[start + end - 1]
        inner = end - HEADER - 2 - pad
        if pad <= _LONGEST_PADDING and inner >= 20 and next_header in (IPV4, IPV6):
            tails = columns(self._array, start + end - 2 - pad, stride, count, pad + 2)
            if tails.tobytes() == (_PADDINGS[pad] + bytes((pad, next_header))) * count:
                self._joiner.rows(sa, start + HEADER, stride, inner, count, next_header)
                return
        for at in range(start, start + count * stride, stride):
            self._inner(sa, at, size)

    def _layout(self, start: int, size: int, stride: int) -> Rows:
        rows = self._layouts.get((start, size, stride))
        if rows is None:
            if len(self._layouts) >= _LAYOUTS:
                self._layouts.clear()
            count = min(MAX_ROWS, (len(self._array) - start) // stride)
            rows = self._layouts[start, size, stride] = Rows(self._array, start, stride, size, count)
        return rows

    # one datagram -----------------------------------------------------------------------

    def _one(self, start: int, size: int, tos: int) -> None:
        view = self._view
        spi, low = _WORDS.unpack_from(view, start) if size >= _SHORTEST else (0, 0)
        sa = self._lookup(spi) if spi else None
        if sa is None:
            self.strangers.append(view[start : start + size])
            return
        sequence = sa.replay.expand(low) if sa.esn else low
        if not sa.replay.check(sequence):
            sa.replayed += 1
            return
        raw = sa.transform.aead
        assert raw is not None  # layout.takes
        body = start + HEADER
        end = start + size
        nonce = raw.salt + view[start + 8 : body]
        aad = _ESN_AAD.pack(spi, sequence) if sa.esn else view[start : start + 8]
        try:
            raw.cipher.decrypt_into(nonce, view[body:end], aad, view[body : end - ICV])
        except InvalidTag:
            sa.failed += 1
            return
        sa.replay.accept(sequence)
        self.authentic.add(sa)
        self._inner(sa, start, size, tos)

    def _inner(self, sa: InboundSa, start: int, size: int, tos: int = 0) -> None:
        """Take the trailer off one authentic row."""
        view = self._view
        at, end = start + HEADER, start + size - ICV
        pad, next_header = view[end - 2], view[end - 1]
        tail = end - 2 - pad
        if next_header == _NO_NEXT:
            sa.dummies += 1
        elif (
            tail < at + 20
            or next_header not in (IPV4, IPV6)
            or (pad and view[tail : end - 2] != _PADDINGS[pad])
        ):
            sa.malformed += 1
        elif not (tos & 1 or sa.copy_dscp) or self._remark(sa, at, tail, next_header, tos):
            self._joiner.one(sa, at, tail - at, next_header)

    def _remark(self, sa: InboundSa, at: int, end: int, next_header: int, tos: int) -> bool:
        """Change the inner traffic class as the outer one asks (RFC 6040 §4.2); False: drop."""
        packet = disclose(sa, bytes(self._view[at:end]), next_header, sa.remote.address, tos)
        if isinstance(packet, Drop):
            if packet is Drop.CONGESTION:
                self.congested += 1
            else:
                sa.malformed += 1
            return False
        self._view[at : at + len(packet)] = packet
        return True


def _marked(sa: InboundSa, tos: int) -> bool:
    """Whether the outer traffic class may change inner ones: ECT(1) and CE are the odd ones."""
    return tos & 1 != 0 or sa.copy_dscp
