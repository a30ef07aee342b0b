"""A gateway configured by swanctl.conf alone, its peer by ipsec.conf.

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
from tests.peers.charon import Charon, needs_charon
from tests.peers.cygnet import Cygnet
from tests.rooted import needs_lab

pytestmark = [*needs_lab, needs_charon]

PSK = """
connections {{
    east {{
        version = {version}
        local_addrs = 192.0.2.1
        remote_addrs = 192.0.2.2
        proposals = aes128-sha256-x25519, aes128-sha256-modp2048
        local {{ auth = psk }}
        remote {{ auth = psk }}
        children {{
            office {{
                local_ts = 10.31.0.0/16
                remote_ts = 10.77.0.0/16
                esp_proposals = aes128-sha256
                start_action = {start}
            }}
        }}
    }}
}}
secrets {{
    ike-east {{
        id = 192.0.2.2
        secret = "{secret}"
    }}
}}
"""
PEER = """
conn west
    keyexchange={keyexchange}
    left=192.0.2.2
    right=192.0.2.1
    leftsubnet=10.77.0.0/16
    rightsubnet=10.31.0.0/16
    authby=secret
    ike=aes128-sha256-modp2048,aes128-sha256-x25519
    esp=aes128-sha256
    auto=add
"""
KEY = "an-oregon-of-our-own"
OFFICE = r"office\{\d+\}:\s+INSTALLED, TUNNEL"


def configure(host: Host, text: str) -> None:
    path = host.path("/etc/swanctl/swanctl.conf")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(("version", "start"), [(1, "start"), (2, "start"), (2, "trap")])
def test_a_tunnel_with_a_pre_shared_key(version: int, start: str) -> None:
    with Lab() as lab:
        west, east = topology.direct(lab, ("west", "east"))
        configure(west.gateway, PSK.format(version=version, start=start, secret=KEY))
        with (
            Charon(east, PEER.format(keyexchange=f"ikev{version}"), f'192.0.2.1 : PSK "{KEY}"\n') as there,
            Cygnet(west, "", "") as here,
        ):
            if start == "start":
                here.shows(OFFICE)
            assert here.ping(there.end) == 3
            here.shows(OFFICE)


def test_a_mistake_and_an_update_leave_the_tunnel_as_it_is() -> None:
    with Lab() as lab:
        west, east = topology.direct(lab, ("west", "east"))
        good = PSK.format(version=2, start="start", secret=KEY)
        configure(west.gateway, good)
        with (
            Charon(east, PEER.format(keyexchange="ikev2"), f'192.0.2.1 : PSK "{KEY}"\n') as there,
            Cygnet(west, "", "") as here,
        ):
            here.shows(OFFICE)
            configure(west.gateway, good.replace("aes128-sha256-x25519", "aes128-sha265-x25519"))
            status, said = here.ask("update")
            assert status == 2 and "swanctl.conf:7:" in said and "it stays as it was loaded before" in said
            assert KEY not in said
            here.shows(OFFICE)
            assert here.ping(there.end) == 3


def test_a_tunnel_with_certificates_from_the_directories_beside_it() -> None:
    with Lab() as lab:
        west, east = topology.direct(lab, ("west", "east"))
        made = Path(west.gateway.path("/root/pki"))
        ends = [f"{end.gateway.name}={end.address},{end.network}" for end in (west, east)]
        west.gateway.run("cygnet", "pki", "gateway", "--out", "/root/pki", *ends)
        for host, name, places in (
            (west.gateway, "west", ("/etc/swanctl/x509ca", "/etc/swanctl/x509", "/etc/swanctl/private")),
            (east.gateway, "east", ("/etc/ipsec.d/cacerts", "/etc/ipsec.d/certs", "/etc/ipsec.d/private")),
        ):
            kinds = (("cacerts", "ca.pem"), ("certs", f"{name}.pem"), ("private", f"{name}.pem"))
            for place, (kind, file) in zip(places, kinds, strict=True):
                host.path(place).mkdir(parents=True, exist_ok=True)
                shutil.copy(made / kind / file, host.path(place) / file)
        rounds = "local {\n certs = west.pem\n id = west\n }\n remote {\n id = east\n }"
        text = PSK.format(version=2, start="start", secret=KEY)
        configure(
            west.gateway, text.replace("local { auth = psk }", rounds).replace("remote { auth = psk }", "")
        )
        east.gateway.run("ip", "route", "replace", "default", "dev", "eth0", "src", east.address)
        conf, secrets = (made / f"east.{kind}" for kind in ("conf", "secrets"))
        with Charon(east, conf.read_text(), secrets.read_text()) as there, Cygnet(west, "", "") as here:
            here.shows(OFFICE)
            assert here.ping(there.end) == 3
