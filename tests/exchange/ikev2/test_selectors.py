"""RFC 7296 §2.9: the packet that fired a trap leads the offer, and what the peer makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from cygnet.boundary.events import Acquire
from cygnet.engine.ikev2 import child_terms
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.model.config import Child, Config, StartAction
from cygnet.testing.pair import Pair
from cygnet.values.errors import PeerError
from cygnet.values.selector import TrafficSelector
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.ts import TsIPayload, TsRPayload
from tests.exchange.ikev2.story import tunnel

SOURCE = TrafficSelector.of("10.31.1.185")
PACKET = (replace(SOURCE, protocol=6, start_port=40000, end_port=40000),
          replace(TrafficSelector.of("10.77.1.210"), protocol=6, start_port=80, end_port=80))  # fmt: skip
TRAP = {"start_action": StartAction.TRAP}


def with_children(config: Config, *networks: str) -> Config:
    """One child for each network at our end, all else alike."""
    (connection,) = config.connections
    first = connection.children[0]
    children = tuple(
        replace(first, name=f"net{n}", start_action=StartAction.NONE, local_ts=(TrafficSelector.of(net),))
        for n, net in enumerate(networks)
    )
    return replace(config, connections=(replace(connection, children=children),))


def with_remote(config: Config, *networks: str) -> Config:
    (connection,) = config.connections
    child: Child = replace(connection.children[0], remote_ts=tuple(map(TrafficSelector.of, networks)))
    return replace(config, connections=(replace(connection, children=(child,)),))


def fire(pair: Pair, packet: tuple[TrafficSelector, TrafficSelector] = PACKET) -> None:
    """The packet reaches oregon's trap."""
    (routed,) = pair.left.snapshot.routed
    pair.left.handle(Acquire(routed.policy_id, routed.reqid, *packet))


Offer = tuple[tuple[TrafficSelector, ...], tuple[TrafficSelector, ...]]


@contextmanager
def offers_seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Offer]]:
    seen: list[Offer] = []
    agree = child_terms.agree

    def watched(
        sa: IkeSaV2, message: Message, with_ke: bool, config: Child | None = None
    ) -> child_terms.Terms:
        seen.append((message.need(TsIPayload).selectors, message.need(TsRPayload).selectors))
        return agree(sa, message, with_ke, config)

    monkeypatch.setattr(child_terms, "agree", watched)
    yield seen


def test_the_packet_that_fired_the_trap_comes_first_and_what_is_agreed_is_the_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left, right = tunnel(child=TRAP)
    pair = Pair(left, right, start=True)
    with offers_seen(monkeypatch) as seen:
        fire(pair)
        assert pair.run(5, lambda: bool(pair.right.installed()))
    ((theirs, ours),) = seen
    assert theirs[0] == PACKET[0] and ours[0] == PACKET[1]
    assert theirs[1:] == left.connections[0].children[0].local_ts
    (child,) = pair.right.installed()
    assert child.local_ts == right.connections[0].children[0].local_ts  # --> TSr without the packet's own


def test_it_leads_a_further_child_sa_of_a_running_ike_sa_too(monkeypatch: pytest.MonkeyPatch) -> None:
    left, right = tunnel(child=TRAP)
    pair = Pair(left, right, start=True)
    fire(pair)
    assert pair.run(5, lambda: bool(pair.left.installed()))
    pair.left.down("oregon{}")
    assert pair.run(10, lambda: not pair.left.installed())
    with offers_seen(monkeypatch) as seen:
        fire(pair)
        assert pair.run(5, lambda: bool(pair.left.installed()))
    assert seen[0][0][0] == PACKET[0]


def test_an_up_by_hand_names_no_packet(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair(*tunnel())
    with offers_seen(monkeypatch) as seen:
        pair.left.up("oregon")
        assert pair.run(5, lambda: bool(pair.right.installed()))
    assert len(seen[0][0]) == 1


def test_the_responder_takes_the_child_that_the_packet_is_for_and_says_that_there_are_others() -> None:
    left, right = tunnel(child=TRAP)
    pair = Pair(left, with_children(right, "10.77.0.0/24", "10.77.1.0/24"), start=True)
    fire(pair)
    assert pair.run(5, lambda: bool(pair.left.installed()))
    (child,) = pair.left.installed()
    assert child.remote_ts == (TrafficSelector.of("10.77.1.0/24"),)
    assert any("N(ADD_TS_POSS)" in line for line in pair.right.lines())
    assert any("peer takes other parts of 'oregon' too" in line for line in pair.left.lines())


def test_what_the_peer_left_out_whole_is_negotiated_in_child_sas_of_its_own() -> None:
    left, right = tunnel()
    nets = ("10.77.0.0/24", "10.77.1.0/24", "10.77.2.0/24")
    pair = Pair(with_remote(left, *nets), with_children(right, *nets))
    pair.left.up("oregon")
    assert pair.run(5, lambda: len(pair.left.installed()) == 3)
    assert {str(ts) for child in pair.left.installed() for ts in child.remote_ts} == set(nets)
    pair.run(60)
    assert len(pair.left.installed()) == 3 and len(pair.left.established()) == 1


def test_a_peer_that_takes_one_pair_of_addresses_alone_gets_the_packets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left, right = tunnel(child=TRAP)
    pair = Pair(left, right, start=True)
    agree = child_terms.agree

    def picky(sa: IkeSaV2, message: Message, with_ke: bool, config: Child | None = None) -> child_terms.Terms:
        if len(message.need(TsIPayload).selectors) > 1:
            raise PeerError(NotifyType.SINGLE_PAIR_REQUIRED, "one pair, please")
        return agree(sa, message, with_ke, config)

    monkeypatch.setattr(child_terms, "agree", picky)
    fire(pair)
    assert pair.run(5, lambda: bool(pair.left.installed()))
    (child,) = pair.left.installed()
    assert (child.local_ts, child.remote_ts) == ((PACKET[0],), (PACKET[1],))
