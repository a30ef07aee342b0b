"""Hostile and broken IKEv1: mutated datagrams at the decoders and at the engine's door, and a peer
with the right keys that changes one payload before it hashes and encrypts.

Invariant: a decoder gives a value or PeerError; the engine gives effects, never an exception, and
keeps no more than it shows. CYGNET_FUZZ multiplies the number of cases (default 1; with 100, as
`make fuzz` has it, a million datagrams come to the engine's door).
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from cygnet.boundary.events import Datagram, Rekey
from cygnet.engine.ikev1.exchange import MOST_OPEN, MOST_REMEMBERED, Exchange, Exchanges
from cygnet.engine.ikev1.sa import IkeSaV1
from cygnet.engine.ikev1.task import Outgoing
from cygnet.model.config import Fragmentation, Settings
from cygnet.testing.builders import oregon
from cygnet.testing.network import Faults
from cygnet.testing.pair import Host, Pair
from cygnet.values.errors import PeerError
from cygnet.wire.header import HEADER_LENGTH, Header
from cygnet.wire.ikev1 import ipsec_doi, oakley, rules
from cygnet.wire.ikev1.identification import Id
from cygnet.wire.ikev1.message import PAYLOADS, body_of, decode_chain, describe, encode_chain
from cygnet.wire.ikev1.notification import Notification
from cygnet.wire.ikev1.numbers import Notify, PayloadType
from cygnet.wire.ikev1.payload import Payload, Unknown, read
from cygnet.wire.ikev1.sa import Sa
from tests.exchange.ikev1.stories import recorder
from tests.fuzz.tally import Tally
from tests.wire.ikev1.test_payloads import CASES

TIMES = int(os.environ.get("CYGNET_FUZZ", "1"))
SETTINGS = Settings(block_threshold=0, aggressive_psk_responder=True, fragment_size=400)


def new_pair(seed: int | str, **changes: object) -> Pair:
    changes = {"ike": "aes128-sha256-curve25519", "dpd_delay": 20.0, **changes}
    left, right = (replace(c, settings=SETTINGS) for c in oregon(**changes))
    return Pair(left, right, seed=seed)


def recorded(**changes: object) -> list[bytes]:
    """The datagrams of a whole life."""
    pair = new_pair("recorded", **changes)
    pair.left.up("oregon")
    pair.run(5)
    for target in ("{*}", "[*]"):
        pair.right.handle(Rekey(pair.right.ref(), target))
        pair.run(15)
    pair.left.down("oregon[]")
    pair.run(5)
    return [d for d in pair.datagrams() if d != b"\xff"]


LIFE = (
    recorded()
    + recorded(aggressive=True)
    + recorded(fragmentation=Fragmentation.FORCE, esp="aes128-sha1-modp1024")
)


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


@pytest.mark.parametrize("kind", PAYLOADS, ids=lambda kind: kind.name)
def test_every_payload_decoder_gives_a_value_or_a_peer_error(kind: PayloadType, tally: Tally) -> None:
    rng = random.Random(f"payload {kind}")
    samples = [bytes.fromhex(body) for case, body, _ in CASES if case == kind]
    for _ in range(500 * TIMES):
        tally["payloads at IKEv1's decoders"] += 1
        data = noisy(rng, rng.choice(samples))
        try:
            with read(data, str(kind)) as reader:
                value = PAYLOADS[kind].decode(reader)
        except PeerError:
            continue
        assert describe([value])
        body_of(value)  # what exists can be encoded
        understand(value)


def understand(value: Payload) -> None:
    """What tasks make of a payload: values, or PeerError."""
    try:
        if isinstance(value, Sa):
            oakley.offers(value)
            ipsec_doi.offers(value)
        if isinstance(value, Id):
            value.selector()
    except PeerError:
        pass


def test_the_chain_decoder_gives_a_value_or_a_peer_error(tally: Tally) -> None:
    rng = random.Random("chain")
    for _ in range(8_000 * TIMES):
        tally["messages at IKEv1's decoder"] += 1
        data = mutated(rng, rng.choice(LIFE))
        try:
            header = Header.decode(data)
            chain = decode_chain(header.next_payload, data[HEADER_LENGTH:], padded=rng.random() < 0.5)
            assert len(encode_chain(chain.payloads)) <= len(data)
            rules.check(header.exchange, chain, encrypted=rng.random() < 0.5)
        except PeerError:
            continue


@pytest.mark.parametrize("aggressive", [False, True])
@pytest.mark.parametrize(("seed", "dose"), [*((n, 25) for n in range(5 * TIMES)), (-1, 25 * TIMES)])
def test_mutated_datagrams_never_raise_out_of_the_engine_and_never_grow_it(
    seed: int, dose: int, aggressive: bool, tally: Tally
) -> None:
    """At every stage of a tunnel's life, as if from the peer: many lives, and one with many datagrams."""
    rng = random.Random(f"entry {seed} {aggressive}")
    mode = rng.choice([Fragmentation.YES, Fragmentation.FORCE])
    pair = new_pair(f"entry {seed}", aggressive=aggressive, fragmentation=mode)
    at = {host.address: host for host in pair.hosts}
    pair.left.up("oregon")
    for step in range(40):
        pair.run(rng.choice([0.004, 0.01, 0.3, 5.0]))
        if step % 10 == 9 and pair.left.installed():
            pair.left.handle(Rekey(pair.left.ref(), rng.choice(["{*}", "[*]"])))
        for _ in range(dose):
            _, source, destination, data = rng.choice(pair.network.log[-12:])
            data = mutated(rng, rng.choice([data, data, rng.choice(LIFE)]))
            at[destination.address].handle(Datagram(destination, source, data))
            tally["datagrams at an IKEv1 engine"] += 1
    for host in pair.hosts:
        assert len(host.engine._services.timers._heap) < 5_000
    pair.run(900)
    for host in pair.hosts:
        assert len(host.ike_sas) <= 3, f"seed {seed}: {len(host.ike_sas)} IKE_SAs are left"
        bookkeeping_is_right(host)


