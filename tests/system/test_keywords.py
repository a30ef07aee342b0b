"""Keywords of ipsec.conf that change what goes over the wire, from the file to the ping.

::

    10.31.0.1 - west -------------------- east - 10.77.0.1
            192.0.2.1                 192.0.2.2
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

V2 = {"keyexchange": "ikev2"}


@pytest.mark.parametrize("version", ["ikev1", "ikev2"])
def test_transport_mode_protects_what_the_hosts_say_to_each_other(version: str) -> None:
    transport = {"keyexchange": version, "type": "transport", "leftsubnet": "", "rightsubnet": ""}
    with Lab() as lab:
        a, b = topology.direct(lab, ("west", "east"))
        with (
            Cygnet(b, conf.conn(b, a, transport), conf.secrets(a, b)),
            Cygnet(a, conf.conn(a, b, transport), conf.secrets(a, b)) as west,
        ):
            assert "established successfully" in west.up("oregon")
            a.gateway.run(*pinging(a.address, b.address, 2, 0.1))
            west.shows(r"INSTALLED, TRANSPORT")
            assert "168 bytes_i (2 pkts" in west.statusall()


def test_sha256_96_on_both_ends_carries_packets_and_on_one_end_none() -> None:
    short = {**V2, "esp": "aes128-sha256!", "sha256_96": "yes"}
    with Lab() as lab:
        a, b = topology.direct(lab, ("west", "east"))
        with (
            Cygnet(b, conf.conn(b, a, short), conf.secrets(a, b)) as east,
            Cygnet(a, conf.conn(a, b, short), conf.secrets(a, b)) as west,
        ):
            west.up("oregon")
            assert west.ping(b) == 3
            west.ask("down", "oregon")
            east.configure(conf.conn(b, a, {**short, "sha256_96": "no"}))
            east.ask("update")
            west.up("oregon")
            assert west.ping(b, count=1) == 0


def test_a_killed_gateway_takes_its_childless_clients_session_up_again() -> None:
    own = {**V2, "childless": "force", "resumption": "yes"}
    with Lab() as lab:
        a, b = topology.direct(lab, ("west", "east"))
        with (
            Cygnet(b, conf.conn(b, a, own), conf.secrets(a, b)) as east,
            Cygnet(a, conf.conn(a, b, own), conf.secrets(a, b)) as west,
        ):
            assert "generating CREATE_CHILD_SA request 2" in west.up("oregon")
            b.gateway.run("kill", "-9", b.gateway.path("/run/cygnet/cygnet.pid").read_text().strip())
            east.until(lambda: east.ask("status")[0] == 7, 10, "end of the killed daemon")
            east.start()
            west.ask("down", "oregon")
            said = west.up("oregon")
            assert "resuming IKE_SA oregon[2] with 192.0.2.2" in said
            assert "established successfully" in said
            assert west.ping(b) == 3


def test_redirect_to_sends_a_client_that_has_authenticated_to_the_other_gateway() -> None:
    with Lab() as lab:
        a, b = topology.direct(lab, ("west", "east"))
        b.gateway.add_address("eth0", "192.0.2.22/24")
        ours = conf.conn(a, b, {**V2, "rightid": "@east"})
        front = conf.conn(b, a, {**V2, "leftid": "@east", "redirect_to": "192.0.2.22"}, "front")
        back = conf.conn(b, a, {**V2, "leftid": "@east", "left": "192.0.2.22"}, "back")
        secret = f': PSK "{conf.SECRET}"\n'
        with Cygnet(b, front + back, secret), Cygnet(a, ours, secret) as west:
            assert "redirected to 192.0.2.22" in west.up("oregon")
            west.shows(r"oregon\[2\]: ESTABLISHED .*192\.0\.2\.22\[east\]")
            assert west.ping(b) == 3
