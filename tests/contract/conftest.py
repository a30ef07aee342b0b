"""The planes that the contract is held against; the TUN plane needs root and namespaces."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.ends import Ends, MemoryEnds, Namespaces, TunEnds


def _why_no_tun() -> str:
    if os.geteuid() != 0:
        return "needs root"
    return "" if Path("/dev/net/tun").exists() else "needs /dev/net/tun"


@pytest.fixture(scope="session")
def spaces() -> Iterator[Namespaces]:
    made = Namespaces()
    yield made
    made.remove()


@pytest.fixture(params=["memory", pytest.param("tun", marks=pytest.mark.root)])
def ends(request: pytest.FixtureRequest) -> Iterator[Ends]:
    made: Ends
    if request.param == "memory":
        made = MemoryEnds()
    else:
        if reason := _why_no_tun():
            pytest.skip(reason)
        made = TunEnds(request.getfixturevalue("spaces"))
    yield made
    made.close()
