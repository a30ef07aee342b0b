"""One tunnel, not two: both ends come to the same single IKE_SA and CHILD_SA, whatever began two."""

from __future__ import annotations

import pytest

from cygnet.boundary.effects import Outcome
from cygnet.engine.wants import CheckLiveness, Reauthenticate, Start
from cygnet.engine.wish import Wish
from cygnet.model.config import Lifetime, StartAction, Unique
from cygnet.testing.builders import oregon
from cygnet.testing.network import Faults
from cygnet.testing.pair import Pair
from cygnet.values.secret import Secret
from cygnet.wire.header import NO_SPI
from tests.exchange.ikev2.story import matching, tunnel

SUITE = {"ike": "aes128-sha256-curve25519", "esp": "aes128gcm16"}
START = {"start_action": StartAction.START}
VERSIONS = pytest.mark.parametrize("make", [oregon, tunnel], ids=["ikev1", "ikev2"])
POLICIES = pytest.mark.parametrize("policy", list(Unique))


def most_after_every_step(pair: Pair, seconds: float) -> tuple[int, int]:
    """The most IKE_SAs and the most CHILD_SAs (in use) that an end had at any moment."""
    ikes = children = 0

    def look() -> bool:
        nonlocal ikes, children
        ikes = max(ikes, *(len(host.established()) for host in pair.hosts))
        children = max(children, *(len(host.installed()) for host in pair.hosts))
        return False

    pair.run(seconds, look, limit=10_000_000)
    return ikes, children


@VERSIONS
@POLICIES
@pytest.mark.parametrize("seed", range(8))
def test_both_ends_that_start_at_once_come_to_one_tunnel(make, policy: Unique, seed: int) -> None:  # type: ignore[no-untyped-def]
    faults = Faults(delay=0.05, jitter=0.1 * seed, reorder=0.1, duplicate=0.1)
    pair = Pair(*make(**SUITE, child=START, unique=policy), start=True, seed=seed, faults=faults)
    ikes, children = most_after_every_step(pair, 60)
    assert ikes <= 2 and children <= 3
    matching(pair)


@VERSIONS
@POLICIES
@pytest.mark.parametrize("drop", [0.0, 0.1])
def test_reauthentication_leaves_one_with_every_uniqueids(make, policy: Unique, drop: float) -> None:  # type: ignore[no-untyped-def]
    """Two hours, a new IKE_SA every two minutes, and every delete that is lost leaves a half."""
    lifetimes = {"rekey_time": 0, "reauth_time": 120, "over_time": 20, "rand_time": 10}
    child = {**START, "time": Lifetime(rekey=50, life=60, jitter=5)}
    pair = Pair(
        *make(**SUITE, child=child, unique=policy, keyingtries=0, **lifetimes), start=True, seed=7,
        faults=Faults(drop=drop, jitter=0.05, duplicate=drop / 2),
    )  # fmt: skip
    ikes, children = most_after_every_step(pair, 7200)
    assert ikes <= 3 and children <= 5, (ikes, children)
    pair.network.faults = Faults()
    pair.run(120, lambda: all(len(h.established()) == len(h.installed()) == 1 for h in pair.hosts))
    assert all(len(h.established()) == len(h.installed()) == 1 for h in pair.hosts)


@VERSIONS
def test_uniqueids_keep_refuses_another_host_and_not_the_same(make) -> None:  # type: ignore[no-untyped-def]
    pair = Pair(*make(**SUITE, unique=Unique.KEEP), lasting=(Secret(bytes(32)), Secret(bytes(32))))
    pair.left.up("oregon")
    pair.run(5)
    matching(pair)
    pair.left.restart()  # forgets everything, says nothing
    ref = pair.left.up("oregon")
    pair.run(30, lambda: ref in pair.left.finished)
    pair.run(60)
    matching(pair)


@VERSIONS
def test_an_attempt_that_the_peer_cannot_have_accepted_is_withdrawn(make) -> None:  # type: ignore[no-untyped-def]
    """Left's first messages are lost while right's tunnel comes up: left does not make a second one."""
    pair = Pair(*make(**SUITE))
    left = pair.network.public(pair.left.address)
    first = lambda source, data: source.address == left and data[8:16] == NO_SPI  # noqa: E731
    pair.network.filter = lambda source, destination, data: None if first(source, data) else data
    ref = pair.left.up("oregon")
    pair.run(1)
    pair.right.up("oregon")
    assert pair.run(2, lambda: ref in pair.left.finished)
    assert pair.left.finished[ref].outcome is Outcome.OK
    pair.network.filter = lambda source, destination, data: data
    pair.run(60)
    matching(pair)


@VERSIONS
@pytest.mark.parametrize("seed", range(8))
def test_one_that_was_replaced_before_two_are_settled_goes_as_it_would(make, seed: int) -> None:  # type: ignore[no-untyped-def]
    """Both ends have begun one. Before they come to one of the two, left's is reauthenticated: it gives way
    to nothing any more, nothing to it, and its end is told."""
    pair = Pair(
        *make(**SUITE, child=START, unique=Unique.NEVER), start=True, seed=seed, faults=Faults(delay=0.05)
    )
    pair.run(3)
    pair.left.tick()  # its clock
    sas = list(pair.left.engine._registry.ike_sas.values())
    for sa in sas:
        sa.do(CheckLiveness())  # both are answered
        if sa.initiator:
            sa.do(Reauthenticate())
            replaced = str(sa)
    pair.left.tick()
    pair.run(60)
    assert len(sas) == 2 and not any(f"{replaced} gives way" in line for line in pair.left.lines())
    assert any(line.startswith(f"deleting IKE_SA {replaced}") for line in pair.left.lines())
    matching(pair)


@VERSIONS
@POLICIES
def test_of_two_that_one_end_begins_both_ends_take_the_one_that_stood_last(make, policy: Unique) -> None:  # type: ignore[no-untyped-def]
    """Left's reauthentication is held up, and so one that it begins later stands before it."""
    pair = Pair(*make(**SUITE, child=START, unique=policy), faults=Faults(delay=0.05))
    pair.left.up("oregon")
    pair.run(10)
    held: list[bytes] = []
    pair.network.filter = lambda s, d, data: None if data[8:16] == NO_SPI and not held.append(data) else data
    pair.left.tick()  # its clock
    (old,) = pair.left.engine._registry.ike_sas.values()
    old.do(Reauthenticate())
    pair.left.tick()
    pair.run(0.5)
    first = held[0][:8]
    pair.network.filter = lambda s, d, data: None if data[:8] == first else data
    pair.left.tick()
    second = old.anew()
    second.wish(Wish(old.connection.children[0]))
    second.do(Start())
    pair.left.tick()
    assert pair.run(1, lambda: second.is_established)
    pair.network.filter = lambda s, d, data: data
    assert not pair.run(60, lambda: not all(h.installed() and h.established() for h in pair.hosts))
    matching(pair)
