"""The anti-replay window (RFC 4303 §3.4.3), with extended sequence numbers (Appendix A).

``highest`` is the highest sequence number of an authentic packet so far, T in the RFC; the
window is the ``size`` numbers up to and including it. Bit n of the bitmap stands for number
``highest - n``. Python's integers hold a window of 4,096 as well as one of 32.

A packet is looked at twice: ``check`` before its ICV is verified, so that replays cost no
cryptography, and ``accept`` afterwards, so that only authentic packets move the window. With
ESN the packet carries the lower half of its number; ``expand`` finds the whole before either.
"""

from __future__ import annotations

MAX_WINDOW = 4096
_LOW = 0xFFFF_FFFF


class ReplayWindow:
    """``size`` in packets; 0 takes every authentic packet (replay_window=0)."""

    __slots__ = ("_bitmap", "_mask", "_reach", "highest", "size")

    def __init__(self, size: int = 32) -> None:
        self.size = min(size, MAX_WINDOW)
        self.highest = 0
        self._bitmap = 0
        self._mask = (1 << self.size) - 1
        self._reach = self.size or 1 << 31  #: how far behind ``highest`` a number may be meant to lie

    def expand(self, low: int) -> int:
        """The 64-bit number whose lower half is ``low`` (Appendix A2.2).

        The upper half is chosen so that the number lies in the window or, where it cannot, ahead.
        """
        high, top = self.highest >> 32, self.highest & _LOW
        bottom = top - self._reach + 1
        if bottom >= 0:  # case A: the window lies within one span of 2**32
            high += low < bottom
        elif low >= bottom & _LOW and high:  # case B: it spans two, and low is of the earlier
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
        """Mark ``count`` authentic packets from number ``first`` on, all above ``highest``."""
        last = first + count - 1
        ahead = last - self.highest
        old = self._bitmap << ahead if ahead < self.size else 0
        self._bitmap = (old | (1 << count) - 1) & self._mask
        self.highest = last
