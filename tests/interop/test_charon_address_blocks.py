"""RFC 3779 with charon, whose plugin addrblock does the same: each narrows the other; both IKE versions.

cygnet's lan --- cygnet 192.0.2.1 -------- 192.0.2.2 charon --- charon's lan
one certificate speaks for the first 16 addresses of its end's network, the other for all of its network
"""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from cygnet.crypto.issuing.extensions import address_blocks
from cygnet.lab import topology
from cygnet.lab.lab import Lab
from tests.peers import certified, conf
from tests.peers.certified import root, valid
from tests.peers.charon import Charon, needs_charon
from tests.peers.cygnet import Cygnet

PLUGIN = Path("/usr/lib/ipsec/plugins/libstrongswan-addrblock.so")
needs_plugin = pytest.mark.skipif(not PLUGIN.exists(), reason="charon has no addrblock plugin")
pytestmark = [pytest.mark.root, pytest.mark.interop, needs_charon, needs_plugin]

CYGNET, CHARON = "C=CH, O=cygnet, CN=cygnet", "C=CH, O=cygnet, CN=charon"


def blocks(*networks: str) -> list[tuple[str, bytes, bool]]:
    return [("1.3.6.1.5.5.7.1.7", address_blocks(networks), True)]


@pytest.mark.parametrize("version", ["ikev1", "ikev2"])
@pytest.mark.parametrize("initiator", ["cygnet", "charon"])
@pytest.mark.parametrize("narrow", ["cygnet", "charon"])
def test_the_certificate_of_one_end_narrows_it(version: str, initiator: str, narrow: str) -> None:
    both = {"keyexchange": version, "authby": "pubkey", "leftcert": "own.pem", "ike": "aes128-sha256-x25519"}
    with Lab() as lab:
        a, b = topology.direct(lab, ("cygnet", "charon"))
        ours, theirs = str(a.network), str(b.network)
        part = {"cygnet": ours, "charon": theirs}[narrow].split("/")[0] + "/28"
        ca = root(raw=blocks("0.0.0.0/0"))
        of_a = valid(CYGNET, issuer=ca, raw=blocks(part if narrow == "cygnet" else ours))
        of_b = valid(CHARON, issuer=ca, raw=blocks(part if narrow == "charon" else theirs))
        certified.place(a.gateway, of_a, [ca])
        certified.place(b.gateway, of_b, [ca])
        left = conf.conn(a, b, {**both, "rightid": f'"{CHARON}"'})
        right = conf.conn(b, a, {**both, "rightid": f'"{CYGNET}"'})
        with (
            Charon(b, right, certified.secrets(of_b)) as charon,
            Cygnet(a, left, certified.secrets(of_a)) as cygnet,
        ):
            (cygnet if initiator == "cygnet" else charon).ask("up", "oregon")
            judge, own, other = (charon, theirs, ours) if narrow == "cygnet" else (cygnet, ours, theirs)
            assert ip_network(part).subnet_of(ip_network(other))
            judge.shows(f"{own} === {part}".replace(".", r"\."))
