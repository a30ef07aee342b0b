"""Counts the cases and watches the memory of a run of the fuzzers; in one process (`make fuzz`) it tells."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tests.fuzz.tally import GROWTH_LIMIT, WARM, Tally, resident

TALLY = pytest.StashKey[Tally]()
MEMORY = pytest.StashKey[list[int]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TALLY], config.stash[MEMORY] = Tally(), []


@pytest.fixture
def tally(pytestconfig: pytest.Config) -> Tally:
    return pytestconfig.stash[TALLY]


@pytest.fixture(autouse=True)
def memory(pytestconfig: pytest.Config) -> Iterator[None]:
    yield
    pytestconfig.stash[MEMORY].append(resident())


def growth(config: pytest.Config) -> int:
    """Bytes held now and not when the run was warm."""
    memory = config.stash[MEMORY]
    if len(memory) <= WARM:
        return 0
    gc.collect()
    return max(0, resident() - memory[WARM])


def pytest_sessionfinish(session: pytest.Session) -> None:
    if growth(session.config) > GROWTH_LIMIT and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not config.stash[TALLY]:
        return
    terminalreporter.section("fuzzing")
    for what, count in sorted(config.stash[TALLY].items()):
        terminalreporter.line(f"{count:>10,} {what}")
    peak = max(config.stash[MEMORY], default=0)
    terminalreporter.line(
        f"memory: {peak >> 20} MB at most; at the end {growth(config) >> 10} KB more than when warm"
        f" (limit {GROWTH_LIMIT >> 20} MB)"
    )
