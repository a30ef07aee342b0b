"""A NAT in front of one end gives it another public address again and again; the far end has right=%any."""

from __future__ import annotations

import random
from dataclasses import replace
from ipaddress import ip_address

import pytest

from cygnet.model.config import CloseAction, Config, StartAction
from cygnet.testing.builders import oregon
from cygnet.testing.network import Faults
from cygnet.testing.pair import Pair
from tests.exchange.ikev2.story import tunnel

SUITE = {"ike": "aes128-sha256-curve25519", "esp": "aes128gcm16"}
CHILD = {"start_action": StartAction.START, "dpd_action": CloseAction.START}


def awaiting(config: Config) -> Config:
    """The far end: it does not know where its peer is, and begins nothing."""
    connection = config.connections[0]
    children = tuple(replace(c, start_action=StartAction.NONE) for c in connection.children)
    return replace(config, connections=(replace(connection, remote_addrs=("%any",), children=children),))


def reached(pair: Pair) -> bool:
    """Both ends hold the same tunnel, and the far end sends to where the near one is now."""
    if any(len(host.installed()) != 1 or len(host.established()) != 1 for host in pair.hosts):
        return False
    same = pair.left.installed()[0].spi_in == pair.right.installed()[0].spi_out
    return same and pair.right.established()[0].remote.address == pair.network.public(pair.left.address)


@pytest.mark.parametrize(
    ("make", "how"),
    [
        (oregon, {"dpd_delay": 30}),
        (tunnel, {"dpd_delay": 30}),
        (tunnel, {"dpd_delay": 30, "mobike": False}),
        (tunnel, {"dpd_delay": 30, "rekey_time": 600, "rand_time": 60, "over_time": 60}),
    ],
    ids=["ikev1", "mobike", "no mobike", "rekeying"],
)
@pytest.mark.parametrize("seed", range(3))
def test_the_far_end_follows_and_never_takes_it_for_dead(make, how, seed: int) -> None:  # type: ignore[no-untyped-def]
    left, right = make(**SUITE, child=CHILD, **how)
    pair = Pair(left, awaiting(right), start=True, seed=seed, faults=Faults(delay=0.05, jitter=0.02))
    inside, moves = pair.left.address, random.Random(seed)
    for move in range(40):
        pair.run(moves.uniform(60, 360))
        pair.network.move_nat(inside, ip_address(f"198.51.100.{100 + move}"))
        assert pair.run(60, lambda: reached(pair)), f"move {move} at {pair.now:.0f}"
    established = [line for line in pair.right.lines() if "established between" in line]
    assert len(established) == 1
