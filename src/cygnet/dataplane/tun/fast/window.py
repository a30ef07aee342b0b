"""The anti-replay window (RFC 4303 §3.4.3, appendix A2), for one packet and for runs of packets.

A bitmap in one int: bit 0 is ``highest``, bit i the packet ``highest - i``. Sequence numbers are
64 bits wide here; without ESN the upper half is 0.
"""

from __future__ import annotations

_LOW = 0xFFFFFFFF


class ReplayWindow:
    """``size`` in packets; 0 accepts everything once authentic (replay_window=0)."""

    __slots__ = ("_bitmap", "_mask", "_reach", "highest", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.highest = 0  #: the highest authentic sequence number so far
        self._bitmap = 0
        self._mask = (1 << size) - 1
        self._reach = size or 1 << 31  #: how far behind ``highest`` a number may be meant to lie

    def expand(self, low: int) -> int:
        """The 64-bit number that ``low``, its lower half, must mean with ESN (appendix A2.1)."""
        high, top = self.highest >> 32, self.highest & _LOW
        bottom = top - self._reach + 1
        if bottom >= 0:
            if low < bottom:
                high += 1
        elif low >= bottom & _LOW and high:
            high -= 1
        return high << 32 | low

    def check(self, sequence: int) -> bool:
        """Whether a packet with this number may be new. Number 0 never is (RFC 4303 §3.3.3)."""
        behind = self.highest - sequence
        if behind < 0:
            return True
        if not self.size:
            return sequence != 0
        return behind < self.size and sequence != 0 and not self._bitmap >> behind & 1

    def accept(self, sequence: int) -> None:
        """Mark an authentic packet that ``check`` let pass."""
        ahead = sequence - self.highest
        if ahead <= 0:
            self._bitmap |= 1 << -ahead & self._mask
        else:
            self.highest = sequence
            self._bitmap = (self._bitmap << ahead | 1) & self._mask if ahead < self.size else 1 & self._mask

    def accept_run(self, first: int, count: int) -> None:
        """Mark ``count`` authentic packets from number ``first``, all above ``highest``."""
        last = first + count - 1
        ahead = last - self.highest
        old = self._bitmap << ahead if ahead < self.size else 0
        self._bitmap = (old | (1 << count) - 1) & self._mask
        self.highest = last
