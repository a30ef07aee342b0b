"""What the fuzzers of both IKE versions do to messages, and what must be true of an engine afterwards."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from typing import TypeVar

from cygnet.boundary.events import Datagram, Rekey
from cygnet.testing.pair import Host, Pair
from cygnet.testing.recorder import Recorder
from cygnet.wire.header import HEADER_LENGTH
from tests.fuzz.tally import Tally

P = TypeVar("P")

#: multiplies the number of cases (with 100, as `make fuzz` has it, a million datagrams come to each engine)
TIMES = int(os.environ.get("CYGNET_FUZZ", "1"))


def noisy(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 4, 16])):
        if changed:
            at = rng.randrange(len(changed))
            changed[at] = rng.choice([0, 1, 0xFF, changed[at] ^ (1 << rng.randrange(8)), rng.randrange(256)])
    how = rng.random()
    if how < 0.1:
        del changed[rng.randrange(len(changed) + 1) :]
    elif how < 0.2:
        changed += rng.randbytes(rng.randrange(1, 40))
    elif how < 0.25 and changed:
        start = rng.randrange(len(changed))
        changed[start:start] = changed[start : start + rng.randrange(1, 60)]
    return bytes(changed)


def mutated(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(noisy(rng, data))
    if rng.random() < 0.8 and len(changed) >= HEADER_LENGTH:  # so that it gets past the header
        changed[24:28] = len(changed).to_bytes(4)
    return bytes(changed)


def changed(
    rng: random.Random,
    payloads: Sequence[P],
    notify: Callable[[], P],
    unknown: Callable[[P | None, bytes | None], P],
    body_of: Callable[[P], bytes],
    least: int = 0,
) -> list[P]:
    """One thing is another one: a byte of a payload, a payload too many, too few, or out of place.

    ``unknown(payload, body)`` has the payload's type and that body; (None, None): any other type.
    ``least`` payloads remain.
    """
    changed = list(payloads)
    how = rng.choice(["bytes", "bytes", "bytes", "drop", "twice", "order", "notify", "unknown", "type"])
    at = rng.randrange(len(changed)) if changed else 0
    if how == "notify" or not changed:
        changed.insert(at, notify())
    elif how == "unknown":
        changed.insert(at, unknown(None, None))
    elif how == "drop" and len(changed) > least:
        del changed[at]
    elif how == "twice":
        changed.insert(at, changed[at])
    elif how == "order":
        rng.shuffle(changed)
    else:
        body = bytearray(body_of(changed[at])) or bytearray(1)
        for _ in range(rng.choice([1, 1, 2, 5])):
            body[rng.randrange(len(body))] = rng.choice([0, 1, 0xFF, rng.randrange(256)])
        like = changed[at] if how == "bytes" else changed[rng.randrange(len(changed))]
        changed[at] = unknown(like, bytes(body))
    return changed


def bombard(
    pair: Pair, rng: random.Random, dose: int, life: Sequence[bytes], tally: Tally, what: str
) -> None:
    """At every stage of a tunnel's life, mutated datagrams as if from the peer; nothing grows."""
    at = {host.address: host for host in pair.hosts}
    pair.left.up("oregon")
    for step in range(40):
        pair.run(rng.choice([0.004, 0.01, 0.3, 5.0]))
        if step % 10 == 9 and pair.left.installed():
            pair.left.handle(Rekey(pair.left.ref(), rng.choice(["{*}", "[*]"])))
        for _ in range(dose):
            _, source, destination, data = rng.choice(pair.network.log[-12:])
            data = mutated(rng, rng.choice([data, data, rng.choice(life)]))
            at[destination.address].handle(Datagram(destination, source, data))
            tally[what] += 1
    for host in pair.hosts:
        assert len(host.engine._services.timers._heap) < 5_000
    pair.run(900)
    for host in pair.hosts:
        assert len(host.ike_sas) <= 3, f"{len(host.ike_sas)} IKE_SAs are left"
        bookkeeping_is_right(host)


def rekeyed_at_random(pair: Pair, rng: random.Random, pauses: Sequence[float]) -> None:
    """A few turns of a tunnel's life."""
    pair.left.up("oregon")
    for _ in range(6):
        pair.run(rng.choice(pauses))
        host = rng.choice(pair.hosts)
        host.handle(Rekey(host.ref(), rng.choice(["{*}", "[*]"])))
        if rng.random() < 0.3:
            host.up("oregon")


def calm_afterwards(pair: Pair, seed: int) -> None:
    """Nobody wants anything any more."""
    pair.run(900)
    for host in pair.hosts:
        bookkeeping_is_right(host)
        assert not [s for s in host.ike_sas if s.state != "ESTABLISHED"], f"seed {seed}: {host.ike_sas}"
    before = len(pair.network.log)
    pair.run(300)
    sent = len(pair.network.log) - before
    assert sent < 300, f"seed {seed}: {sent} datagrams in 5 minutes in which nobody wants anything"


def bookkeeping_is_right(host: Host) -> None:
    """What the data plane holds is what the engine shows, and nothing else is kept."""
    assert isinstance(host.plane, Recorder)
    registry = host.engine._registry
    shown = {i for s in host.ike_sas for c in s.children for i in (c.sa_in, c.sa_out) if i is not None}
    assert set(host.plane.sas) == shown
    assert len(registry.by_spi) == len(registry.ike_sas)
    assert len(registry.services.spis) == sum(len(s.children) for s in registry.ike_sas.values())
    assert set(registry.initial.values()) <= set(registry.ike_sas.values())
