"""Hostile and broken IKEv2: mutated datagrams at the decoder and at the engine's door, and a peer
with the right keys that changes one field before it encrypts.

Invariant: the decoder gives a value or PeerError; the engine gives effects, never an exception,
and keeps no more than it shows. CYGNET_FUZZ multiplies the number of cases (default 1; with 100, as
`make fuzz` has it, a million datagrams come to the engine's door).
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence

import pytest

from cygnet.boundary.events import Datagram, Rekey
from cygnet.model.config import Settings
from cygnet.testing.network import Faults
from cygnet.testing.pair import Host, Pair
from cygnet.values.errors import PeerError
from cygnet.wire.header import ExchangeType, Header
from cygnet.wire.ikev2 import sealing
from cygnet.wire.ikev2.chain import encode_chain
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.payload import Payload
from cygnet.wire.ikev2.rules import check_rules
from cygnet.wire.ikev2.unknown import UnknownPayload
from tests.exchange.ikev2.story import plane, tunnel
from tests.fuzz.tally import Tally

TIMES = int(os.environ.get("CYGNET_FUZZ", "1"))
SETTINGS = Settings(block_threshold=0, cookie_threshold=0)


def new_pair(seed: int | str, **changes: object) -> Pair:
    left, right = tunnel(**changes)
    left, right = (type(c)(c.connections, c.secrets, (), SETTINGS) for c in (left, right))
    return Pair(left, right, seed=seed)


def recorded() -> list[bytes]:
    """The datagrams of a whole life."""
    pair = new_pair("recorded", ike="aes128gcm16-prfsha256-x25519-ke1_ecp256")
    pair.left.up("oregon")
    pair.run(5)
    for target in ("oregon{}", "oregon[]"):
        pair.right.handle(Rekey(pair.right.ref(), target))
        pair.run(10)
    pair.left.down("oregon[]")
    pair.run(5)
    return pair.datagrams()


LIFE = recorded()


def mutated(rng: random.Random, data: bytes) -> bytes:
    noisy = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 4, 16])):
        at = rng.randrange(len(noisy))
        noisy[at] = rng.choice([0, 1, 0xFF, noisy[at] ^ (1 << rng.randrange(8)), rng.randrange(256)])
    how = rng.random()
    if how < 0.1:
        del noisy[rng.randrange(min(28, len(noisy)), len(noisy) + 1) :]
    elif how < 0.2:
        noisy += rng.randbytes(rng.randrange(1, 40))
    elif how < 0.25:
        start = rng.randrange(len(noisy))
        noisy[start:start] = noisy[start : start + rng.randrange(1, 60)]
    if rng.random() < 0.8 and len(noisy) >= 28:  # so that it gets past the header
        noisy[24:28] = len(noisy).to_bytes(4)
    return bytes(noisy)


def test_the_decoder_gives_a_value_or_a_peer_error(tally: Tally) -> None:
    rng = random.Random("decoder")
    for _ in range(8_000 * TIMES):
        tally["messages at IKEv2's decoder"] += 1
        data = mutated(rng, rng.choice(LIFE))
        try:
            header = Header.decode(data)
            message = Message.decode(data, header)
            assert str(message)
            check_rules(message)
        except PeerError:
            continue


@pytest.mark.parametrize(("seed", "dose"), [*((n, 25) for n in range(10 * TIMES)), (-1, 25 * TIMES)])
def test_mutated_datagrams_never_raise_out_of_the_engine_and_never_grow_it(
    seed: int, dose: int, tally: Tally
) -> None:
    """At every stage of a tunnel's life, as if from the peer: many lives, and one with many datagrams."""
    rng = random.Random(f"entry {seed}")
    pair = new_pair(f"entry {seed}")
    at = {host.address: host for host in pair.hosts}
    pair.left.up("oregon")
    for step in range(40):
        pair.run(rng.choice([0.004, 0.01, 0.3, 5.0]))
        if step % 10 == 9 and pair.left.installed():
            pair.left.handle(Rekey(pair.left.ref(), rng.choice(["oregon{}", "oregon[]"])))
        own = pair.datagrams() or LIFE
        for _ in range(dose):
            _, source, destination, data = rng.choice(pair.network.log[-12:])
            data = mutated(rng, rng.choice([data, rng.choice(own[-12:]), rng.choice(LIFE)]))
            at[destination.address].handle(Datagram(destination, source, data))
            tally["datagrams at an IKEv2 engine"] += 1
    for host in pair.hosts:
        assert len(host.engine._services.timers._heap) < 5_000
    pair.run(600)
    for host in pair.hosts:
        assert len(host.ike_sas) <= 3, f"seed {seed}: {len(host.ike_sas)} IKE_SAs are left"
        bookkeeping_is_right(host)


def bookkeeping_is_right(host: Host) -> None:
    """What the data plane holds is what the engine shows, and nothing else is kept."""
    ctx = host.engine._registry
    shown = {i for s in host.ike_sas for c in s.children for i in (c.sa_in, c.sa_out) if i is not None}
    assert set(plane(host).sas) == shown
    assert len(ctx.by_spi) == len(ctx.ike_sas)
    assert len(ctx.services.spis) == sum(len(s.children) for s in ctx.ike_sas.values())
    assert set(ctx.initial.values()) <= set(ctx.ike_sas.values())


