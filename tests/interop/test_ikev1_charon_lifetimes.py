"""IKEv1 with charon over time: rekeying, reauthentication, dead peers, deletes; from either end.

::

    10.31.1.185 cygnet - 1:1 NAT ==== 1:1 NAT - charon 10.77.1.210
"""

from __future__ import annotations

import pytest

from tests.interop.scene import (
    Scene,
    behind_nats,
    child_ids,
    ike_ids,
    nothing_left,
    played,
    tunnel_stands,
)
from tests.peers.charon import Charon, needs_charon
from tests.peers.cygnet import Cygnet
from tests.rooted import needs_lab

pytestmark = [*needs_lab, needs_charon, pytest.mark.interop]

REKEY = {"lifetime": "60s", "margintime": "57s", "rekeyfuzz": "0%"}  #: after three seconds
REAUTH = {"ikelifetime": "60s", "margintime": "57s", "rekeyfuzz": "0%"}
SCENES = {
    "cygnet rekeys": Scene("", ours=REKEY, network=behind_nats),
    "charon rekeys": Scene("", theirs=REKEY, network=behind_nats),
    "cygnet reauthenticates": Scene("", ours=REAUTH, network=behind_nats),
    "charon reauthenticates": Scene("", theirs=REAUTH, network=behind_nats),
}


#: of one end, since whoever is asked hears that the other lives and has no reason to ask
DPD = {"dpdaction": "clear", "dpddelay": "1s", "dpdtimeout": "4s"}


def renewed(cygnet: Cygnet, charon: Charon, first: list[int], ids: object) -> bool:
    assert callable(ids)
    return bool((now := ids(cygnet.status())) and max(now) > max(first))


@pytest.mark.parametrize("who", ["cygnet", "charon"])
def test_a_rekeyed_tunnel_goes_on(who: str) -> None:
    with played(SCENES[f"{who} rekeys"]) as (cygnet, charon):
        cygnet.up("oregon")
        first = child_ids(cygnet.shows(r"(?s).*INSTALLED.*").group())
        cygnet.until(lambda: renewed(cygnet, charon, first, child_ids), 15, "rekeyed CHILD_SA")
        assert cygnet.ping(charon.end) == 3
        assert charon.ping(cygnet.end) == 3


@pytest.mark.parametrize("who", ["cygnet", "charon"])
def test_a_reauthenticated_tunnel_goes_on(who: str) -> None:
    with played(SCENES[f"{who} reauthenticates"]) as (cygnet, charon):
        cygnet.up("oregon")
        first = ike_ids(cygnet.shows(r"(?s).*ESTABLISHED.*").group())
        cygnet.until(lambda: renewed(cygnet, charon, first, ike_ids), 15, "reauthenticated IKE_SA")
        assert cygnet.ping(charon.end) == 3
        assert charon.ping(cygnet.end) == 3


def test_cygnet_notices_that_charon_vanished() -> None:
    dpd = {"dpdaction": "clear", "dpddelay": "1s", "dpdtimeout": "4s"}
    with played(Scene("", ours=dpd)) as (cygnet, charon):
        cygnet.up("oregon")
        tunnel_stands(cygnet, charon)
        charon.vanish()
        nothing_left(cygnet)


def test_charon_notices_that_cygnet_vanished() -> None:
    dpd = {"dpdaction": "clear", "dpddelay": "1s", "dpdtimeout": "4s"}
    with played(Scene("", theirs=dpd)) as (cygnet, charon):
        cygnet.up("oregon")
        tunnel_stands(cygnet, charon)
        cygnet.vanish()
        nothing_left(charon)


def test_dpd_of_ours_is_answered_and_keeps_a_quiet_tunnel() -> None:
    with played(Scene("", ours=DPD)) as (cygnet, charon):
        cygnet.up("oregon")
        cygnet.says(r"parsed INFORMATIONAL_V1 request \d+ \[ HASH N\(DPD_ACK\) \]", times=3)
        tunnel_stands(cygnet, charon)


def test_dpd_of_charons_is_answered_and_keeps_a_quiet_tunnel() -> None:
    with played(Scene("", theirs=DPD)) as (cygnet, charon):
        cygnet.up("oregon")
        charon.says(r"parsed INFORMATIONAL_V1 request \d+ \[ HASH N\(DPD_ACK\) \]", times=3)
        tunnel_stands(cygnet, charon)


def test_down_on_cygnet_takes_it_down_on_charon() -> None:
    with played(Scene("", network=behind_nats)) as (cygnet, charon):
        cygnet.up("oregon")
        tunnel_stands(cygnet, charon)
        assert cygnet.ask("down", "oregon")[0] == 0
        nothing_left(cygnet, charon)


def test_down_on_charon_takes_it_down_on_cygnet() -> None:
    with played(Scene("", network=behind_nats)) as (cygnet, charon):
        cygnet.up("oregon")
        tunnel_stands(cygnet, charon)
        charon.ask("down", "oregon")
        nothing_left(cygnet, charon)


def test_traffic_through_a_trap_of_ours_brings_the_tunnel_up() -> None:
    """Held packets leave after Quick Mode's third message, with which charon has its SAs."""
    with played(Scene("", ours={"auto": "route"}, network=behind_nats)) as (cygnet, charon):
        assert "ROUTED" in cygnet.status()
        assert cygnet.ping(charon.end) == 3
        tunnel_stands(cygnet, charon)
