"""Hundreds of tunnels with one peer: all come up soon, and a peer that is dead is asked by one of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from cygnet.boundary.events import Configure
from cygnet.crypto.keywords import parse_proposal
from cygnet.model.config import (
    AuthMethod,
    AuthRound,
    CloseAction,
    Config,
    IkeVersion,
    Settings,
    StartAction,
    Unique,
)
from cygnet.testing.builders import FAR, connection, psk
from cygnet.testing.network import Faults
from cygnet.testing.pair import Host, Pair
from cygnet.values.iana import Protocol
from cygnet.values.identity import Identity
from cygnet.values.secret import Secret

VERSIONS = pytest.mark.parametrize("version", [IkeVersion.V1, IkeVersion.V2], ids=["ikev1", "ikev2"])
ROUND_TRIP = 0.1  #: seconds
QUEUE = 92  #: datagrams that the kernel's default receive buffer holds
DRAINED = 0.1  #: seconds that the responder takes for so many


def many(count: int, version: IkeVersion, **settings: object) -> Pair:
    """``count`` conns with auto=start at the left end; the right one takes them all."""
    both = {
        "version": version,
        "ike": "aes128-sha256-curve25519",
        "esp": "aes128gcm16",
        "unique": Unique.NEVER,
    }
    start = {"start_action": StartAction.START, "dpd_action": CloseAction.START}
    conns = tuple(
        replace(
            connection(
                f"c{n}", remote=FAR, local_ts=f"10.{100 + n // 250}.{n % 250}.0/24", child=start, **both
            ),
            local=(AuthRound(AuthMethod.PSK, Identity.parse(f"@c{n}")),),
            dpd_delay=30.0,
        )
        for n in range(count)
    )
    far = connection(
        "far",
        local=FAR,
        remote="%any",
        local_ts="10.77.0.0/16",
        remote_ts="10.0.0.0/8",
        remote_id="%any",
        **both,
    )
    left = Config(conns, (psk(),), settings=Settings(unique=Unique.NEVER))
    right = Config((far,), (psk(),), settings=Settings(unique=Unique.NEVER, **settings))  # type: ignore[arg-type]
    return Pair(left, right, faults=Faults(delay=ROUND_TRIP / 2), nat=False)


def begin(pair: Pair) -> None:
    pair.left.handle(Configure(Config(settings=pair.left.config.settings)))
    pair.left.handle(Configure(pair.left.config, start=True))


def up(host: Host) -> int:
    return sum(c.state == "INSTALLED" for sa in host.ike_sas for c in sa.children)


def all_up(pair: Pair, seconds: float) -> bool:
    """Within so long; looked at twice a second, because looking is dear."""
    count = len(pair.left.config.connections)
    end = pair.now + seconds
    while pair.now < end:
        pair.run(0.5)
        if up(pair.left) == count:
            return True
    return False


def first_messages(pair: Pair) -> list[float]:
    """When messages without a responder's SPI left the left end."""
    address = pair.left.address
    return [
        at for at, source, _, data in pair.network.log if source.address == address and not any(data[8:16])
    ]


class ShortQueue:
    """A receive buffer that is read steadily, and drops what does not fit."""

    def __init__(self, pair: Pair) -> None:
        self._pair, self._fill, self._at, self.dropped = pair, 0.0, 0.0, 0
        pair.network.filter = self

    def __call__(self, source: object, destination: object, data: bytes) -> bytes | None:
        if getattr(destination, "address", None) != self._pair.right.address:
            return data
        self._fill = max(0.0, self._fill - (self._pair.now - self._at) * QUEUE / DRAINED)
        self._at = self._pair.now
        if self._fill >= QUEUE:
            self.dropped += 1
            return None
        self._fill += 1
        return data


@VERSIONS
def test_three_hundred_tunnels_come_up_through_a_short_queue(version: IkeVersion) -> None:
    pair = many(300, version, block_threshold=0, cookie_threshold=0)
    queue = ShortQueue(pair)
    begin(pair)
    assert all_up(pair, 8.0), up(pair.left)
    assert queue.dropped < 100


@VERSIONS
def test_a_responder_that_bears_five_half_open_ones_is_met_with_a_small_window(version: IkeVersion) -> None:
    pair = many(200, version, block_threshold=5, cookie_threshold=0)
    begin(pair)
    assert all_up(pair, 25.0), up(pair.left)


