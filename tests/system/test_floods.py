"""A gateway that is flooded with first messages in other people's names.

::

    flood and a real peer                       the gateway
    oregon 192.0.2.1 ------------------------- 192.0.2.2 peer
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bench.accounting import daemons
from cygnet.lab import topology
from cygnet.lab.host import Host
from cygnet.lab.lab import Lab
from cygnet.model.config import IkeVersion
from tests.peers import conf
from tests.peers.cygnet import Cygnet
from tests.peers.flood import NAMES, flood
from tests.peers.gateway import LOG
from tests.rooted import needs_lab

pytestmark = needs_lab

SUITE = "aes128-sha256-curve25519"
SECONDS = 4.0  #: a second more makes no difference: half-open ones and remembered ones are at their limit
MEMORY = 60 << 10  #: kilobytes that a flood may cost
LINES = 150  #: a second: a hundred of strangers', and the real ones


def resident(host: Host) -> int:
    """Kilobytes of the daemon and its helpers."""
    status = [(folder / "status").read_text() for folder in daemons(host)]
    return sum(
        int(line.split()[1]) for text in status for line in text.splitlines() if line.startswith("VmRSS")
    )


@pytest.mark.parametrize(("version", "rate"), [("ikev1", 3_000), ("ikev2", 12_000)])
def test_a_flood_costs_little_a_real_tunnel_comes_up_and_stop_is_obeyed(version: str, rate: int) -> None:
    with Lab() as lab:
        a, b = topology.direct(lab)
        b.gateway.add_route(NAMES, a.address)
        suite = {"keyexchange": version, "ike": f"{SUITE}!", "esp": "aes128gcm16!"}
        anybody = {"right": "%any", "rightid": "%any"}
        secrets = f': PSK "{conf.SECRET}"\n'
        with (
            Cygnet(
                a, conf.conn(a, b, suite), secrets, {"retransmit_timeout": "4.0", "retransmit_tries": "5"}
            ) as near,
            Cygnet(b, conf.conn(b, a, {**suite, **anybody}), secrets) as far,
        ):
            before = resident(b.gateway)
            began = time.monotonic()
            with flood(a.gateway, b, IkeVersion(version), SUITE, rate):
                time.sleep(SECONDS)  # the flood is the story
                assert near.ask("up", conf.NAME, timeout=90)[0] == 0, far.log()[-2000:]
                assert near.ping(b) == 3
                took = time.monotonic() - began
                assert resident(b.gateway) - before < MEMORY
                log = Path(b.gateway.path(LOG)).read_text()
                assert log.count("\n") < LINES * (took + 2), log[-3000:]
                status, said = far.ask("stop")
                assert status == 0 and "killing" not in said
