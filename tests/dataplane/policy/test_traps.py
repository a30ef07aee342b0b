"""Packets that wait for their tunnel."""

from __future__ import annotations

from cygnet.dataplane.policy.traps import REARM_SECONDS, HeldPackets, HoldLimits


def test_the_first_packet_is_due_and_the_others_wait_with_it() -> None:
    held = HeldPackets(HoldLimits())
    assert held.hold(1, b"a", 0.0)
    assert not held.hold(1, b"b", 1.0)
    assert held.hold(2, b"c", 1.0)
    assert held.release(1, 2.0) == [b"a", b"b"]
    assert held.release(1, 2.0) == []
    assert held.hold(1, b"d", 3.0)


def test_the_oldest_go_when_there_are_too_many() -> None:
    held = HeldPackets(HoldLimits(packets=3))
    for n in range(5):
        held.hold(1, bytes((n,)), 0.0)
    assert held.release(1, 0.0) == [b"\2", b"\3", b"\4"]
    assert held.overflowed == 2


def test_bytes_are_bounded_for_all_traps_together() -> None:
    held = HeldPackets(HoldLimits(bytes=100))
    held.hold(1, bytes(60), 0.0)
    assert held.hold(2, bytes(50), 0.0)  # no room: not kept, but its tunnel is wanted
    assert (held.bytes, held.count, held.overflowed) == (60, 1, 1)
    held.hold(1, bytes(90), 0.0)
    assert (held.bytes, held.count, held.overflowed) == (90, 1, 2)
    held.release(1, 0.0)
    assert held.bytes == 0


def test_a_packet_too_old_is_not_sent() -> None:
    held = HeldPackets(HoldLimits(seconds=10))
    held.hold(1, b"old", 0.0)
    held.hold(1, b"new", 8.0)
    assert held.release(1, 11.0) == [b"new"]
    assert held.expired == 1


def test_an_acquire_that_nobody_answers_is_repeated_in_the_end() -> None:
    held = HeldPackets(HoldLimits())
    held.hold(1, b"a", 0.0)
    assert not held.hold(1, b"b", REARM_SECONDS - 1)
    assert held.hold(1, b"c", REARM_SECONDS)
    assert not held.hold(1, b"d", REARM_SECONDS + 1)


def test_a_trap_that_holds_nothing_still_acquires_once() -> None:
    held = HeldPackets(HoldLimits(packets=0))
    assert held.hold(1, b"a", 0.0)
    assert not held.hold(1, b"b", 0.0)
    assert held.release(1, 0.0) == []
