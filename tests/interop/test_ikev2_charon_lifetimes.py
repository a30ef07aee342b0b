"""IKEv2 with charon over time: rekeying, moves, dead peers, several children; from either end.

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
from tests.peers import conf
from tests.peers.charon import needs_charon
from tests.rooted import needs_lab

pytestmark = [*needs_lab, needs_charon, pytest.mark.interop]

V2 = {"keyexchange": "ikev2"}
SOON = {"margintime": "57s", "rekeyfuzz": "0%"}  #: of 60 seconds: after three
REKEY_CHILD = {"lifetime": "60s", **SOON}
REKEY_IKE = {"ikelifetime": "60s", "reauth": "no", **SOON}
REAUTH = {"ikelifetime": "60s", "reauth": "yes", **SOON}


def by(who: str, keywords: dict[str, str]) -> Scene:
    ours, theirs = (keywords, {}) if who == "cygnet" else ({}, keywords)
    return Scene(who, V2, ours, theirs, behind_nats)


@pytest.mark.parametrize("who", ["cygnet", "charon"])
def test_a_tunnel_whose_child_is_rekeyed_goes_on(who: str) -> None:
    with played(by(who, REKEY_CHILD)) as (cygnet, charon):
        cygnet.up("oregon")
        first = child_ids(cygnet.shows(r"(?s).*INSTALLED.*").group())
        cygnet.until(lambda: max(child_ids(cygnet.status()), default=0) > max(first), 15, "rekeyed CHILD_SA")
        assert cygnet.ping(charon.end) == 3
        assert charon.ping(cygnet.end) == 3


@pytest.mark.parametrize("who", ["cygnet", "charon"])
@pytest.mark.parametrize("how", [REKEY_IKE, REAUTH], ids=["rekeyed", "reauthenticated"])
def test_a_tunnel_whose_ike_sa_is_renewed_goes_on(how: dict[str, str], who: str) -> None:
    with played(by(who, how)) as (cygnet, charon):
        cygnet.up("oregon")
        first = ike_ids(cygnet.shows(r"(?s).*ESTABLISHED.*").group())
        cygnet.until(lambda: max(ike_ids(cygnet.status()), default=0) > max(first), 15, "renewed IKE_SA")
        assert cygnet.ping(charon.end) == 3
        assert charon.ping(cygnet.end) == 3


@pytest.mark.parametrize("who", ["cygnet", "charon"])
def test_who_vanished_is_noticed_by_the_other(who: str) -> None:
    dpd = {"dpdaction": "clear", "dpddelay": "1s"}
    with played(Scene("", {**V2, **dpd})) as (cygnet, charon):
        cygnet.up("oregon")
        tunnel_stands(cygnet, charon)
        gone, stays = (cygnet, charon) if who == "cygnet" else (charon, cygnet)
        gone.vanish()
        stays.shows(r"\(0 up, 0 connecting\)", timeout=30)


def test_two_children_share_one_ike_sa() -> None:
    with played(Scene("", V2)) as (cygnet, charon):
        a, b = cygnet.end, charon.end
        for own, other in ((cygnet, b), (charon, a)):
            second = {**V2, "leftsubnet": f"{own.end.inner}/32", "rightsubnet": f"{other.inner}/32"}
            own.configure(conf.conn(own.end, other, V2) + conf.conn(own.end, other, second, "second"))
            own.ask("update")
        cygnet.up("oregon")
        assert "established successfully" in cygnet.up("second")
        cygnet.shows(r"oregon\{\d+\}:\s+INSTALLED")
        status = cygnet.shows(r"(?s).*second\{\d+\}:\s+INSTALLED.*").group()
        assert "(1 up, 0 connecting)" in status
        assert cygnet.ping(b) == 3


@pytest.mark.parametrize("who", ["cygnet", "charon"])
def test_an_end_that_gets_another_address_keeps_its_tunnel(who: str) -> None:
    """MOBIKE (RFC 4555): the old address goes, another takes over.

    The IKE_SA stays. charon's user-space plane cannot move a CHILD_SA: it rekeys it.
    """
    with played(Scene("", V2, ours={"left": "%any", "leftid": "192.0.2.1"}, theirs={"left": "%any",
                "leftid": "192.0.2.2", "right": "%any"})) as (cygnet, charon):  # fmt: skip
        cygnet.up("oregon")
        tunnel_stands(cygnet, charon)
        moves, stays = (cygnet, charon) if who == "cygnet" else (charon, cygnet)
        before = ike_ids(cygnet.status())
        moves.host.add_address("eth0", "192.0.2.99/24")
        moves.host.remove_address("eth0", f"{moves.end.address}/24")
        stays.shows(r"\.\.\.192\.0\.2\.99\[")
        assert ike_ids(cygnet.status()) == before
        assert cygnet.ping(charon.end) == 3
        assert charon.ping(cygnet.end) == 3


@pytest.mark.parametrize("who", ["cygnet", "charon"])
def test_down_on_one_end_takes_it_down_on_both(who: str) -> None:
    with played(Scene("", V2, network=behind_nats)) as (cygnet, charon):
        cygnet.up("oregon")
        tunnel_stands(cygnet, charon)
        (cygnet if who == "cygnet" else charon).ask("down", "oregon")
        nothing_left(cygnet, charon)


def test_traffic_through_a_trap_of_ours_brings_the_tunnel_up_and_no_ping_is_lost() -> None:
    with played(Scene("", V2, ours={"auto": "route"}, network=behind_nats)) as (cygnet, charon):
        assert "ROUTED" in cygnet.status()
        assert cygnet.ping(charon.end) == 3
        tunnel_stands(cygnet, charon)