def changed(rng: random.Random, payloads: Sequence[Payload]) -> list[Payload]:
    """One thing is another one: a byte of a payload, a payload too many, too few, or out of place."""
    changed = list(payloads)
    how = rng.choice(["bytes", "bytes", "bytes", "drop", "twice", "order", "notify", "unknown", "type"])
    at = rng.randrange(len(changed)) if changed else 0
    if how == "notify" or not changed:
        data = rng.randbytes(rng.choice([0, 2, 4, 8, 20]))
        changed.insert(at, NotifyPayload(NotifyType(rng.choice(list(NotifyType))), data))
    elif how == "unknown":
        changed.insert(at, UnknownPayload(changed[at].type.__class__(rng.randrange(60, 250)), b"?" * 7, True))
    elif how == "drop":
        del changed[at]
    elif how == "twice":
        changed.insert(at, changed[at])
    elif how == "order":
        rng.shuffle(changed)
    else:
        body = bytearray(changed[at].encode()) or bytearray(1)
        for _ in range(rng.choice([1, 1, 2, 5])):
            body[rng.randrange(len(body))] = rng.choice([0, 1, 0xFF, rng.randrange(256)])
        kind = changed[at].type if how == "bytes" else changed[rng.randrange(len(changed))].type
        changed[at] = UnknownPayload(kind, bytes(body))
    return changed


@pytest.mark.parametrize("first", range(0, 120 * TIMES, 20))
def test_a_peer_with_keys_that_changes_one_field_breaks_nothing_but_its_own_tunnel(
    first: int, monkeypatch: pytest.MonkeyPatch, tally: Tally
) -> None:
    for seed in range(first, first + 20):
        tally["lives of an IKEv2 tunnel with an evil peer"] += 1
        rng = random.Random(f"stateful {seed}")
        rate = rng.choice([0.1, 0.3, 1.0])

        def evil(payloads: Sequence[Payload], rng: random.Random = rng, rate: float = rate) -> bytes:
            return encode_chain(changed(rng, payloads) if rng.random() < rate else payloads)

        monkeypatch.setattr(sealing, "encode_chain", evil)
        pair = new_pair(
            f"stateful {seed}",
            ike=rng.choice(["aes128-sha256-x25519", "aes128gcm16-prfsha256-x25519-ke1_ecp256"]),
            esp=rng.choice(["aes128gcm16", "aes128gcm16-x25519", "aes128gcm16-x25519-ke1_ecp256"]),
            dpd_delay=20.0,
        )
        pair.network.faults = Faults(delay=0.05)
        pair.left.up("oregon")
        for _ in range(6):
            pair.run(rng.choice([0.2, 3.0]))
            host = rng.choice(pair.hosts)
            host.handle(Rekey(host.ref(), rng.choice(["oregon{}", "oregon[]"])))
            if rng.random() < 0.3:
                host.up("oregon")
        monkeypatch.setattr(sealing, "encode_chain", encode_chain)
        pair.run(900)
        for host in pair.hosts:
            bookkeeping_is_right(host)
            assert not [s for s in host.ike_sas if s.state != "ESTABLISHED"], f"seed {seed}: {host.ike_sas}"
        before = len(pair.network.log)
        pair.run(300)
        sent = len(pair.network.log) - before
        assert sent < 300, f"seed {seed}: {sent} datagrams in 5 minutes in which nobody wants anything"


def test_unauthentic_messages_change_nothing() -> None:
    """Anybody may send datagrams with the SPIs of an IKE_SA; without its keys they are dropped."""
    rng = random.Random("unauthentic")
    pair = new_pair("unauthentic")
    pair.left.up("oregon")
    pair.run(5)
    before = [(s.spi_i, s.state, s.children) for s in pair.right.ike_sas]
    sa = pair.right.ike_sas[0]
    for _ in range(500 * TIMES):
        exchange = rng.choice(list(ExchangeType))
        head = Header(
            sa.spi_i, sa.spi_r, rng.choice([46, 53, 41, 42]), exchange, rng.choice([8, 0x28, 0, 0x20]),
            rng.choice([0, 1, 2, 3, 2**32 - 1]), 28 + 100,
        )  # fmt: skip
        body = rng.randbytes(100)
        pair.right.handle(Datagram(sa.local, sa.remote, head.encode() + bytes((0, 0, 0, 100)) + body[4:]))
    assert [(s.spi_i, s.state, s.children) for s in pair.right.ike_sas] == before


def test_a_first_request_for_an_established_ike_sa_is_dropped() -> None:
    """By its SPIs it finds the IKE_SA, but that has long had its first request."""
    pair = new_pair("first again")
    pair.left.up("oregon")
    first = pair.datagrams()[0]
    pair.run(5)
    sa = pair.right.ike_sas[0]
    for data in (first, first[:-1] + bytes((first[-1] ^ 1,))):
        again = sa.spi_i + sa.spi_r + data[16:]
        pair.right.handle(Datagram(sa.local, sa.remote, again))
        pair.left.handle(Datagram(sa.local, sa.remote, again))
    pair.run(5)
    assert [s.state for h in pair.hosts for s in h.ike_sas] == ["ESTABLISHED"] * 2


def test_a_recorded_request_sent_again_proves_no_life_and_moves_nothing() -> None:
    pair = new_pair("recorded again", dpd_delay=10.0, mobike=False)
    pair.left.up("oregon")
    pair.run(5)
    request = next(row for row in reversed(pair.network.log) if not row[3][19] & 0x20)
    _, source, destination, data = request
    host = pair.right if destination.address == pair.right.address else pair.left
    before = (host.ike_sas[0].local, host.ike_sas[0].remote)
    pair.left.vanish()
    pair.run(1)
    elsewhere = source.with_port(1024)
    for _ in range(100):
        pair.run(5)
        if host.ike_sas:
            assert (host.ike_sas[0].local, host.ike_sas[0].remote) == before
        host.handle(Datagram(destination, elsewhere, data))
    assert not host.ike_sas  # the liveness check was not fooled
