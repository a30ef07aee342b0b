"""auto=route: traffic brings the tunnel up, and what brought it up is not lost.

::

    oregon-host ---- oregon ---- 1:1 NAT ==== 40 ms ==== 1:1 NAT ---- peer ---- peer-host
    10.31.2.10                                                              10.77.2.20
"""

from __future__ import annotations

import pytest

from cygnet.lab import topology
from cygnet.lab.lab import Lab
from tests.peers import conf
from tests.peers.cygnet import Cygnet
from tests.peers.gateway import pinging
from tests.rooted import needs_lab

pytestmark = needs_lab


@pytest.mark.parametrize("version", ["ikev1", "ikev2"])
def test_every_ping_from_behind_the_gateway_is_answered_the_first_included(version: str) -> None:
    ike = {"keyexchange": version}
    with Lab() as lab:
        a, b = topology.oregon(lab, round_trip=0.04)
        assert a.host is not None
        with (
            Cygnet(b, conf.conn(b, a, ike), conf.secrets(a, b)),
            Cygnet(a, conf.conn(a, b, {**ike, "auto": "route"}), conf.secrets(a, b)) as oregon,
        ):
            assert "(0 up, 0 connecting)" in oregon.status()
            a.host.run(*pinging(a.host_address, b.host_address, 20, 0.01))
            oregon.shows(r"ROUTED, TUNNEL[^$]*oregon\{\d+\}:\s+INSTALLED")


def test_a_trap_without_an_answering_peer_acquires_again_later() -> None:
    with Lab() as lab:
        a, b = topology.direct(lab)
        route = {"auto": "route", "keyingtries": "1"}
        with Cygnet(a, conf.conn(a, b, route), conf.secrets(a, b)) as oregon:
            assert oregon.ping(b, count=1) == 0
            oregon.says(r"giving up after 3 retransmits", timeout=30)
            with Cygnet(b, conf.conn(b, a, {}), conf.secrets(a, b)):
                oregon.until(lambda: oregon.ping(b, count=1) == 1, 20, "answered ping")
