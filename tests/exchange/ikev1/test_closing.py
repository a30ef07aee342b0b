"""Deletes from either end, of CHILD_SAs and of IKE_SAs, heard or lost; closeaction; uniqueids."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cygnet.boundary.effects import Outcome
from cygnet.boundary.events import Configure, Rekey
from cygnet.model.config import CloseAction, Config, Lifetime, Unique
from cygnet.testing.builders import oregon
from cygnet.testing.pair import Pair
from cygnet.wire.header import ExchangeType
from tests.exchange.ikev1.stories import (
    Dropping,
    assert_clean,
    assert_matching,
    deaf,
    finish,
    ike_spis,
    recorder,
    up,
)


@pytest.mark.parametrize("who", ["left", "right"])
def test_down_closes_both_ends(who: str) -> None:
    pair = up()
    host = getattr(pair, who)
    ref = host.down("oregon")
    assert finish(host, ref).text == "IKE_SA [1] closed successfully"
    assert recorder(host).sas == {}, "nothing is sent any more once it is said to be closed"
    pair.run(2)
    assert_clean(pair.left)
    assert_clean(pair.right)


@pytest.mark.parametrize("who", ["left", "right"])
def test_down_of_a_child_leaves_the_ike_sa(who: str) -> None:
    pair = up()
    host = getattr(pair, who)
    ref = host.down("oregon{1}")
    pair.run(2)
    assert finish(host, ref).outcome is Outcome.OK
    assert not pair.left.installed()
    assert not pair.right.installed()
    assert len(pair.left.established()) == 1
    assert_matching(pair)
    again = pair.left.up("oregon")
    pair.run(3)
    assert finish(pair.left, again).outcome is Outcome.OK
    assert_matching(pair)


@pytest.mark.parametrize("target", ["oregon{1}", "oregon[1]"])
@pytest.mark.parametrize("lost", [(1,), (1, 2), (2,)])
def test_a_lost_delete_is_said_again(target: str, lost: tuple[int, ...]) -> None:
    pair = up()
    Dropping(pair, ExchangeType.INFORMATIONAL_V1, pair.left, *lost)
    pair.left.down(target)
    pair.run(10)
    assert not pair.right.installed()
    assert_matching(pair)


def test_a_lost_answer_to_a_delete_is_said_again() -> None:
    pair = up()
    Dropping(pair, ExchangeType.INFORMATIONAL_V1, pair.right, 1)
    pair.left.down("oregon{1}")
    pair.run(10)
    assert pair.right.lines().count("received DELETE for ESP CHILD_SA with SPI "
                                    f"{0:08x}") == 0  # fmt: skip
    assert any("retransmitting response" in line for line in pair.right.lines())
    assert_matching(pair)


def test_a_peer_that_answers_no_delete_is_waited_for_only_shortly() -> None:
    """charon closes without an answer."""
    pair = up()
    deaf(pair, pair.right)
    pair.left.down("oregon")
    (sa,) = pair.left.ike_sas
    assert sa.state == "DELETING"
    pair.run(6)
    assert_clean(pair.left)


def test_both_ends_closing_at_once_end_clean() -> None:
    pair = up()
    pair.left.down("oregon")
    pair.right.down("oregon")
    pair.run(3)
    assert_clean(pair.left)
    assert_clean(pair.right)


def test_a_stopping_daemon_tells_its_peers_and_keeps_nothing() -> None:
    pair = up()
    pair.left.stop()
    assert_clean(pair.left)
    pair.run(2)
    assert_clean(pair.right)


def test_closeaction_restart_brings_back_what_the_peer_closed() -> None:
    pair = up(child={"close_action": CloseAction.START})
    before = pair.left.installed()
    pair.right.down("oregon{1}")
    pair.run(5)
    assert pair.left.installed()
    assert pair.left.installed()[0].spi_in != before[0].spi_in
    assert_matching(pair)
    old = ike_spis(pair.left)
    pair.right.down("oregon[1]")
    pair.run(5)
    assert old.isdisjoint(ike_spis(pair.left))
    assert pair.left.installed()
    assert_matching(pair)


def test_closeaction_hold_leaves_a_trap() -> None:
    pair = up(child={"close_action": CloseAction.TRAP})
    pair.right.down("oregon")
    pair.run(5)
    assert [r.name for r in pair.left.snapshot.routed] == ["oregon"]
    assert pair.left.ike_sas == ()


def test_closeaction_is_for_what_the_peer_closed_not_for_what_we_did() -> None:
    pair = up(child={"close_action": CloseAction.START})
    pair.left.handle(Configure(pair.left.config, start=False))
    left, right = oregon()
    pair = Pair(replace(left), right)
    pair.left.up("oregon")
    pair.run(3)
    pair.left.down("oregon")
    pair.run(5)
    assert_clean(pair.left)


def unique(policy: Unique, config: Config) -> Config:
    return replace(config, connections=tuple(replace(c, unique=policy) for c in config.connections))


def second_sa(policy: Unique) -> Pair:
    """The left end forgets everything without a word and connects again, without INITIAL_CONTACT."""
    left, right = oregon()
    pair = Pair(unique(Unique.NEVER, left), unique(policy, right))
    pair.left.up("oregon")
    pair.run(5)
    pair.left.restart()
    pair.left.up("oregon")
    pair.run(20)
    return pair


def test_uniqueids_replace_takes_a_second_sa_for_a_reauthentication() -> None:
    pair = second_sa(Unique.REPLACE)
    assert len(pair.right.established()) == 1
    assert any("detected reauth of existing IKE_SA" in line for line in pair.right.lines())


def test_initial_contact_removes_the_old_sa_whatever_the_policy_but_never() -> None:
    for policy, left_over in ((Unique.NO, 1), (Unique.REPLACE, 1), (Unique.KEEP, 1)):
        left, right = oregon()
        pair = Pair(unique(policy, left), unique(policy, right))
        pair.left.up("oregon")
        pair.run(5)
        pair.left.restart()
        pair.left.up("oregon")
        pair.run(5)
        assert len(pair.right.established()) == left_over, policy
        assert_matching(pair)


def test_a_delete_that_was_never_heard_is_said_again_over_the_next_ike_sa() -> None:
    left, right = oregon(
        reauth_time=0, rekey_time=0, dpd_delay=0.0, child={"time": Lifetime(rekey=0, life=0)}
    )
    pair = Pair(left, right)
    pair.left.up("oregon")
    assert pair.run(5, lambda: bool(pair.right.installed()))
    pair.network.filter = lambda s, d, data: None
    pair.left.down("oregon{*}")
    pair.run(400)  # every repetition is lost
    assert len(pair.right.installed()) == 1, "half a CHILD_SA is left"
    pair.network.filter = lambda s, d, data: data
    pair.left.handle(Rekey(pair.left.ref(), "oregon[*]", reauth=True))  # a new IKE_SA takes over
    assert pair.run(10, lambda: not pair.right.installed())


def test_a_peer_that_answers_no_delete_hears_it_over_three_ike_sas_at_most() -> None:
    left, right = oregon(
        reauth_time=0, rekey_time=0, dpd_delay=0.0, child={"time": Lifetime(rekey=0, life=0)}
    )
    pair = Pair(left, right)
    pair.left.up("oregon")
    assert pair.run(5, lambda: bool(pair.right.installed()))
    pair.network.filter = lambda s, d, data: None
    pair.left.down("oregon{*}")
    pair.run(400)
    pair.network.filter = lambda s, d, data: data
    pair.right.restart()  # it knows nothing of that CHILD_SA, and so has nothing to answer
    for _ in range(6):
        pair.left.up("oregon")
        pair.run(300)
        pair.left.down("oregon[*]")
        pair.run(300)
    said = [line for line in pair.right.lines() if "received DELETE for unknown ESP CHILD_SA" in line]
    assert len(said) <= 3 * 9
