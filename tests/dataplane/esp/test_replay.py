"""The replay window, against a set that remembers everything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.dataplane.esp.replay import MAX_WINDOW, ReplayWindow


def offer(window: ReplayWindow, number: int) -> bool:
    """Check and, if it may be new, accept: what an authentic packet does."""
    fresh = window.check(number)
    if fresh:
        window.accept(number)
    return fresh


def test_packets_in_order_are_taken_once() -> None:
    window = ReplayWindow(32)
    assert [offer(window, n) for n in (1, 2, 3, 3, 2, 1)] == [True, True, True, False, False, False]


def test_number_zero_is_never_taken() -> None:
    assert not ReplayWindow(32).check(0)
    assert not ReplayWindow(0).check(0)


def test_late_packets_are_taken_within_the_window_only() -> None:
    window = ReplayWindow(32)
    offer(window, 100)
    assert offer(window, 69)  # 100 - 31: the window's left edge
    assert not offer(window, 68)


def test_a_far_jump_empties_the_window() -> None:
    window = ReplayWindow(32)
    offer(window, 5)
    offer(window, 1_000_000)
    assert not window.check(5)
    assert offer(window, 999_990)


def test_without_a_window_repetitions_are_taken() -> None:
    window = ReplayWindow(0)
    assert [offer(window, n) for n in (5, 5, 1)] == [True, True, True]


def test_the_window_is_at_most_4096_packets() -> None:
    window = ReplayWindow(100_000)
    assert window.size == MAX_WINDOW
    offer(window, 10_000)
    assert offer(window, 10_000 - 4095)
    assert not window.check(10_000 - 4096)


@given(
    st.sampled_from([1, 2, 32, 64, 4096]), st.lists(st.integers(1, 9000) | st.integers(1, 60), max_size=300)
)
def test_it_takes_what_a_perfect_memory_would_take(size: int, numbers: list[int]) -> None:
    window, seen, highest = ReplayWindow(size), set[int](), 0
    for number in numbers:
        wanted = number > highest - size and number not in seen
        assert offer(window, number) == wanted, (size, number)
        if wanted:
            seen.add(number)
            highest = max(highest, number)


@given(st.integers(1, 5000), st.integers(0, 200), st.integers(1, 100))
def test_a_run_marks_what_its_packets_one_by_one_would(start: int, gap: int, count: int) -> None:
    at_once, one_by_one = ReplayWindow(64), ReplayWindow(64)
    for window in (at_once, one_by_one):
        window.accept(start)
    first = start + gap + 1
    at_once.accept_run(first, count)
    for number in range(first, first + count):
        one_by_one.accept(number)
    assert at_once.highest == one_by_one.highest
    for number in range(max(1, first - 80), first + count + 5):
        assert at_once.check(number) == one_by_one.check(number)


TWO32 = 1 << 32


@pytest.mark.parametrize(
    ("highest", "low", "expected"),
    [
        (TWO32 + 100, 100, TWO32 + 100),  # case A: in the window
        (TWO32 + 100, 69, TWO32 + 69),  # its left edge
        (TWO32 + 100, 68, 2 * TWO32 + 68),  # left of it: must be of the next span
        (TWO32 + 100, 4_000_000_000, TWO32 + 4_000_000_000),  # ahead
        (TWO32 + 10, TWO32 - 5, TWO32 - 5),  # case B: the window spans two, low is of the earlier
        (TWO32 + 10, 5, TWO32 + 5),
        (TWO32 - 3, 2, TWO32 + 2),  # the count goes over
        (0, 1, 1),
        (5, TWO32 - 1, TWO32 - 1),  # nothing before the first span: it can only be far ahead
    ],
)
def test_the_upper_half_is_found_as_rfc_4303_appendix_a_says(highest: int, low: int, expected: int) -> None:
    window = ReplayWindow(32)
    if highest:
        window.accept(highest)
    assert window.expand(low) == expected


@given(st.integers(0, 1 << 40), st.integers(-31, 1 << 31))
def test_a_number_near_the_window_is_found_from_its_lower_half(highest: int, ahead: int) -> None:
    number = highest + ahead
    if number < 1 or highest < 1:
        return
    window = ReplayWindow(32)
    window.accept(highest)
    assert window.expand(number & (TWO32 - 1)) == number
