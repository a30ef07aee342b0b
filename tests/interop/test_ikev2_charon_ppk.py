"""Post-quantum preshared keys (RFC 8784) with charon, which takes them by swanctl.conf only."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from cygnet.lab import topology
from cygnet.lab.lab import Lab
from tests.interop.scene import tunnel_stands
from tests.peers import conf
from tests.peers.charon import Charon, needs_charon
from tests.peers.cygnet import Cygnet
from tests.rooted import needs_lab

pytestmark = [pytest.mark.interop, *needs_lab, needs_charon]

KEY = "0x00112233445566778899aabbccddeeff"
OTHER = "0xff112233445566778899aabbccddeeff"
SWANCTL = f"""
connections {{
    oregon {{
        version = 2
        local_addrs = 192.0.2.2
        remote_addrs = 192.0.2.1
        proposals = aes128-sha256-x25519
        encap = yes
        ppk_id = hub-key
        ppk_required = %s
        local {{
            auth = psk
        }}
        remote {{
            auth = psk
        }}
        children {{
            oregon {{
                local_ts = 10.77.0.0/16
                remote_ts = 10.31.0.0/16
                esp_proposals = aes128-sha256
            }}
        }}
    }}
}}
secrets {{
    ike-oregon {{
        secret = "{conf.SECRET}"
    }}
    ppk-hub {{
        id = hub-key
        secret = {KEY}
    }}
}}
"""


@contextlib.contextmanager
def played(ours: dict[str, str], key: str = KEY, required: str = "yes") -> Iterator[tuple[Cygnet, Charon]]:
    """``key``: of hub-key, in our ipsec.secrets. ``required``: charon's ppk_required."""
    with Lab() as lab:
        a, b = topology.direct(lab, ("cygnet", "charon"))
        secrets = conf.secrets(a, b) + f"@hub-key : PPK {key}\n"
        with (
            Charon(b, "", "") as charon,
            Cygnet(a, conf.conn(a, b, {"keyexchange": "ikev2", **ours}), secrets) as cygnet,
        ):
            b.gateway.write("/etc/swanctl/swanctl.conf", SWANCTL % required, mode=0o600)
            b.gateway.run("swanctl", "--load-all")
            yield cygnet, charon


REQUIRED = {"ppk_id": "@hub-key", "ppk_required": "yes"}


def test_both_ends_mix_the_key_in_when_cygnet_asks() -> None:
    with played(REQUIRED) as (cygnet, charon):
        assert "using PPK for PPK_ID 'hub-key'" in cygnet.up("oregon")
        charon.says("using PPK for PPK_ID 'hub-key'")
        tunnel_stands(cygnet, charon)


def test_both_ends_mix_the_key_in_when_charon_asks() -> None:
    with played(REQUIRED) as (cygnet, charon):
        charon.host.run("swanctl", "--initiate", "--child", "oregon")
        cygnet.says("using PPK for PPK_ID 'hub-key'")
        tunnel_stands(cygnet, charon)


def test_another_key_of_the_same_name_ends_the_negotiation() -> None:
    with played(REQUIRED, OTHER) as (cygnet, _):
        said = cygnet.up("oregon")
        assert "received AUTHENTICATION_FAILED notify error" in said
        assert "likely reason: 192.0.2.2 does not accept our authentication" in said


def test_a_key_that_one_end_does_not_use_is_done_without_where_nobody_requires_it() -> None:
    with played({}, required="no") as (cygnet, charon):
        charon.host.run("swanctl", "--initiate", "--child", "oregon")
        cygnet.shows("INSTALLED")
        tunnel_stands(cygnet, charon)


def test_an_end_without_a_key_is_refused_where_one_is_required() -> None:
    with played({}) as (cygnet, _):
        said = cygnet.up("oregon")
        assert "received AUTHENTICATION_FAILED notify error" in said