@VERSIONS
def test_a_dead_peer_of_a_thousand_tunnels_is_asked_by_one_of_them(version: IkeVersion) -> None:
    pair = many(1000, version)
    pair.right.vanish()
    begin(pair)
    pair.run(600.0)
    times = first_messages(pair)
    assert len([t for t in times if t < 5.0]) <= 5
    later = [t for t in times if t > 5.0]
    assert 600 / 10 <= len(later) <= 600 / 7.5, len(later)
    assert max(b - a for a, b in pairwise(later)) <= 10.0
    waiting = [sa for sa in pair.left.ike_sas if sa.waiting == f"an answer of {FAR} to another negotiation"]
    assert len(waiting) >= 995


@VERSIONS
def test_when_a_dead_peer_answers_all_follow(version: IkeVersion) -> None:
    pair = many(200, version, block_threshold=0, cookie_threshold=0)
    pair.network.filter = lambda s, d, data: None
    begin(pair)
    pair.run(300.0)
    pair.network.filter = lambda s, d, data: data
    back = pair.now
    assert pair.run(
        12.0, lambda: any(sa.state == "ESTABLISHED" for sa in pair.left.ike_sas[:5]) or up(pair.left) > 0
    )
    assert all_up(pair, 10.0), up(pair.left)
    assert pair.now - back < 20.0


@VERSIONS
def test_what_waits_for_a_slot_says_so(version: IkeVersion) -> None:
    pair = many(20, version)
    begin(pair)
    texts = [sa.waiting for sa in pair.left.ike_sas if sa.state == "CREATED"]
    assert texts == [f"a slot: 4 of 4 negotiations with {FAR} are under way"] * 16


@VERSIONS
def test_a_user_does_not_queue_behind_a_thousand_others(version: IkeVersion) -> None:
    pair = many(1000, version, block_threshold=0, cookie_threshold=0)
    begin(pair)
    ref = pair.left.up("c999")
    assert pair.run(1.5, lambda: ref in pair.left.finished)
    assert up(pair.left) < 200


@VERSIONS
def test_a_user_hears_of_a_dead_peer_though_others_ask_it(version: IkeVersion) -> None:
    pair = many(50, version)
    pair.left.config = replace(
        pair.left.config,
        connections=tuple(replace(c, keyingtries=1) for c in pair.left.config.connections),
    )
    pair.right.vanish()
    begin(pair)
    pair.run(100.0)
    sent = len(first_messages(pair))
    ref = pair.left.up("c49")
    pair.run(0.1)
    assert len(first_messages(pair)) == sent + 1
    assert pair.run(170.0, lambda: ref in pair.left.finished)


@VERSIONS
def test_tunnels_that_nobody_can_authenticate_do_not_hold_up_the_others(version: IkeVersion) -> None:
    pair = many(60, version, block_threshold=0, cookie_threshold=0)
    conns = pair.left.config.connections
    wrong = tuple(
        replace(c, remote=(replace(c.remote[0], id=replace(c.remote[0].id, data=b"\x0a\x00\x00\x01")),))
        for c in conns[:30]
    )
    pair.left.config = replace(pair.left.config, connections=wrong + conns[30:])
    begin(pair)
    pair.run(8.0)
    assert sum(any(c.state == "INSTALLED" for c in sa.children) for sa in pair.left.ike_sas) >= 30


def test_a_peer_that_has_lost_one_tunnel_is_asked_about_all_of_them() -> None:
    pair = many(200, IkeVersion.V2)
    pair.left.lasting = pair.right.lasting = Secret(b"x" * 32)
    pair.right.restart()
    pair.left.restart()
    begin(pair)
    assert all_up(pair, 10.0), up(pair.left)
    old = {sa.spi_i for sa in pair.left.ike_sas}
    pair.right.restart()
    assert pair.run(40.0, lambda: any("crash token" in line for line in pair.left.lines(0)))  # DPD of one
    assert pair.run(5.0, lambda: not old & {sa.spi_i for sa in pair.left.ike_sas}), "some were not asked"
    assert all_up(pair, 5.0), up(pair.left)


@VERSIONS
def test_tunnels_that_the_peer_refuses_do_not_hold_up_the_others(version: IkeVersion) -> None:
    pair = many(60, version, block_threshold=0, cookie_threshold=0)
    conns = pair.left.config.connections
    refused = tuple(
        replace(c, proposals=(parse_proposal("aes256-sha512-ecp384", Protocol.IKE),)) for c in conns[:40]
    )
    pair.left.config = replace(pair.left.config, connections=refused + conns[40:])
    begin(pair)
    pair.run(4.0)
    assert up(pair.left) == 20
