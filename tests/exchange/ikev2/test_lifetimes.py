"""Lifetimes in time, bytes and packets, inactivity, liveness, and what follows when a tunnel is lost."""

from __future__ import annotations

import pytest

from cygnet.boundary.events import Expired, Rekey
from cygnet.boundary.specs import Direction
from cygnet.model.config import CloseAction, Lifetime
from cygnet.testing.pair import Pair
from tests.exchange.ikev2.story import both_clean, matching, plane, tunnel


def up(**changes: object) -> Pair:
    pair = Pair(*tunnel(**changes))
    pair.left.up("oregon")
    pair.run(5)
    matching(pair)
    return pair


def said(pair: Pair, part: str) -> bool:
    return any(part in line for host in pair.hosts for line in host.lines())


def test_a_child_is_rekeyed_before_its_time_is_over_again_and_again() -> None:
    pair = up(child={"time": Lifetime(rekey=100, life=120, jitter=20)})
    seen = set()
    for _ in range(10):
        pair.run(100)
        seen |= {c.spi_in for c in pair.left.installed()}
    pair.run(10)
    matching(pair)
    assert len(seen) >= 8 and not said(pair, "closing expired")


def test_at_every_moment_of_a_rekeying_there_is_a_way_out_and_a_way_in() -> None:
    pair = up(child={"time": Lifetime(rekey=20, life=40, jitter=5)})
    for _ in range(600):
        pair.run(0.1)
        for host in pair.hosts:
            other = pair.right if host is pair.left else pair.left
            inbound = {s.spi for s in plane(other).sas.values() if s.direction is Direction.IN}
            newest = [s.spi for s in plane(host).sas.values() if s.direction is Direction.OUT][-1]
            assert newest in inbound  # what leaves now can be read there now


def test_the_responder_sends_over_the_new_child_when_the_old_one_is_deleted_or_after_a_while() -> None:
    def spis(direction: Direction) -> list[int]:
        return [s.spi for s in plane(pair.right).sas.values() if s.direction is direction]

    pair = up()
    sending = spis(Direction.OUT)
    pair.left.handle(Rekey(pair.left.ref(), "{1}"))
    # --> CREATE_CHILD_SA {N(REKEY_SA), SA, Ni, TSi, TSr}
    # <-- CREATE_CHILD_SA {SA, Nr, TSi, TSr}
    assert pair.run(30, until=lambda: len(spis(Direction.IN)) == 2)
    assert spis(Direction.OUT) == sending
    pair.left.vanish()  # before its INFORMATIONAL {D}
    pair.run(14)
    assert spis(Direction.OUT) == sending
    pair.run(2)
    assert spis(Direction.OUT)[0] == sending[0] and len(spis(Direction.OUT)) == 2


def test_a_child_that_must_not_be_rekeyed_ends_with_its_lifetime() -> None:
    pair = up(child={"time": Lifetime(rekey=0, life=60)})
    pair.run(70)
    assert said(pair, "closing expired CHILD_SA")
    assert not plane(pair.left).sas and not plane(pair.right).sas
    assert len(pair.left.established()) == 1


@pytest.mark.parametrize("unit", ["bytes", "packets"])
def test_a_volume_limit_rekeys_and_a_hard_one_deletes(unit: str) -> None:
    pair = up(child={unit: Lifetime(rekey=1000, life=2000, jitter=100)})
    spec = next(s for s in plane(pair.left).sas.values() if s.direction is Direction.OUT)
    soft, hard = getattr(spec, f"soft_{unit}"), getattr(spec, f"hard_{unit}")
    assert 900 <= soft <= 1000 and hard == 2000
    before = {c.spi_in for c in pair.left.installed()}
    pair.left.handle(Expired(spec.id, spec.reqid, hard=False))
    pair.run(20)
    matching(pair)
    assert {c.spi_in for c in pair.left.installed()}.isdisjoint(before)
    spec = [s for s in plane(pair.left).sas.values() if s.direction is Direction.OUT][-1]
    pair.left.handle(Expired(spec.id, spec.reqid, hard=True))
    pair.run(20)
    assert not plane(pair.left).sas and not plane(pair.right).sas


def test_the_ike_sa_is_rekeyed_and_its_time_to_reauthenticate_does_not_move() -> None:
    pair = up(rekey_time=50, reauth_time=120, rand_time=0, over_time=20)
    first = pair.left.established()[0].reauth_at
    pair.run(60)
    matching(pair)
    assert said(pair, "rekeyed between")
    assert pair.left.established()[0].reauth_at == pytest.approx(first, abs=6)
    pair.run(65)
    assert said(pair, "reauthenticating IKE_SA")
    pair.run(10)
    matching(pair)


def test_esn_is_agreed_on_where_both_have_it() -> None:
    pair = up(esp="aes128gcm16-esn-noesn")
    assert all(s.esn for h in pair.hosts for s in plane(h).sas.values())


def test_an_idle_child_is_closed() -> None:
    pair = up(child={"inactivity": 30})
    pair.run(40)
    assert said(pair, "seconds of inactivity") or not plane(pair.left).sas


@pytest.mark.parametrize("action", [CloseAction.NONE, CloseAction.START, CloseAction.TRAP])
def test_a_silent_peer_is_noticed_and_dpdaction_follows(action: CloseAction) -> None:
    pair = up(dpd_delay=10.0, child={"dpd_action": action})
    right = pair.right
    right.restart()  # it knows nothing any more, and says nothing to what it does not know
    pair.run(10 + 165 + 30)
    assert said(pair, "giving up after 5 retransmits")
    if action is CloseAction.START:
        matching(pair)
    else:
        assert not pair.left.ike_sas and not plane(pair.left).sas
        assert len(pair.left.snapshot.routed) == (1 if action is CloseAction.TRAP else 0)


@pytest.mark.parametrize("action", [CloseAction.NONE, CloseAction.START])
def test_closeaction_follows_when_the_peer_closes(action: CloseAction) -> None:
    pair = up(child={"close_action": action})
    for target in ("oregon{}", "oregon[]"):
        pair.right.down(target)
        pair.run(20)
        if action is CloseAction.START:
            matching(pair)
        else:
            assert not plane(pair.left).sas and not plane(pair.right).sas
    if action is CloseAction.NONE:
        both_clean(pair)
