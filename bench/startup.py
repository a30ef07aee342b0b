"""How long starting and asking takes: wall time, the middle of several."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from bench.report import Row
from cygnet.lab import topology
from cygnet.lab.lab import Lab
from tests.peers import conf
from tests.peers.charon import Charon
from tests.peers.cygnet import Cygnet
from tests.peers.gateway import Gateway

TIMES = 7
SUITE = {
    "keyexchange": "ikev1",
    "ike": "aes128-sha256-modp2048!",
    "esp": "aes128-sha256!",
    "forceencaps": "yes",
}


def _middle(act: Callable[[], object]) -> float:
    """Milliseconds."""
    taken = []
    for _ in range(TIMES):
        started = time.monotonic()
        act()
        taken.append((time.monotonic() - started) * 1000)
    return statistics.median(taken)


def _measure(daemon: type[Gateway]) -> tuple[float, float]:
    """(milliseconds of ``status``, seconds from the start of the daemon to an auto=start tunnel)."""
    with Lab() as lab:
        a, b = topology.direct(lab)
        secrets = conf.secrets(a, b)
        with daemon(b, conf.conn(b, a, SUITE), secrets):
            ours = daemon(a, conf.conn(a, b, {**SUITE, "auto": "start"}), secrets)
            began = time.monotonic()
            with ours:
                while "INSTALLED" not in ours.status():
                    if time.monotonic() - began > 30:
                        ours.fail("no tunnel within 30 s")
                    time.sleep(0.01)
                up = time.monotonic() - began
                return _middle(ours.status), up


def rows(seconds: float = 5.0) -> list[Row]:
    ours, theirs = _measure(Cygnet), _measure(Charon)
    return [
        Row("status", "ms", ours[0], theirs[0], 150, of_ratio=False),
        Row("daemon start to auto=start tunnel", "s", ours[1], theirs[1], 1, of_ratio=False),
    ]
