"""IKEv2 with charon: redirects (RFC 5685), each end once as the gateway that sends its client elsewhere.

::

    10.31.0.1 - cygnet ---------------------- charon - 10.77.0.1
            192.0.2.1                      192.0.2.2

The gateway gets a second address, 192.0.2.99, and plays the other gateway there itself.
"""

from __future__ import annotations

import shutil

import pytest

from tests.interop.scene import Scene, ike_ids, played, tunnel_stands
from tests.peers.charon import needs_charon
from tests.rooted import needs_lab

pytestmark = [*needs_lab, needs_charon, pytest.mark.interop]

ELSEWHERE = "192.0.2.99"
#: the gateway answers at each of its addresses, under one identity
MANY = Scene("", {"keyexchange": "ikev2", "left": "%any", "mobike": "no"},
             ours={"leftid": "192.0.2.1"}, theirs={"leftid": "192.0.2.2"})  # fmt: skip


@pytest.mark.skipif(not shutil.which("swanctl", path="/usr/sbin:/usr/bin"), reason="swanctl is not installed")
def test_charon_sends_cygnet_elsewhere() -> None:
    with played(MANY) as (cygnet, charon):
        cygnet.up("oregon")
        tunnel_stands(cygnet, charon)
        before = ike_ids(cygnet.status())
        charon.host.add_address("eth0", f"{ELSEWHERE}/24")
        charon.host.run("swanctl", "--redirect", "--ike", "oregon", "--gateway", ELSEWHERE)
        cygnet.says(rf"redirected to {ELSEWHERE}")
        cygnet.shows(rf"oregon\[\d+\]: ESTABLISHED.*\.\.\.{ELSEWHERE}\[192\.0\.2\.2\]")
        cygnet.shows(r"\(1 up, 0 connecting\)")
        assert ike_ids(cygnet.status()) != before
        assert "N(REDIR_FROM)" in charon.log()
        tunnel_stands(cygnet, charon)


def test_cygnet_sends_charon_elsewhere() -> None:
    with played(MANY) as (cygnet, charon):
        charon.up("oregon")
        tunnel_stands(cygnet, charon)
        cygnet.host.add_address("eth0", f"{ELSEWHERE}/24")
        with cygnet.vici() as control:
            control.redirect({"ike": "oregon", "gateway": ELSEWHERE})
        charon.shows(rf"oregon\[\d+\]: ESTABLISHED.*\.\.\.{ELSEWHERE}\[192\.0\.2\.1\]")
        cygnet.shows(r"\(1 up, 0 connecting\)")
        tunnel_stands(cygnet, charon)
