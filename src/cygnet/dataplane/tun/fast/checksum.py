"""Internet checksums (RFC 1071) by arithmetic modulo 65,535.

The ones' complement sum of 16-bit words is the sum modulo 0xFFFF, and 2**16 is 1 in that ring.
So a whole packet read as one big number, a 32-bit sequence number or an unfolded sum of words
may each be added as they are; a byte swap is a multiplication by 256; and the checksum is
``-sum % 0xFFFF``, which gives 0x0000 where Linux does (never 0xFFFF).
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

MODULUS = 0xFFFF

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]


def word_sum(data: bytes | bytearray | memoryview) -> int:
    """A number congruent to the sum of the big-endian words; an odd last byte is a high byte."""
    total = int.from_bytes(data, "big")
    return (total << 8 if len(data) & 1 else total) % MODULUS


def row_sums(rows: Bytes) -> Ints:
    """For each row a number congruent to the sum of its big-endian words.

    Rows are contiguous in themselves, of at most 65,535 bytes, and start at even addresses.
    """
    length = rows.shape[1]
    even = length & ~1
    words: NDArray[Any] = rows[:, :even].view(np.uint16)
    sums: Ints = np.add.reduce(words, 1, np.uint32).astype(np.int64)
    if sys.byteorder == "little":
        sums <<= 8  # swaps the bytes of every word
    if even != length:
        sums += rows[:, even].astype(np.int64) << 8
    return sums


def complete(packet: memoryview, csum_start: int, csum_offset: int) -> bool:
    """Fill in the checksum of a packet with NEEDS_CSUM: its field holds the pseudo-header's sum.

    False, and nothing changed, where the field is outside of the packet.
    """
    field = csum_start + csum_offset
    if field + 2 > len(packet):
        return False
    value = -word_sum(packet[csum_start:]) % MODULUS
    if not value and csum_offset == UDP_CHECKSUM:
        value = MODULUS  # RFC 768: zero means "no checksum"
    packet[field] = value >> 8
    packet[field + 1] = value & 0xFF
    return True


TCP_CHECKSUM = 16  #: offset of the field in a TCP header
UDP_CHECKSUM = 6
