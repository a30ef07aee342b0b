"""Every collision of RFC 7296 §2.8 and §2.25, told as it goes over the wire.

``hold`` stops a host's datagrams, so that both ends begin before they hear of each other.
A network delay of 50 ms each way does the rest: what is started within it crosses.
"""

from __future__ import annotations

import pytest

from cygnet.boundary.events import Rekey
from cygnet.model.config import Unique
from cygnet.testing.network import Faults
from cygnet.testing.pair import Host, Pair
from tests.exchange.ikev2.story import both_clean, matching, plane, tunnel

SLOW = Faults(delay=0.05)


def up(seed: int | str = 0, **changes: object) -> Pair:
    pair = Pair(*tunnel(**changes), seed=seed, faults=SLOW)
    pair.left.up("oregon")
    pair.run(5)
    matching(pair)
    return pair


def rekey(host: Host, target: str) -> None:
    host.handle(Rekey(host.ref(), target))


def said(host: Host, part: str) -> bool:
    return any(part in line for line in host.lines())


def spis(pair: Pair) -> set[int]:
    return {c.spi_in for c in pair.left.installed()} | {c.spi_in for c in pair.right.installed()}


# one end alone ----------------------------------------------------------------------


@pytest.mark.parametrize("who", ["left", "right"])
def test_a_rekeyed_child_replaces_the_old_one_which_still_takes_stray_packets(who: str) -> None:
    # --> CREATE_CHILD_SA {N(REKEY_SA), SA, Ni, TSi, TSr}
    # <-- CREATE_CHILD_SA {SA, Nr, TSi, TSr}
    # --> INFORMATIONAL {D}    <-- INFORMATIONAL {D}
    pair = up()
    before = spis(pair)
    rekey(getattr(pair, who), "{1}")
    pair.run(0.5)
    assert spis(pair).isdisjoint(before)
    stray = [s for h in pair.hosts for s in plane(h).sas.values() if s.spi in before]
    assert {s.direction.value for s in stray} == {"in"}  # old ones: inbound only
    pair.run(10)
    matching(pair)


@pytest.mark.parametrize("who", ["left", "right"])
def test_a_rekeyed_ike_sa_inherits_the_children(who: str) -> None:
    pair = up()
    children = spis(pair)
    ike = {s.spi_i for s in pair.left.ike_sas}
    rekey(getattr(pair, who), "[1]")
    pair.run(30)
    matching(pair)
    assert spis(pair) == children
    assert {s.spi_i for s in pair.left.ike_sas}.isdisjoint(ike)
    assert said(getattr(pair, who), "IKE_SA oregon[2] rekeyed between")
    # and it works on: a child is rekeyed and a liveness check answered over the new IKE_SA
    rekey(pair.right, "{1}")
    pair.run(30)
    matching(pair)


def test_pfs_with_another_group_is_asked_for_and_used() -> None:
    # --> CREATE_CHILD_SA {KE modp2048}  <-- N(INVALID_KE_PAYLOAD)  --> CREATE_CHILD_SA {KE x25519}
    left, _ = tunnel(esp="aes128-sha256-modp2048-x25519")
    _, right = tunnel(esp="aes128-sha256-x25519")
    pair = Pair(left, right, faults=SLOW)
    pair.left.up("oregon")
    pair.run(5)
    rekey(pair.left, "{1}")
    pair.run(10)
    matching(pair)
    assert said(pair.left, "peer didn't accept key exchange method MODP_2048, it requested CURVE_25519")


# both rekey the same CHILD_SA (§2.8.1) -------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_simultaneous_rekey_keeps_the_exchange_with_the_higher_nonces(seed: int) -> None:
    # --> {N(REKEY_SA), SA, Ni1, ...}    <-- {N(REKEY_SA), SA, Ni2, ...}     crossing
    # --> {SA, Nr2, ...}                 <-- {SA, Nr1, ...}
    # the loser deletes its new CHILD_SA, the winner the old one
    pair = up(seed)
    rekey(pair.left, "{1}")
    rekey(pair.right, "{1}")
    pair.run(20)
    matching(pair)
    lost = [said(h, "CHILD_SA rekey collision lost") for h in pair.hosts]
    won = [said(h, "CHILD_SA rekey collision won") for h in pair.hosts]
    assert sorted(lost) == sorted(won) == [False, True] and lost != won


