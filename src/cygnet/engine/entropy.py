"""Chance as a parameter: nonces, SPIs, private keys, jitter."""

from __future__ import annotations

from typing import Protocol


class Entropy(Protocol):
    """Where the engine takes chance from. The daemon's is the system's; tests seed theirs."""

    def bytes(self, n: int) -> bytes:
        """``n`` random bytes fit for keys."""

    def uniform(self, low: float, high: float) -> float:
        """A number from low to high, for jitter (not for secrets)."""
