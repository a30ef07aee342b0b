"""Times as strongSwan prints them."""

from __future__ import annotations

import datetime

MINUTE, HOUR, DAY = 60, 3600, 86400


def span(seconds: float) -> str:
    """``5 seconds``, ``3 minutes``, ``1 second``: the unit changes above two of the next one."""
    whole = abs(int(seconds))
    for size, unit in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if whole > 2 * size:
            return f"{whole // size} {unit}s"
    return f"{whole} second{'' if whole == 1 else 's'}"


def since(wall: float) -> str:
    """Local wall-clock time: ``Nov 23 12:00:01 2026``."""
    return datetime.datetime.fromtimestamp(wall).strftime("%b %d %H:%M:%S %Y")
