"""One block of memory for a burst of reads, packed one after the other.

A read may bring 64 KB or 60 bytes, nobody knows before; so each gets 64 KB of room, and the
next one starts right behind what came. A burst of small packets then stays in the cache.
"""

from __future__ import annotations

import numpy as np

from cygnet.dataplane.tun.fast.checksum import Bytes

ROOM = 65536 + 64  #: bytes offered to one read: the largest packet and its virtio-net header
_LINE = 64
_PAGE = 4096


class Arena:
    """``header`` bytes before each packet are shifted so that the packet itself is aligned."""

    __slots__ = ("_limit", "_shift", "_start", "array", "view")

    def __init__(self, capacity: int = 1 << 20, header: int = 0) -> None:
        self.array: Bytes = np.zeros(capacity + ROOM + _PAGE, np.uint8)
        self.view = memoryview(self.array)  # type: ignore[arg-type]
        # numpy aligns to 16 at least; rows start on a cache line of their own
        self._shift = -header % _LINE
        self._limit = capacity
        self._start = self._shift

    def open(self) -> bool:
        """Whether there is room for one more read."""
        return self._start < self._limit

    @property
    def start(self) -> int:
        """Offset of the room in ``array``."""
        return self._start

    def room(self) -> memoryview:
        return self.view[self._start : self._start + ROOM]

    def take(self, length: int) -> memoryview:
        """What was read into the room, which moves on behind it."""
        start = self._start
        end = start + length
        # Long reads begin at page starts: the same few offsets again and again, for which the
        # layouts of rows are then found ready (layout.py).
        step = _PAGE if length > _PAGE else _LINE
        self._start = (end + step - 1) // step * step + self._shift
        return self.view[start:end]

    def clear(self) -> None:
        """Forget the burst; its views will be overwritten by the next."""
        self._start = self._shift
