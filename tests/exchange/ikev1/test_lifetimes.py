"""Rekeying of CHILD_SAs and reauthentication of IKE_SAs: overlapping, so that no packet is lost."""

from __future__ import annotations

import pytest

from cygnet.boundary.effects import InstallSa, RemoveSa
from cygnet.boundary.events import Rekey
from cygnet.boundary.notices import ChildRekeyed
from cygnet.boundary.specs import Direction
from cygnet.model.config import IkeVersion, Lifetime
from cygnet.testing.builders import oregon
from cygnet.testing.pair import Host, Pair
from cygnet.wire.header import ExchangeType
from tests.exchange.ikev1.stories import (
    Dropping,
    assert_clean,
    assert_matching,
    child_spis,
    current_spis,
    deaf,
    healed,
    ike_spis,
    mirrored,
    recorder,
    up,
)

#: a CHILD_SA of two minutes
SHORT = {"time": Lifetime(rekey=90, life=120, jitter=10)}
REAUTH = {"reauth_time": 300, "rekey_time": 0, "over_time": 60, "rand_time": 20}


def outbound_without_inbound(pair: Pair) -> list[int]:
    """SPIs that one end sends with and the other end does not take: lost packets."""
    taken = {s.spi for h in pair.hosts for s in recorder(h).sas.values() if s.direction is Direction.IN}
    return [
        s.spi
        for h in pair.hosts
        for s in recorder(h).sas.values()
        if s.direction is Direction.OUT and s.spi not in taken
    ]


def run_without_a_gap(pair: Pair, seconds: int) -> None:
    """Every tenth of a second both ends can send, and whatever they send is taken."""
    for _ in range(seconds * 10):
        pair.run(0.1)
        assert pair.left.established() or pair.left.ike_sas
        for host in pair.hosts:
            assert any(s.direction is Direction.OUT for s in recorder(host).sas.values())
        assert outbound_without_inbound(pair) == []


def test_a_child_sa_is_rekeyed_before_it_ends_and_the_old_one_stays_until_then() -> None:
    pair = up(child=SHORT)
    (before,) = pair.left.installed()
    run_without_a_gap(pair, 95)
    (after,) = pair.left.installed()
    assert after.spi_in != before.spi_in
    assert after.reqid == before.reqid
    assert before.spi_in in {i for i, _ in child_spis(pair.left)}, "the old one takes stray packets"
    assert_matching(pair)
    (notice,) = [e for e in pair.left.effects if isinstance(e, ChildRekeyed)]
    assert (notice.old_uid, notice.new_uid) == (before.uid, after.uid)
    run_without_a_gap(pair, 40)
    assert before.spi_in not in {i for i, _ in child_spis(pair.left)}
    assert_matching(pair)


def test_a_tunnel_lives_for_an_hour_of_two_minute_sas_without_a_gap() -> None:
    pair = up(child=SHORT)
    for _ in range(60):
        run_without_a_gap(pair, 2)
        pair.run(58)
        assert outbound_without_inbound(pair) == []
        assert_matching(pair)
    assert len(recorder(pair.left).sas) <= 8
    assert len(pair.left.established()) == 1


def test_rekeying_by_hand_works_from_either_end() -> None:
    pair = up()
    for host in (pair.left, pair.right):
        before = current_spis(host)
        host.handle(Rekey(host.ref(), "oregon{1}" if host is pair.left else "{*}"))
        pair.run(3)
        assert current_spis(host) != before
        assert_matching(pair)


def test_without_lifetimes_the_replaced_sa_goes_after_a_moment() -> None:
    pair = up(child={"time": Lifetime()})
    pair.left.handle(Rekey(pair.left.ref(), "{*}"))
    pair.run(3)
    assert len(child_spis(pair.left)) == 2
    pair.run(10)
    assert len(child_spis(pair.left)) == 1
    assert_matching(pair)


def test_both_ends_rekeying_at_once_end_with_the_same_sas() -> None:
    pair = up(child=SHORT)
    for host in pair.hosts:
        host.handle(Rekey(host.ref(), "{*}"))
    pair.run(5)
    assert_matching(pair)
    assert outbound_without_inbound(pair) == []
    run_without_a_gap(pair, 20)
    pair.run(600)
    assert_matching(pair)
    assert len(child_spis(pair.left)) <= 3


def test_a_rekeying_that_the_peer_refuses_is_tried_again_and_the_old_sa_goes_on() -> None:
    pair = up(child=SHORT)
    Dropping(pair, ExchangeType.QUICK_MODE, pair.left)
    before = current_spis(pair.left)
    pair.left.handle(Rekey(pair.left.ref(), "{*}"))
    pair.run(20)
    healed(pair)
    pair.run(30)
    assert current_spis(pair.left) != before
    assert_matching(pair)


