"""Keeps senders of junk from filling the log.

Anybody can send datagrams, and each unusable one makes a line, each first message several. Lines that
belong to no IKE_SA, or to one that anybody may have begun, are therefore limited per second; how many
were left out is told when the second is over.
"""

from __future__ import annotations

MOST = 100  #: lines a second; a gateway's whole day of port scans stays below
GROUPS = frozenset({"NET", "ENC", "MGR", "IKE"})  #: those in which strangers make lines


class Flood:
    def __init__(self) -> None:
        self._second = 0
        self._lines = 0

    def admits(self, now: float) -> bool:
        """Count a line; whether it is to be written. ``now`` in seconds of any clock."""
        if int(now) != self._second:
            self._second, self._lines = int(now), 0
        self._lines += 1
        return self._lines <= MOST

    def left_out(self, now: float) -> int:
        """Lines that were left out of the last second, told once, when it is over."""
        if int(now) == self._second or self._lines <= MOST:
            return 0
        count, self._lines = self._lines - MOST, 0
        return count
