"""Times as strongSwan prints them."""

from __future__ import annotations

import datetime


def since(wall: float) -> str:
    """Local wall-clock time: ``Nov 23 12:00:01 2026``."""
    return datetime.datetime.fromtimestamp(wall).strftime("%b %d %H:%M:%S %Y")
