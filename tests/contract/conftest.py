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
def tun_ends() -> Iterator[TunEnds]:
    if reason := _why_no_tun():
        pytest.skip(reason)
    spaces = Namespaces()
    made = TunEnds(spaces)
    yield made
    made.close()
    spaces.remove()


@pytest.fixture(params=["memory", pytest.param("tun", marks=pytest.mark.root)])
def ends(request: pytest.FixtureRequest) -> Iterator[Ends]:
    if request.param == "tun":
        shared: TunEnds = request.getfixturevalue("tun_ends")
        yield shared
        shared.reset()
    else:
        made = MemoryEnds()
        yield made
        made.close()
