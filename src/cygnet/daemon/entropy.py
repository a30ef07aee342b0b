"""The system's randomness, for the engine."""

from __future__ import annotations

import os
import random


class SystemEntropy:
    """Fit for keys: os.urandom."""

    def __init__(self) -> None:
        self._random = random.SystemRandom()

    def bytes(self, n: int) -> bytes:
        return os.urandom(n)

    def uniform(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)
