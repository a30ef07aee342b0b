"""Half-open negotiations are counted once each, by address and in all."""

from __future__ import annotations

from ipaddress import ip_address

from cygnet.engine.half_open import HalfOpen

ONE, TWO = ip_address("192.0.2.1"), ip_address("2001:db8::2")


def test_each_negotiation_counts_once_for_its_address() -> None:
    half_open = HalfOpen()
    half_open.begin(1, ONE)
    half_open.begin(1, ONE)
    half_open.begin(2, ONE)
    half_open.begin(3, TWO)
    assert (half_open.total, half_open.of(ONE), half_open.of(TWO)) == (3, 2, 1)


def test_what_has_ended_is_forgotten_entirely() -> None:
    half_open = HalfOpen()
    half_open.begin(1, ONE)
    half_open.end(1)
    half_open.end(1)
    half_open.end(7)
    assert (half_open.total, half_open.of(ONE)) == (0, 0)
    assert not half_open._from
