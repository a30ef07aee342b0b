"""Pools of virtual addresses: who gets which, and who gets it back."""

from __future__ import annotations

import pytest

from cygnet.engine.pools import Leases, bounds
from cygnet.model.config import Pool
from cygnet.values.identity import Identity

A, B, C, D = (Identity.parse(f"@{name}.example") for name in "abcd")


def leases(addrs: str) -> Leases:
    return Leases(Pool("p", addrs), *bounds(addrs))


@pytest.mark.parametrize(
    ("addrs", "first", "last"),
    [
        ("10.9.0.0/24", "10.9.0.1", "10.9.0.254"),
        ("10.9.0.10/24", "10.9.0.10", "10.9.0.254"),
        ("10.9.0.7/32", "10.9.0.7", "10.9.0.7"),
        ("10.9.0.0/31", "10.9.0.0", "10.9.0.1"),
        ("10.9.0.10-10.9.0.20", "10.9.0.10", "10.9.0.20"),
        ("2001:db8::/120", "2001:db8::1", "2001:db8::ff"),
    ],
)
def test_what_a_pool_spans(addrs: str, first: str, last: str) -> None:
    assert tuple(map(str, bounds(addrs))) == (first, last)


@pytest.mark.parametrize("addrs", ["10.9.0.20-10.9.0.10", "10.9.0.1-2001:db8::1", "somewhere", "10.9.0.0/33"])
def test_what_is_no_pool(addrs: str) -> None:
    with pytest.raises(ValueError):
        bounds(addrs)


def test_a_peer_gets_its_old_address_back() -> None:
    pool = leases("10.9.0.0/29")
    first = pool.take(A)
    assert first is not None
    pool.take(B)
    pool.give_back(A, first)
    assert pool.take(A) == first


def test_a_full_pool_gives_nothing_and_then_the_address_that_was_left_longest() -> None:
    pool = leases("10.9.0.1-10.9.0.2")
    one, two = pool.take(A), pool.take(B)
    assert one is not None and two is not None
    assert pool.take(C) is None
    pool.give_back(B, two)
    pool.give_back(A, one)
    assert pool.take(C) == two
    assert pool.take(B) == one  # its own one is gone, the other one is free
    assert pool.take(A) is None


def test_ike_sas_of_one_peer_share_its_lease() -> None:
    pool = leases("10.9.0.0/24")
    address = pool.take(A)
    assert address is not None and pool.take(A) == address
    pool.give_back(A, address)
    assert pool.snapshot().online == 1
    pool.give_back(A, address)
    assert (pool.snapshot().size, pool.snapshot().online, pool.snapshot().offline) == (254, 0, 1)
    pool.give_back(A, address)  # once too often harms nobody
    assert pool.snapshot().offline == 1
