"""The window of negotiations with one address: every slot comes back, nobody waits where there is room."""

from __future__ import annotations

import random
from ipaddress import ip_address

import pytest

from cygnet.engine.pacing import AT_LEAST, FEW, MOST, PROBE, Pacing
from cygnet.engine.services import Services
from cygnet.engine.timers import Deadline
from cygnet.model.config import Config
from cygnet.testing.entropy import SeededEntropy

PEER, OTHER = ip_address("192.0.2.1"), ip_address("192.0.2.2")


class Table:
    """A Pacing with its clock, and who was woken."""

    def __init__(self) -> None:
        self.services = Services(Config(), SeededEntropy("pacing"))
        self.services.now = 100.0
        self.pacing = self.services.part(Pacing)

    def admit(self, *uids: int, urgent: bool = False) -> list[bool]:
        return [self.pacing.admit(uid, PEER, urgent) for uid in uids]

    def later(self, seconds: float) -> None:
        self.services.now += seconds

    def woken(self) -> list[tuple[int, Deadline]]:
        found = []
        while (due := self.services.timers.pop_due(self.services.now)) is not None:
            found.append(due[:2])
        return found

    def overdue(self, uid: int, first: bool = True) -> bool:
        return self.pacing.may_repeat(uid, first, self.services.now - 4.0)


def test_a_few_begin_and_each_that_is_established_lets_two_others_in() -> None:
    table = Table()
    assert table.admit(*range(1, 11)) == [True] * FEW + [False] * (10 - FEW)
    table.later(0.2)
    table.pacing.heard(1, PEER)
    table.pacing.established(1)
    assert table.woken() == [(FEW + 1, Deadline.SLOT), (FEW + 2, Deadline.SLOT)]


def test_the_window_has_an_end() -> None:
    table = Table()
    table.admit(*range(1, 1001))
    for uid in range(1, 500):
        table.later(0.1)
        table.pacing.heard(uid, PEER)
        table.pacing.established(uid)
    assert len(table.woken()) == 500 - 1 + MOST - FEW


def test_addresses_do_not_wait_for_each_other() -> None:
    table = Table()
    table.admit(*range(1, 11))
    assert table.pacing.admit(11, OTHER, False)


def test_a_lost_message_halves_the_window_once_for_all_that_left_before() -> None:
    table = Table()
    table.admit(*range(1, 101))
    for uid in range(1, 29):
        table.later(0.01)
        table.pacing.heard(uid, PEER)
        table.pacing.established(uid)
    assert "of 32 negotiations" in table.pacing.waits_for(100)
    table.later(4.0)
    table.pacing.heard(29, PEER)
    assert table.overdue(29, first=False) and table.overdue(30, first=False)
    assert "of 16 negotiations" in table.pacing.waits_for(100) or "30 of 30" in table.pacing.waits_for(100)


def test_what_has_no_answer_while_later_ones_are_established_is_lost() -> None:
    table = Table()
    table.admit(*range(1, 20))
    table.later(AT_LEAST)
    for uid in (2, 3, 4):
        table.later(0.1)
        table.pacing.heard(uid, PEER)
        table.pacing.established(uid)
    woken = [uid for uid, _ in table.woken()]
    assert len(woken) >= 4  # the slot of 1 is somebody else's now


def test_one_asks_a_silent_peer_and_the_others_are_woken_by_any_answer() -> None:
    table = Table()
    table.admit(*range(1, 11))
    table.later(4.0)
    assert [table.overdue(uid) for uid in range(1, 5)] == [False, False, False, True]
    assert table.pacing.patience(4, 1.0) == PROBE
    table.later(PROBE)
    assert table.overdue(4) and not table.woken()
    table.pacing.heard(4, PEER)
    # who has asked already goes first, and asks with the same message again
    assert table.woken() == [(3, Deadline.RETRANSMIT), (2, Deadline.RETRANSMIT), (1, Deadline.RETRANSMIT)]
    assert table.overdue(3)


def test_a_probe_that_gives_up_hands_over() -> None:
    table = Table()
    table.admit(*range(1, 11))
    table.later(4.0)
    for uid in range(1, 5):
        table.overdue(uid)
    table.pacing.over(4)
    assert len(table.woken()) == 1


def test_a_peer_that_answers_somebody_is_not_silent() -> None:
    table = Table()
    table.admit(1, 2)
    table.later(3.0)
    table.pacing.heard(99, PEER)
    table.later(1.0)
    assert table.overdue(1) and table.overdue(2)


def test_a_user_comes_first() -> None:
    table = Table()
    table.admit(*range(1, 11))
    table.pacing.hurry(9)
    table.pacing.over(1)
    assert table.woken() == [(9, Deadline.SLOT)]


def test_another_address_of_this_machine_asks_the_silent_at_once() -> None:
    table = Table()
    table.admit(*range(1, 11))
    table.later(4.0)
    for uid in range(1, 5):
        table.overdue(uid)
    table.pacing.hope()
    assert (4, Deadline.RETRANSMIT) in table.woken()


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_nobody_waits_where_there_is_room_and_nothing_is_kept(seed: int) -> None:
    chance, table = random.Random(seed), Table()
    pacing, alive, uids = table.pacing, set[int](), iter(range(1, 10_000))
    for _ in range(2_000):
        table.later(chance.uniform(0, 2.0))
        uid = chance.choice(sorted(alive)) if alive else 0
        match chance.randrange(8):
            case 0 | 1:
                alive.add(new := next(uids))
                pacing.admit(new, chance.choice((PEER, OTHER)), chance.random() < 0.1)
            case 2 if uid:
                pacing.over(uid)
                alive.discard(uid)
            case 3 if uid:
                pacing.established(uid)
                alive.discard(uid)
            case 4 if uid:
                pacing.may_repeat(uid, chance.random() < 0.5, table.services.now - 4.0)
            case 5 if uid:
                pacing.heard(uid, chance.choice((PEER, OTHER)))
            case 6 if uid:
                pacing.hurry(uid)
            case 7:
                pacing.hope()
        table.woken()
        for peer in pacing._peers.values():
            first = next(iter(peer.waiting), None)
            assert first is None or not peer.has_room(first in peer.urgent), f"seed {seed}"
            assert not set(peer.waiting) & set(peer.under_way), f"seed {seed}"
    for uid in alive:
        pacing.over(uid)
    assert not pacing._peers and not pacing._of, f"seed {seed}"
