"""A length of time in words."""

from __future__ import annotations

_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60))


def span(seconds: float) -> str:
    """``5 seconds``, ``3 minutes``, ``1 second``: the largest unit of which there are more than two."""
    whole = abs(int(seconds))
    for unit, size in _UNITS:
        if whole > 2 * size:
            return f"{whole // size} {unit}s"
    return f"{whole} second{'' if whole == 1 else 's'}"
