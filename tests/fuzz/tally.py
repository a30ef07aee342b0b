"""What a run of the fuzzers did, told at its end: how many cases, and how much memory it took."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

Tally = Counter[str]

WARM = 30  #: tests after which everything is imported, compiled and cached
#: bytes: what a run of a million cases may hold at its end more than when it was warm
GROWTH_LIMIT = 64 << 20


def resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