def test_both_ends_win_some() -> None:
    winners = set()
    for seed in range(12):
        pair = up(seed)
        rekey(pair.left, "{1}")
        rekey(pair.right, "{1}")
        pair.run(20)
        winners.add(said(pair.left, "CHILD_SA rekey collision won"))
    assert winners == {True, False}


def test_the_collision_is_settled_when_one_response_is_late() -> None:
    # the left's response is lost once: its delete decision comes after the right's
    pair = up(3)
    rekey(pair.left, "{1}")
    rekey(pair.right, "{1}")
    pair.run(0.06)
    pair.network.faults = Faults(drop=1.0)
    pair.run(0.06)
    pair.network.faults = SLOW
    pair.run(60)
    matching(pair)


def test_a_rekey_request_that_comes_while_the_old_child_is_deleted_is_put_off() -> None:
    # --> {N(REKEY_SA)...}(lost)  <-- {N(REKEY_SA)...}  --> {SA...}  <-- {D old}
    # --> {N(REKEY_SA)...} again  <-- N(TEMPORARY_FAILURE) or N(CHILD_SA_NOT_FOUND)
    pair = up(1)
    pair.network.faults = Faults(drop=1.0)
    rekey(pair.left, "{1}")  # nobody hears it
    pair.network.faults = SLOW
    rekey(pair.right, "{1}")
    pair.run(60)
    matching(pair)
    assert not said(pair.left, "collision won")


# rekey against delete -----------------------------------------------------------------


def test_a_delete_meets_a_rekey_of_the_same_child() -> None:
    # --> {N(REKEY_SA) ...}   <-- INFORMATIONAL {D}       crossing
    # <-- N(TEMPORARY_FAILURE)  --> INFORMATIONAL {D}
    pair = up()
    rekey(pair.left, "{1}")
    pair.right.down("oregon{}")
    pair.run(60)
    for host in pair.hosts:
        assert not plane(host).sas and not plane(host).policies
        assert len(host.established()) == 1 and not host.installed()


def test_deletes_of_the_same_child_cross() -> None:
    # --> INFORMATIONAL {D}   <-- INFORMATIONAL {D}   --> INFORMATIONAL {}   <-- INFORMATIONAL {}
    pair = up()
    pair.left.down("oregon{}")
    pair.right.down("oregon{}")
    pair.run(10)
    for host in pair.hosts:
        assert not plane(host).sas and len(host.established()) == 1
    answers = [li for h in pair.hosts for li in h.lines() if "generating INFORMATIONAL response" in li]
    assert answers and all(li.endswith("[ ]") for li in answers)


# both rekey the IKE_SA ----------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_simultaneous_ike_rekey_keeps_the_exchange_with_the_higher_nonces(seed: int) -> None:
    pair = up(seed)
    children = spis(pair)
    rekey(pair.left, "[1]")
    rekey(pair.right, "[1]")
    pair.run(60)
    matching(pair)
    assert spis(pair) == children
    lost = [said(h, "IKE_SA rekey collision lost") for h in pair.hosts]
    won = [said(h, "IKE_SA rekey collision won") for h in pair.hosts]
    assert sorted(lost) == sorted(won) == [False, True] and lost != won


def test_an_ike_rekey_that_was_not_heard_gives_way_to_the_peers() -> None:
    pair = up(1)
    pair.network.faults = Faults(drop=1.0)
    rekey(pair.left, "[1]")  # nobody hears it
    pair.network.faults = SLOW
    rekey(pair.right, "[1]")
    pair.run(60)
    matching(pair)


def test_deletes_of_the_ike_sa_cross() -> None:
    pair = up()
    pair.left.down("oregon[]")
    pair.right.down("oregon[]")
    pair.run(10)
    both_clean(pair)


