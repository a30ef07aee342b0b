"""Time goes on while the machine is suspended, and the loop sees it soon after."""

from __future__ import annotations

import asyncio
import time

import pytest

from cygnet.daemon import clock


def test_what_fell_due_in_a_days_sleep_is_done_at_the_next_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's waiting stood still for that day: only the clock says that it is over."""
    slept = 0.0
    monkeypatch.setattr(clock, "boot_time", lambda: time.monotonic() + slept)
    monkeypatch.setattr(clock, "LOOK", 0.05)

    async def story() -> float:
        nonlocal slept
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        loop.call_later(80_000, done.set_result, None)
        began = time.monotonic()
        await asyncio.sleep(0)
        slept = 86_400.0
        await done
        return time.monotonic() - began

    with asyncio.Runner(loop_factory=clock.Loop) as runner:
        assert runner.run(story()) < 10


def test_the_clock_counts_from_the_start_of_the_machine_and_not_by_the_time_of_day() -> None:
    assert abs(clock.boot_time() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 1
    assert clock.boot_time() >= time.monotonic() - 1


def test_a_time_of_day_that_is_set_is_told_once_and_small_steps_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offset, told = 0.0, list[float]()
    monkeypatch.setattr(clock, "unix_offset", lambda: offset)
    monkeypatch.setattr(clock, "LOOK", 0.005)

    async def story() -> None:
        nonlocal offset
        watch = clock.ClockWatch(asyncio.get_running_loop(), told.append)
        for step in (0.5, 1.8e9, 1.8e9 + 0.5):
            offset = step
            await asyncio.sleep(0.05)
        watch.stop()
        offset = 5.0
        await asyncio.sleep(0.05)

    asyncio.run(story())
    assert told == [1.8e9]
