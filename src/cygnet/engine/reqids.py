"""Reqids: what ties the policies of a tunnel to its SAs, over all rekeyings."""

from __future__ import annotations

from itertools import count

from cygnet.values.selector import Selectors


class Reqids:
    """One reqid per pair of selector sets for as long as anything uses it, as charon gives them."""

    def __init__(self) -> None:
        self._next = count(1)
        self._in_use: dict[tuple[Selectors, Selectors], list[int]] = {}  # -> [reqid, uses]
        self._key_of: dict[int, tuple[Selectors, Selectors]] = {}

    def take(self, local: Selectors, remote: Selectors, wanted: int = 0) -> int:
        """``wanted`` (a configured or an inherited reqid) is used as it is."""
        if wanted:
            if wanted in self._key_of:
                self._in_use[self._key_of[wanted]][1] += 1
            elif (local, remote) not in self._in_use:  # others for the same are to have it, too
                self._in_use[local, remote] = [wanted, 1]
                self._key_of[wanted] = (local, remote)
            return wanted
        entry = self._in_use.get((local, remote))
        if entry is None:
            entry = self._in_use[local, remote] = [next(self._next), 0]
            self._key_of[entry[0]] = (local, remote)
        entry[1] += 1
        return entry[0]

    def release(self, reqid: int) -> None:
        key = self._key_of.get(reqid)
        if key is None:
            return
        self._in_use[key][1] -= 1
        if self._in_use[key][1] <= 0:
            del self._in_use[key], self._key_of[reqid]
