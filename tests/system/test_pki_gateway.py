"""From nothing to a tunnel with certificates: `cygnet pki gateway`, its files where it says, two daemons.

10.31.0.1 - west -------------------- east - 10.77.0.1
        192.0.2.1                 192.0.2.2
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cygnet.lab import topology
from cygnet.lab.host import Host
from cygnet.lab.lab import Lab
from tests.interop.scene import INSTALLED
from tests.peers.charon import Charon, needs_charon
from tests.peers.cygnet import Cygnet
from tests.peers.gateway import Gateway
from tests.rooted import needs_lab

pytestmark = needs_lab


def placed(made: Path, name: str, host: Host) -> tuple[str, str]:
    """Its files copied as the head of NAME.conf says; the texts of ipsec.conf and ipsec.secrets."""
    directory = host.path("/etc/ipsec.d")
    for kind, file in (("cacerts", "ca.pem"), ("certs", f"{name}.pem"), ("private", f"{name}.pem")):
        (directory / kind).mkdir(parents=True, exist_ok=True)
        shutil.copy(made / kind / file, directory / kind / file)
    return (made / f"{name}.conf").read_text(), (made / f"{name}.secrets").read_text()


@pytest.mark.parametrize("kind", [Cygnet, pytest.param(Charon, marks=needs_charon)], ids=lambda k: k.name)
def test_two_gateways_have_a_tunnel_from_one_command(kind: type[Gateway]) -> None:
    with Lab() as lab:
        west, east = topology.direct(lab, ("west", "east"))
        ends = [f"{end.gateway.name}={end.address},{end.network}" for end in (west, east)]
        made = Path(west.gateway.path("/root/pki"))
        west.gateway.run("cygnet", "pki", "gateway", "--out", "/root/pki", *ends)
        for end in (west, east):  # left=%defaultroute: the address that leads to everywhere
            end.gateway.run("ip", "route", "replace", "default", "dev", "eth0", "src", end.address)
        with (
            kind(east, *placed(made, "east", east.gateway)) as there,
            Cygnet(west, *placed(made, "west", west.gateway)) as here,
        ):
            here.shows(INSTALLED.replace("oregon", "west-east").replace("ESP in UDP", "ESP(?: in UDP)?"))
            assert here.ping(there.end) == 3 and there.ping(here.end) == 3
