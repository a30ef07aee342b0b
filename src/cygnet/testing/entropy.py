"""Chance that repeats: the same seed, the same nonces, SPIs and keys. For tests only."""

from __future__ import annotations

from hashlib import sha256


class SeededEntropy:
    """A counter hashed with a seed."""

    def __init__(self, seed: int | str) -> None:
        self._seed = str(seed).encode()
        self._counter = 0

    def bytes(self, n: int) -> bytes:
        out = b""
        while len(out) < n:
            self._counter += 1
            out += sha256(self._seed + self._counter.to_bytes(8)).digest()
        return out[:n]

    def uniform(self, low: float, high: float) -> float:
        return low + (high - low) * int.from_bytes(self.bytes(6)) / 2**48
