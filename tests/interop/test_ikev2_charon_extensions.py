"""IKEv2 with charon: cookies and childless IKE_SAs.

::

    10.31.0.1 - cygnet ---------------------- charon - 10.77.0.1
"""

from __future__ import annotations

import shutil

import pytest

from tests.interop import half_open
from tests.interop.scene import Scene, played, tunnel_stands
from tests.peers.charon import needs_charon
from tests.rooted import needs_lab

pytestmark = [*needs_lab, needs_charon, pytest.mark.interop]

V2 = {"keyexchange": "ikev2"}
COOKIES = Scene("", V2, settings={"cookie_threshold": "1"})  #: asked for while one IKE_SA is half open


def test_charon_asks_for_a_cookie_and_gets_it() -> None:
    with played(COOKIES) as (cygnet, charon):
        half_open.leave(cygnet.host, cygnet.end, charon.end)
        charon.says(r"generating IKE_SA_INIT response 0 \[ SA")
        said = cygnet.up("oregon")
        assert "parsed IKE_SA_INIT response 0 [ N(COOKIE) ]" in said
        assert "established successfully" in said
        tunnel_stands(cygnet, charon)


def test_charon_gives_the_cookie_that_cygnet_asks_for() -> None:
    with played(COOKIES) as (cygnet, charon):
        half_open.leave(charon.host, charon.end, cygnet.end)
        cygnet.says(r"generating IKE_SA_INIT response 0 \[ SA")
        said = charon.up("oregon")
        assert "parsed IKE_SA_INIT response 0 [ N(COOKIE) ]" in said
        assert "established successfully" in said
        tunnel_stands(cygnet, charon)


_SWANCTL = """\
connections {{
    oregon {{
        version = 2
        childless = force
        encap = yes
        local_addrs = {own.address}
        remote_addrs = {other.public}
        local {{
            auth = psk
            id = {own.address}
        }}
        remote {{
            auth = psk
            id = {other.address}
        }}
        children {{
            oregon {{
                local_ts = {own.network}
                remote_ts = {other.network}
            }}
        }}
    }}
}}
secrets {{
    ike-1 {{
        secret = "{secret}"
    }}
}}
"""


@pytest.mark.skipif(not shutil.which("swanctl", path="/usr/sbin:/usr/bin"), reason="swanctl is not installed")
def test_a_childless_ike_sa_gets_its_child_later() -> None:
    """RFC 6023. Only swanctl.conf has a switch for it, so charon is configured by that."""
    from tests.peers import conf

    with played(Scene("", V2)) as (cygnet, charon):
        charon.configure("")
        charon.ask("update")
        text = _SWANCTL.format(own=charon.end, other=cygnet.end, secret=conf.SECRET)
        charon.host.write("/etc/swanctl/swanctl.conf", text, mode=0o600)
        charon.host.run("swanctl", "--load-all")
        charon.host.run("swanctl", "--initiate", "--ike", "oregon")
        cygnet.shows(r"oregon\[\d+\]: ESTABLISHED")
        assert "INSTALLED" not in cygnet.status()
        charon.host.run("swanctl", "--initiate", "--child", "oregon")
        tunnel_stands(cygnet, charon)
