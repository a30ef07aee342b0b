"""Memory for a burst of reads."""

from __future__ import annotations

import random

from cygnet.dataplane.tun.fast.arena import ROOM, Arena


def test_every_read_has_room_and_none_touches_another() -> None:
    arena = Arena(1 << 17, header=10)
    rng = random.Random(3)
    taken = []
    while arena.open():
        assert len(arena.room()) == ROOM
        data = rng.randbytes(rng.choice((1, 60, 1400, ROOM)))
        arena.room()[: len(data)] = data
        taken.append((arena.take(len(data)), data))
    assert len(taken) > 2
    assert all(view == data for view, data in taken)


def test_the_packet_behind_the_header_is_aligned() -> None:
    arena = Arena(1 << 17, header=10)
    for length in (70, 1410, 60000, 10):
        assert (arena.start + 10) % 64 == 0
        arena.take(length)


def test_after_clear_the_same_places_are_used_again() -> None:
    arena = Arena(1 << 16)
    first = arena.start
    arena.take(1 << 16)
    assert not arena.open()
    arena.clear()
    assert arena.open() and arena.start == first
