"""Many tunnels of ``auto=start`` with the default settings of both ends: all of them come up.

::

    tunnels ---- near ------ 50 ms each way ------ far ---- 10.77.0.0/16
              192.0.2.1                         192.0.2.2
"""

from __future__ import annotations

import time

import pytest

from bench.storm import Ends, kill, storm
from tests.peers.charon import Charon, needs_charon
from tests.peers.cygnet import Cygnet
from tests.rooted import needs_lab

pytestmark = needs_lab


@pytest.mark.parametrize(
    ("ends", "count"),
    [((Cygnet, Cygnet), 200), pytest.param((Cygnet, Charon), 60, marks=needs_charon)],
    ids=["cygnet", "charon"],
)
def test_all_tunnels_come_up_though_the_peer_bears_few_half_open_ones(ends: Ends, count: int) -> None:
    with storm(ends, count) as one:
        one.start()


def test_a_peer_that_was_killed_has_all_its_tunnels_again() -> None:
    with storm((Cygnet, Cygnet), 100) as one:
        one.start()
        after = one.place()
        kill(one.far)
        one.far.start()
        one.wait(time.monotonic(), after)