def bookkeeping_is_right(host: Host) -> None:
    """What the data plane holds is what the engine shows, and nothing else is kept."""
    ctx = host.engine._registry
    shown = {i for s in host.ike_sas for c in s.children for i in (c.sa_in, c.sa_out) if i is not None}
    assert set(recorder(host).sas) == shown
    assert len(ctx.by_spi) == len(ctx.ike_sas)
    assert len(ctx.services.spis) == sum(len(s.children) for s in ctx.ike_sas.values())
    assert set(ctx.initial.values()) <= set(ctx.ike_sas.values())
    for sa in ctx.ike_sas.values():
        assert isinstance(sa, IkeSaV1)
        assert len(sa.exchanges.open) <= MOST_OPEN + 8
        assert len(sa.exchanges._finished) <= MOST_REMEMBERED


def changed(rng: random.Random, payloads: Sequence[Payload]) -> list[Payload]:
    """One thing is another one: a byte of a payload, a payload too many, too few, or out of place."""
    changed = list(payloads)
    how = rng.choice(["bytes", "bytes", "bytes", "drop", "twice", "order", "notify", "unknown", "type"])
    at = rng.randrange(len(changed)) if changed else 0
    if how == "notify" or not changed:
        protocol, spi = rng.choice([1, 2, 3]), rng.randbytes(rng.choice([0, 4, 16]))
        data = rng.randbytes(rng.choice([0, 2, 4, 8]))
        changed.insert(at, Notification(Notify(rng.choice(list(Notify))), protocol, spi, data))
    elif how == "unknown":
        changed.insert(at, Unknown(PayloadType(rng.randrange(60, 250)), b"?" * 7))
    elif how == "drop" and len(changed) > 1:
        del changed[at]
    elif how == "twice":
        changed.insert(at, changed[at])
    elif how == "order":
        rng.shuffle(changed)
    else:
        body = bytearray(body_of(changed[at])) or bytearray(1)
        for _ in range(rng.choice([1, 1, 2, 5])):
            body[rng.randrange(len(body))] = rng.choice([0, 1, 0xFF, rng.randrange(256)])
        kind = changed[at].type if how == "bytes" else changed[rng.randrange(len(changed))].type
        changed[at] = Unknown(kind, bytes(body))
    return changed


@pytest.mark.parametrize("first", range(0, 120 * TIMES, 20))
def test_a_peer_with_keys_that_changes_one_payload_breaks_nothing_but_its_own_tunnel(
    first: int, monkeypatch: pytest.MonkeyPatch, tally: Tally
) -> None:
    honest = Exchanges._transmit
    for seed in range(first, first + 20):
        tally["lives of an IKEv1 tunnel with an evil peer"] += 1
        rng = random.Random(f"stateful {seed}")
        rate = rng.choice([0.1, 0.3, 1.0])

        def evil(
            self: Exchanges, exchange: Exchange, outgoing: Outgoing, expect: bool,
            rng: random.Random = rng, rate: float = rate,
        ) -> None:  # fmt: skip
            if rng.random() < rate:
                outgoing = replace(outgoing, payloads=changed(rng, outgoing.payloads))
            honest(self, exchange, outgoing, expect)

        monkeypatch.setattr(Exchanges, "_transmit", evil)
        pair = new_pair(
            f"stateful {seed}",
            aggressive=rng.random() < 0.3,
            esp=rng.choice(["aes128gcm16", "aes128-sha256-curve25519"]),
        )
        pair.network.faults = Faults(delay=0.05)
        pair.left.up("oregon")
        for _ in range(6):
            pair.run(rng.choice([0.2, 3.0, 6.0]))
            host = rng.choice(pair.hosts)
            host.handle(Rekey(host.ref(), rng.choice(["{*}", "[*]"])))
            if rng.random() < 0.3:
                host.up("oregon")
        monkeypatch.setattr(Exchanges, "_transmit", honest)
        pair.run(900)
        for host in pair.hosts:
            bookkeeping_is_right(host)
            assert not [s for s in host.ike_sas if s.state != "ESTABLISHED"], f"seed {seed}: {host.ike_sas}"
        before = len(pair.network.log)
        pair.run(300)
        sent = len(pair.network.log) - before
        assert sent < 300, f"seed {seed}: {sent} datagrams in 5 minutes in which nobody wants anything"
