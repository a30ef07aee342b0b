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
from collections.abc import Callable
from selectors import SelectorKey

STEP = 1.0  #: seconds; less is drift, which adds up to a step in the end
LOOK = 2.0  #: seconds; as long as a connection that is back may take


def boot_time() -> float:
    """Seconds since the machine was started, those suspended as well."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def unix_offset() -> float:
    """The Unix time at the loop's time 0, as the time of day is set now."""
    return time.time() - boot_time()


class ClockWatch:
    """Tells when the time of day was set by more than ``STEP``: certificates are judged by it, and a machine
    without a clock of its own learns it some seconds after the start."""

    def __init__(self, loop: asyncio.AbstractEventLoop, tell: Callable[[float], None]) -> None:
        self._loop, self._tell = loop, tell
        self._known = unix_offset()
        self._timer = loop.call_later(LOOK, self._look)

    def stop(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        found = unix_offset()
        if abs(found - self._known) > STEP:
            self._known = found
            self._tell(found)
        self._timer = self._loop.call_later(LOOK, self._look)


class _Looking(selectors.DefaultSelector):
    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        return super().select(LOOK if timeout is None else min(timeout, LOOK))


class Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        super().__init__(_Looking())

    def time(self) -> float:
        return boot_time()
