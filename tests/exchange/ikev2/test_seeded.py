"""Thousands of lives of a tunnel over a bad network, each decided by its seed.

Both ends do random things at random moments (up, rekey either SA, delete either, liveness,
reauthenticate, restart, a NAT that moves) while the network drops, duplicates, delays,
reorders and corrupts. Then the network is good for a while, and both ends must hold the same
SAs, with nothing left over in a data plane.

CYGNET_RUNS sets how many seeds are run (the full count is 5000); CYGNET_SEED the first one.
"""

from __future__ import annotations

import os
import random
from dataclasses import replace
from ipaddress import ip_address

import pytest

from cygnet.boundary.events import Rekey
from cygnet.boundary.snapshot import IkeSnapshot
from cygnet.model.config import CloseAction, Settings
from cygnet.testing.builders import NAT
from cygnet.testing.network import Faults
from cygnet.testing.pair import Host, Pair
from cygnet.wire.header import NO_SPI
from tests.exchange.ikev2.story import plane, tunnel

RUNS = int(os.environ.get("CYGNET_RUNS", "120"))
FIRST = int(os.environ.get("CYGNET_SEED", "0"))
SETTLE = 900.0  #: seconds of good network at the end: more than any retransmission schedule
BATCH = 20


def bad_network(rng: random.Random) -> Faults:
    return Faults(
        drop=rng.choice([0, 0.05, 0.2]),
        duplicate=rng.choice([0, 0.1]),
        corrupt=rng.choice([0, 0.05]),
        reorder=rng.choice([0, 0.1, 0.3]),
        delay=rng.choice([0.005, 0.05, 0.4]),
        jitter=rng.choice([0, 0.05]),
        mtu=rng.choice([0, 548]),
    )


def act(rng: random.Random, pair: Pair, host: Host) -> str:
    what = rng.choices(
        [
            "up",
            "rekey ike",
            "rekey child",
            "down child",
            "down ike",
            "reauth",
            "both rekey",
            "nat",
            "restart",
        ],
        [4, 5, 6, 2, 1, 1, 4, 1, 1],
    )[0]
    children = host.installed()
    sas = host.established()
    if what == "up":
        host.up("oregon")
    elif what == "rekey ike" and sas:
        host.handle(Rekey(host.ref(), f"[{rng.choice(sas).uid}]"))
    elif what == "rekey child" and children:
        host.handle(Rekey(host.ref(), f"{{{rng.choice(children).uid}}}"))
    elif what == "down child" and children:
        host.down(f"{{{rng.choice(children).uid}}}")
    elif what == "down ike" and sas:
        host.down(f"[{rng.choice(sas).uid}]")
    elif what == "reauth" and sas:
        host.handle(Rekey(host.ref(), f"[{rng.choice(sas).uid}]", reauth=True))
    elif what == "both rekey":
        for one in pair.hosts:
            kind = rng.choice(["oregon{}", "oregon[]"])
            one.handle(Rekey(one.ref(), kind))
    elif what == "nat":
        public = ip_address(f"198.51.100.{rng.randint(100, 200)}")
        pair.network.move_nat(pair.left.address, public)
    elif what == "restart":
        host.restart()
    return what


def speaking(host: Host, pair: Pair) -> list[IkeSnapshot]:
    """Its IKE_SAs without attempts to reach a NAT that has moved: right, where it wants the tunnel, goes
    on with them for ever."""
    moved = pair.network.public(pair.left.address) != NAT[pair.left.address]
    lost = moved and host is pair.right
    return [s for s in host.ike_sas if not (lost and s.initiator and s.spi_r == NO_SPI)]


def consistent(pair: Pair, story: str) -> None:
    """Same IKE_SAs and CHILD_SAs at both ends; each data plane holds two SAs a child and no more."""
    left, right = pair.left, pair.right
    for host in pair.hosts:
        sas = speaking(host, pair)
        states = {s.state for s in sas} | {c.state for s in sas for c in s.children}
        assert states <= {"ESTABLISHED", "INSTALLED"}, f"{story}: {host.name} is left with {states}"
        shown = {i for c in host.installed() for i in (c.sa_in, c.sa_out)}
        assert set(plane(host).sas) == shown, f"{story}: {host.name}'s data plane differs from its status"
        assert len(plane(host).policies) == len(host.installed()), f"{story}: {host.name} leaks policies"
        assert host.snapshot.half_open == 0, story
    ikes = [{(s.spi_i, s.spi_r) for s in speaking(h, pair)} for h in pair.hosts]
    assert ikes[0] == ikes[1], f"{story}: the IKE_SAs differ"
    ours = {(c.spi_in, c.spi_out) for c in left.installed()}
    theirs = {(c.spi_out, c.spi_in) for c in right.installed()}
    assert ours == theirs, f"{story}: the CHILD_SAs differ"


def live(seed: int) -> None:
    rng = random.Random(f"lives {seed}")
    left, right = tunnel(
        ike=rng.choice(["aes128-sha256-x25519", "aes128gcm16-prfsha256-x25519"]),
        dpd_delay=30.0,
        mobike=rng.random() < 0.7,
        esp=rng.choice(["aes128gcm16", "aes128-sha256", "aes128gcm16-x25519"]),
        child={"dpd_action": rng.choice([CloseAction.NONE, CloseAction.START])},
    )
    # wherever the left's NAT moves to, the right takes it
    moved = replace(right.connections[0], remote_addrs=("198.51.100.31", "198.51.100.0/24"))
    right = replace(right, connections=(moved,))
    settings = Settings(fragment_size=576, block_threshold=0)
    left, right = replace(left, settings=settings), replace(right, settings=settings)
    pair = Pair(left, right, seed=seed, faults=bad_network(rng))
    pair.left.up("oregon")
    done = []
    for _ in range(rng.randint(2, 8)):
        pair.run(rng.choice([0.02, 0.3, 2.0, 20.0]))
        host = rng.choice(pair.hosts)
        done.append(f"{host.name} {act(rng, pair, host)}")
    pair.network.faults = Faults()
    pair.run(SETTLE)
    # the end of every timer that was set under faults; liveness finds what only one end still has
    story = f"seed {seed}: {', '.join(done)}"
    consistent(pair, story)


@pytest.mark.parametrize("first", range(FIRST, FIRST + RUNS, BATCH))
def test_after_any_life_over_a_bad_network_both_ends_hold_the_same_sas(first: int) -> None:
    for seed in range(first, min(first + BATCH, FIRST + RUNS)):
        live(seed)
