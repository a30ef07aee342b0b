"""Cisco's fragmentation between two engines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cygnet.model.config import Fragmentation, Settings
from cygnet.testing.builders import oregon
from cygnet.testing.network import Faults
from cygnet.testing.pair import Pair
from cygnet.wire.header import HEADER_LENGTH, Header
from cygnet.wire.ikev1.fragment import Fragment
from cygnet.wire.ikev1.message import assemble, encode_chain
from cygnet.wire.ikev1.numbers import PayloadType
from tests.exchange.ikev1.stories import assert_matching, up

SMALL = Settings(fragment_size=300)


def pair(mode: Fragmentation, settings: Settings = SMALL, **changes: object) -> Pair:
    left, right = oregon(fragmentation=mode, **changes)
    return Pair(replace(left, settings=settings), replace(right, settings=settings), faults=Faults(mtu=272))


def test_force_gets_through_a_network_of_tiny_packets_from_the_first_message_on() -> None:
    both = pair(Fragmentation.FORCE, ike="aes128-aes256-sha256-sha512-modp4096", esp="aes128-sha256-modp4096")
    ref = both.left.up("oregon")
    assert both.run(5, lambda: ref in both.left.finished)
    both.run(2)
    assert_matching(both)
    assert both.left.installed()
    assert max(len(d) for d in both.datagrams()) <= 272
    assert "received FRAGMENTATION vendor ID" in both.left.lines()
    assert any("reassembled fragmented IKE message" in line for line in both.right.lines())


def test_yes_fragments_what_is_large_for_a_peer_that_announced_it() -> None:
    """The left end announces it (force), so the right end (yes) answers so, and fragments too."""
    left, right = oregon(fragmentation=Fragmentation.FORCE)[0], oregon()[1]
    both = Pair(replace(left, settings=SMALL), replace(right, settings=SMALL), faults=Faults(mtu=272))
    ref = both.left.up("oregon")
    assert both.run(5, lambda: ref in both.left.finished)
    assert any("reassembled fragmented IKE message" in line for line in both.left.lines())


def test_yes_between_two_cygnets_with_a_key_announces_nothing_as_in_the_seed() -> None:
    both = up()
    assert not any("FRAGMENTATION" in line for line in both.left.lines() + both.right.lines())


def test_no_takes_no_fragments() -> None:
    left, right = oregon(fragmentation=Fragmentation.FORCE)[0], oregon(fragmentation=Fragmentation.NO)[1]
    both = Pair(replace(left, settings=SMALL), replace(right, settings=SMALL))
    both.left.up("oregon")
    both.run(5)
    assert "received FRAGMENTATION vendor ID" not in both.left.lines()
    assert not both.left.established()


def test_fragments_may_come_in_any_order_and_twice() -> None:
    both = pair(Fragmentation.FORCE, ike="aes128-sha256-modp4096")
    both.network.faults = Faults(mtu=272, duplicate=0.5, jitter=0.5)
    ref = both.left.up("oregon")
    assert both.run(60, lambda: ref in both.left.finished)
    both.run(20)
    assert_matching(both)
    assert both.left.installed()


@pytest.mark.parametrize("last", [False, True])
def test_fragments_that_never_end_are_bounded(last: bool) -> None:
    both = up(fragmentation=Fragmentation.FORCE)
    (sa,) = both.left.established()
    header = Header(sa.spi_i, sa.spi_r, 0, Header.decode(both.datagrams()[-1]).exchange, major=1)
    for round in range(3):
        for number in range(1, 256):
            piece = Fragment(round, number, last and number == 200, bytes(1000))
            data = assemble(header, PayloadType.FRAGMENT, encode_chain([piece]))
            assert len(data) > HEADER_LENGTH
            both.left.receive(sa.local, sa.remote, data)
    assert any("fragmented IKE message is too large" in line for line in both.left.lines(2))
    both.run(5)
    assert_matching(both)