def test_rekey_no_means_that_the_sa_ends_with_its_lifetime() -> None:
    pair = up(child={"time": Lifetime(rekey=0, life=100)})
    pair.run(97)
    assert len(child_spis(pair.left)) == 1
    pair.run(5)
    assert child_spis(pair.left) == child_spis(pair.right) == set()
    assert len(pair.left.established()) == 1


def test_reauthentication_moves_the_child_sas_to_a_new_ike_sa_at_both_ends() -> None:
    # --> ID_PROT ... (beside the old IKE_SA)     both: CHILD_SAs move over     10 s later --> D (old)
    pair = up(**REAUTH)
    old, children = ike_spis(pair.left), child_spis(pair.left)
    run_without_a_gap(pair, 305)
    assert [s for s in pair.left.lines() if s.startswith("reauthenticating IKE_SA")] or [
        s for s in pair.right.lines() if s.startswith("reauthenticating IKE_SA")
    ]
    assert old.isdisjoint({(s.spi_i, s.spi_r) for s in pair.left.established()})
    assert child_spis(pair.left) == children, "the CHILD_SAs are the same"
    assert_matching(pair)
    assert not [e for e in pair.left.effects if isinstance(e, RemoveSa)]
    assert len(pair.left.established()) == len(pair.right.established()) == 1
    assert len(pair.left.established()[0].children) == 1


def test_an_ike_sa_is_reauthenticated_for_an_hour_without_a_gap() -> None:
    pair = up(**REAUTH)
    for _ in range(60):
        pair.run(59)
        run_without_a_gap(pair, 1)
    assert len([e for e in pair.left.effects if isinstance(e, InstallSa)]) < 6
    assert len(pair.left.established()) == 1
    assert len(pair.left.ike_sas) <= 2
    assert_matching(pair)


def test_both_ends_reauthenticating_at_once_lose_nothing() -> None:
    pair = up(**REAUTH)
    for host in pair.hosts:
        host.handle(Rekey(host.ref(), "[*]", reauth=True))
    run_without_a_gap(pair, 60)
    assert_matching(pair)
    pair.run(400)
    assert_matching(pair)
    assert pair.left.installed()


def test_a_reauthentication_that_fails_leaves_the_old_ike_sa_and_is_tried_again() -> None:
    pair = up(dpd_delay=0.0, keyingtries=1, **{**REAUTH, "over_time": 1000})
    old = ike_spis(pair.left)
    Dropping(pair, ExchangeType.ID_PROT, pair.right)
    pair.left.handle(Rekey(pair.left.ref(), "[*]", reauth=True))
    pair.run(170)
    assert {(s.spi_i, s.spi_r) for s in pair.left.established()} == old
    healed(pair)
    pair.run(120)
    assert old.isdisjoint(ike_spis(pair.left))
    assert pair.left.installed()
    assert_matching(pair)


def test_reauth_no_ends_nothing_and_starts_nothing() -> None:
    pair = up(reauth_time=0, rekey_time=0)
    assert not any("scheduling reauthentication" in line for line in pair.left.lines())
    before = ike_spis(pair.left)
    pair.run(100_000, limit=2_000_000)
    assert ike_spis(pair.left) == before


def test_an_ike_sa_that_could_not_be_reauthenticated_ends_with_its_lifetime() -> None:
    pair = up(**REAUTH)
    pair.network.filter = lambda s, d, data: None if data[18:19] == bytes([ExchangeType.ID_PROT]) else data
    pair.run(600)
    assert_clean(pair.left)
    assert_clean(pair.right)


@pytest.mark.parametrize("who", ["left", "right"])
def test_the_responder_may_reauthenticate_too(who: str) -> None:
    pair = up()
    host: Host = getattr(pair, who)
    host.handle(Rekey(host.ref(), "[*]", reauth=True))
    run_without_a_gap(pair, 20)
    assert len(pair.left.ike_sas) == len(pair.right.ike_sas) == 1
    assert current_spis(pair.left) == mirrored(current_spis(pair.right))


def test_a_peer_that_vanishes_during_reauthentication_is_noticed() -> None:
    pair = Pair(*oregon(IkeVersion.V1, dpd_delay=10.0, dpd_timeout=30.0, keyingtries=1, **REAUTH))
    ref = pair.left.up("oregon")
    assert pair.run(10, lambda: ref in pair.left.finished)
    pair.run(60)
    deaf(pair, *pair.hosts)
    pair.left.handle(Rekey(pair.left.ref(), "[*]", reauth=True))
    pair.run(1000)
    assert_clean(pair.left)
    assert_clean(pair.right)
