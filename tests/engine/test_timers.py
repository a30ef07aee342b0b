"""One heap of deadlines: moved, cancelled, popped in order."""

from __future__ import annotations

from cygnet.engine.timers import Deadline, Timers


def test_deadlines_come_up_in_order_of_time_and_not_before() -> None:
    timers = Timers()
    timers.set(1, Deadline.REKEY, 30.0)
    timers.set(2, Deadline.DPD, 10.0)
    assert timers.next() == 10.0
    assert timers.pop_due(9.9) is None
    assert timers.pop_due(10.0) == (2, Deadline.DPD, 0)
    assert timers.pop_due(100.0) == (1, Deadline.REKEY, 0)
    assert timers.next() is None


def test_setting_a_deadline_again_moves_it() -> None:
    timers = Timers()
    timers.set(1, Deadline.DPD, 10.0)
    timers.set(1, Deadline.DPD, 50.0)
    assert timers.pop_due(20.0) is None
    assert timers.at(1, Deadline.DPD) == 50.0


def test_subjects_of_one_owner_are_independent() -> None:
    timers = Timers()
    timers.set(1, Deadline.CHILD_REKEY, 10.0, 7)
    timers.set(1, Deadline.CHILD_REKEY, 20.0, 8)
    timers.cancel(1, Deadline.CHILD_REKEY, 7)
    assert timers.pop_due(30.0) == (1, Deadline.CHILD_REKEY, 8)


def test_cancelling_an_owner_cancels_all_it_waits_for() -> None:
    timers = Timers()
    for subject in range(5):
        timers.set(1, Deadline.CHILD_EXPIRE, 10.0 + subject, subject)
    timers.set(2, Deadline.EXPIRE, 12.0)
    timers.cancel_owner(1)
    assert timers.pop_due(99.0) == (2, Deadline.EXPIRE, 0)
    assert timers.pop_due(99.0) is None


def test_a_deadline_that_moves_ten_thousand_times_does_not_grow_the_heap() -> None:
    timers = Timers()
    for n in range(10_000):
        timers.set(1, Deadline.RETRANSMIT, float(n))
    assert len(timers._heap) <= 130
    assert timers.next() == 9999.0
