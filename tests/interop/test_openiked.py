"""IKEv2 with OpenIKED, PSK, as responder and as initiator.

::

    10.31.0.0/16 - cygnet ---------------------- iked - 10.77.0.0/16
                 192.0.2.1                    192.0.2.2

Where the kernel has PF_KEY and ESP; without them iked does not even start, and this is skipped.
"""

from __future__ import annotations

import pytest

from cygnet.lab import topology
from cygnet.lab.lab import Lab
from tests.peers import conf
from tests.peers.cygnet import Cygnet
from tests.peers.openiked import OpenIked, needs_openiked
from tests.rooted import needs_lab

pytestmark = [*needs_lab, needs_openiked, pytest.mark.interop]

SUITE = {"keyexchange": "ikev2", "ike": "aes128-sha256-x25519!", "esp": "aes128-sha256!"}


@pytest.mark.parametrize("initiator", ["cygnet", "iked"])
def test_a_tunnel_with_openiked_carries_packets(initiator: str) -> None:
    with Lab() as lab:
        a, b = topology.direct(lab, ("cygnet", "iked"))
        with (
            Cygnet(a, conf.conn(a, b, SUITE), conf.secrets(a, b)) as cygnet,
            OpenIked(b, a, active=initiator == "iked"),
        ):
            if initiator == "cygnet":
                assert "established successfully" in cygnet.up("oregon")
            cygnet.shows(r"oregon\{\d+\}:\s+INSTALLED")
            assert cygnet.ping(b) == 3
