"""ESP datagrams of one size as rows of an array: views that are made once and used for years.

A row is::

    | SPI 4 | sequence 4 | IV 8 | inner packet | 1 2 3 .. pad | pad length | next header | ICV 16 |

and starts ``stride`` bytes after the row before it. numpy writes and reads columns of it; the
AEAD works in place on one memoryview for each row. Making a memoryview costs a third of
sealing a small packet, which is why they are kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cygnet.dataplane.tun.fast.checksum import Bytes, Ints
from cygnet.dataplane.tun.fast.layout import HEADER, ICV

MAX_ROWS = 64  #: UDP_MAX_SEGMENTS of Linux before 6.9, and most that GRO joins (UDP_GRO_CNT_MAX)
MAX_TRAIN = 65507  #: payload of the largest UDP datagram over IPv4, so of one UDP_SEGMENT send

Words = NDArray[Any]  #: big-endian or native 16- and 32-bit columns

COUNT: Ints = np.arange(MAX_ROWS, dtype=np.int64)  #: 0, 1, 2, ...
COUNT64 = np.arange(MAX_ROWS, dtype=np.uint64)  #: the same for 64-bit sequence numbers


def columns(array: Bytes, start: int, stride: int, count: int, width: int) -> Bytes:
    """``width`` bytes from ``start`` on, and the same in the ``count - 1`` rows that follow."""
    return np.ndarray((count, width), np.uint8, array, start, (stride, 1))


class Rows:
    """Up to ``count`` datagrams of ``size`` bytes in ``array``, the first one at ``start``."""

    __slots__ = ("aads", "array", "bodies", "count", "head", "sealed", "size", "start", "stride", "words")

    def __init__(self, array: Bytes, start: int, stride: int, size: int, count: int) -> None:
        view = memoryview(array)  # type: ignore[arg-type]
        self.array = array
        self.start = start
        self.stride = stride
        self.size = size
        self.count = count
        self.head = columns(array, start, stride, count, HEADER)
        #: SPI, sequence number, IV as four 32-bit numbers a row
        self.words: Words = self.head.view(">u4")
        starts = range(start, start + count * stride, stride)
        #: per row: what is authenticated, what is encrypted without and with its ICV
        self.aads = [view[at : at + 8] for at in starts]
        self.bodies = [view[at + HEADER : at + size - ICV] for at in starts]
        self.sealed = [view[at + HEADER : at + size] for at in starts]


class Nonces:
    """Nonces (salt and IV) of a run of rows, and the 12-byte AADs of ESN (RFC 4303 §2.2.1)."""

    __slots__ = ("_aad", "_nonce", "_salt", "aads", "nonces")

    def __init__(self) -> None:
        self._nonce: Bytes = np.zeros((MAX_ROWS, 12), np.uint8)
        self._aad: Bytes = np.zeros((MAX_ROWS, 12), np.uint8)
        self._salt = b""
        nonce, aad = memoryview(self._nonce), memoryview(self._aad)  # type: ignore[arg-type]
        flat_nonce, flat_aad = nonce.cast("B"), aad.cast("B")
        self.nonces = [flat_nonce[at : at + 12] for at in range(0, MAX_ROWS * 12, 12)]
        self.aads = [flat_aad[at : at + 12] for at in range(0, MAX_ROWS * 12, 12)]

    def load(self, salt: bytes, head: Bytes) -> None:
        """Take the IVs from rows of SPI, sequence number and IV."""
        if salt != self._salt:
            self._nonce[:, :4] = np.frombuffer(salt, np.uint8)
            self._salt = salt
        self._nonce[: len(head), 4:] = head[:, 8:]

    def load_esn(self, head: Bytes, high: Bytes) -> list[memoryview]:
        """SPI, upper and lower half of the sequence number; ``high`` is four bytes a row or for all."""
        count = len(head)
        self._aad[:count, 0:4] = head[:, 0:4]
        self._aad[:count, 4:8] = high
        self._aad[:count, 8:12] = head[:, 4:8]
        return self.aads
