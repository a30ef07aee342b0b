"""Hostile and broken IKEv1: mutated datagrams at the decoders and at the engine's door, and a peer
with the right keys that changes one payload before it hashes and encrypts.

Invariant: a decoder gives a value or PeerError; the engine gives effects, never an exception, and
keeps no more than it shows.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from cygnet.boundary.events import Rekey
from cygnet.engine.ikev1.exchange import MOST_OPEN, MOST_REMEMBERED, Exchange, Exchanges
from cygnet.engine.ikev1.sa import IkeSaV1
from cygnet.engine.ikev1.task import Outgoing
from cygnet.model.config import Fragmentation, Settings
from cygnet.testing.builders import oregon
from cygnet.testing.network import Faults
from cygnet.testing.pair import Pair
from cygnet.values.errors import PeerError
from cygnet.wire.header import HEADER_LENGTH, Header
from cygnet.wire.ikev1 import ipsec_doi, oakley, rules
from cygnet.wire.ikev1.identification import Id
from cygnet.wire.ikev1.message import PAYLOADS, body_of, decode_chain, describe, encode_chain
from cygnet.wire.ikev1.notification import Notification
from cygnet.wire.ikev1.numbers import Notify, PayloadType
from cygnet.wire.ikev1.payload import Payload, Unknown, read
from cygnet.wire.ikev1.sa import Sa
from tests.fuzz.hostile import TIMES, bombard, calm_afterwards, changed, mutated, noisy, rekeyed_at_random
from tests.fuzz.tally import Tally
from tests.wire.ikev1.test_payloads import CASES

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
    bombard(pair, rng, dose, LIFE, tally, "datagrams at an IKEv1 engine")
    few_exchanges(pair)


def few_exchanges(pair: Pair) -> None:
    for host in pair.hosts:
        for sa in host.engine._registry.ike_sas.values():
            assert isinstance(sa, IkeSaV1)
            assert len(sa.exchanges.open) <= MOST_OPEN + 8
            assert len(sa.exchanges._finished) <= MOST_REMEMBERED


def tampered(rng: random.Random, payloads: Sequence[Payload]) -> list[Payload]:
    def notify() -> Payload:
        protocol, spi = rng.choice([1, 2, 3]), rng.randbytes(rng.choice([0, 4, 16]))
        return Notification(
            Notify(rng.choice(list(Notify))), protocol, spi, rng.randbytes(rng.choice([0, 2, 4, 8]))
        )

    def unknown(like: Payload | None, body: bytes | None) -> Payload:
        if like is None or body is None:
            return Unknown(PayloadType(rng.randrange(60, 250)), b"?" * 7)
        return Unknown(like.type, body)

    return changed(rng, payloads, notify, unknown, body_of, least=1)


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
                outgoing = replace(outgoing, payloads=tampered(rng, outgoing.payloads))
            honest(self, exchange, outgoing, expect)

        monkeypatch.setattr(Exchanges, "_transmit", evil)
        pair = new_pair(
            f"stateful {seed}",
            aggressive=rng.random() < 0.3,
            esp=rng.choice(["aes128gcm16", "aes128-sha256-curve25519"]),
        )
        pair.network.faults = Faults(delay=0.05)
        rekeyed_at_random(pair, rng, [0.2, 3.0, 6.0])
        monkeypatch.setattr(Exchanges, "_transmit", honest)
        calm_afterwards(pair, seed)
        few_exchanges(pair)
