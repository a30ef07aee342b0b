"""The daemon's event loop, whose clock goes on while the machine is suspended.

Lifetimes are promises of keys and identities, which age in a closed laptop, too (RFC 7296 §2.8):
everything goes by CLOCK_BOOTTIME, which no setting of the time of day moves. The kernel's waiting does
not go by it, so the loop looks at the clock every ``LOOK`` seconds: what fell due in a night's sleep is
done that soon after it.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from selectors import SelectorKey

LOOK = 2.0  #: seconds; as long as a connection that is back may take


def boot_time() -> float:
    """Seconds since the machine was started, those suspended as well."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class _Looking(selectors.DefaultSelector):
    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        return super().select(LOOK if timeout is None else min(timeout, LOOK))


class Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        super().__init__(_Looking())

    def time(self) -> float:
        return boot_time()