def test_an_ike_delete_meets_an_ike_rekey() -> None:
    # --> CREATE_CHILD_SA {SA, Ni, KEi}   <-- INFORMATIONAL {D}
    # <-- N(TEMPORARY_FAILURE)            --> INFORMATIONAL {}
    pair = up()
    rekey(pair.left, "[1]")
    pair.right.down("oregon[]")
    pair.run(60)
    both_clean(pair)


def test_an_ike_delete_meets_a_child_rekey() -> None:
    pair = up()
    rekey(pair.left, "{1}")
    pair.right.down("oregon[]")
    pair.run(60)
    both_clean(pair)


# across IKE and CHILD -------------------------------------------------------------------


def test_an_ike_rekey_meets_a_child_rekey_and_both_are_done_in_the_end() -> None:
    # --> CREATE_CHILD_SA {SA, Ni, KEi}   <-- CREATE_CHILD_SA {N(REKEY_SA), ...}
    # <-- N(TEMPORARY_FAILURE)            --> N(TEMPORARY_FAILURE)
    pair = up()
    children, ike = spis(pair), {s.spi_i for s in pair.left.ike_sas}
    rekey(pair.left, "[1]")
    rekey(pair.right, "{1}")
    pair.run(90)
    matching(pair)
    assert spis(pair).isdisjoint(children)
    assert {s.spi_i for s in pair.left.ike_sas}.isdisjoint(ike)
    assert said(pair.left, "TEMP_FAIL") and said(pair.right, "TEMP_FAIL")


def test_an_ike_rekey_meets_a_child_delete() -> None:
    # §2.25.2: "If a peer receives a request to delete a Child SA when it is currently rekeying
    # the IKE SA, it should reply as usual, with a Delete payload."
    pair = up()
    rekey(pair.left, "[1]")
    pair.right.down("oregon{}")
    pair.run(90)
    # refused while the child was being deleted; when its time comes again there is nothing to renew
    assert said(pair.left, "it carries nothing any more")
    both_clean(pair)


def test_an_ike_rekey_meets_the_creation_of_a_further_child() -> None:
    pair = up()
    pair.left.down("oregon{}")
    pair.run(5)
    rekey(pair.left, "[1]")
    ref = pair.right.up("oregon")
    pair.run(90)
    matching(pair)
    assert pair.right.finished[ref].outcome.name == "OK"


# liveness and reauthentication ------------------------------------------------------------


def test_liveness_checks_cross_a_rekey() -> None:
    pair = up(dpd_delay=2.0)
    for _ in range(5):
        rekey(pair.left, "{1}" if pair.left.installed()[0].uid == 1 else "oregon{}")
        pair.run(3)
    pair.run(10)
    matching(pair)


@pytest.mark.parametrize("unique", [Unique.NO, Unique.REPLACE])
def test_reauthentication_makes_the_new_tunnel_before_it_breaks_the_old_one(unique: Unique) -> None:
    pair = up(unique=unique)
    old = pair.left.established()[0].spi_i
    pair.left.handle(Rekey(pair.left.ref(), "[1]", reauth=True))
    counts = []
    for _ in range(200):
        pair.run(0.01)
        counts.append(
            min(len([s for s in plane(h).sas.values() if s.direction.value == "out"]) for h in pair.hosts)
        )
    pair.run(20)
    matching(pair)
    assert min(counts) >= 1  # at every moment each end had a way out
    assert pair.left.established()[0].spi_i != old


def test_both_ends_initiate_at_the_same_moment() -> None:
    pair = Pair(*tunnel(), faults=SLOW)
    pair.left.up("oregon")
    pair.right.up("oregon")
    pair.run(20)
    left = {(c.spi_in, c.spi_out) for c in pair.left.installed()}
    right = {(c.spi_out, c.spi_in) for c in pair.right.installed()}
    assert left == right and left
    assert {s.spi_i for s in pair.left.ike_sas} == {s.spi_i for s in pair.right.ike_sas}
