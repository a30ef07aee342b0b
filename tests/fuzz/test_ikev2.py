"""Hostile and broken IKEv2: mutated datagrams at the decoder and at the engine's door, and a peer
with the right keys that changes one field before it encrypts.

Invariant: the decoder gives a value or PeerError; the engine gives effects, never an exception,
and keeps no more than it shows.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from cygnet.boundary.events import Datagram, Rekey
from cygnet.model.config import Settings
from cygnet.testing.network import Faults
from cygnet.testing.pair import Pair
from cygnet.values.errors import PeerError
from cygnet.wire.header import ExchangeType, Header
from cygnet.wire.ikev2 import sealing
from cygnet.wire.ikev2.chain import encode_chain
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.numbers import PayloadType
from cygnet.wire.ikev2.payload import Payload
from cygnet.wire.ikev2.rules import check_rules
from cygnet.wire.ikev2.unknown import UnknownPayload
from tests.exchange.ikev2.story import tunnel
from tests.fuzz.hostile import TIMES, bombard, calm_afterwards, changed, mutated, rekeyed_at_random
from tests.fuzz.tally import Tally

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
    bombard(new_pair(f"entry {seed}"), rng, dose, LIFE, tally, "datagrams at an IKEv2 engine")


def tampered(rng: random.Random, payloads: Sequence[Payload]) -> list[Payload]:
    def notify() -> Payload:
        data = rng.randbytes(rng.choice([0, 2, 4, 8, 20]))
        return NotifyPayload(NotifyType(rng.choice(list(NotifyType))), data)

    def unknown(like: Payload | None, body: bytes | None) -> Payload:
        if like is None or body is None:
            return UnknownPayload(PayloadType(rng.randrange(60, 250)), b"?" * 7, True)
        return UnknownPayload(like.type, body)

    return changed(rng, payloads, notify, unknown, lambda payload: payload.encode())


@pytest.mark.parametrize("first", range(0, 120 * TIMES, 20))
def test_a_peer_with_keys_that_changes_one_field_breaks_nothing_but_its_own_tunnel(
    first: int, monkeypatch: pytest.MonkeyPatch, tally: Tally
) -> None:
    for seed in range(first, first + 20):
        tally["lives of an IKEv2 tunnel with an evil peer"] += 1
        rng = random.Random(f"stateful {seed}")
        rate = rng.choice([0.1, 0.3, 1.0])

        def evil(payloads: Sequence[Payload], rng: random.Random = rng, rate: float = rate) -> bytes:
            return encode_chain(tampered(rng, payloads) if rng.random() < rate else payloads)

        monkeypatch.setattr(sealing, "encode_chain", evil)
        pair = new_pair(
            f"stateful {seed}",
            ike=rng.choice(["aes128-sha256-x25519", "aes128gcm16-prfsha256-x25519-ke1_ecp256"]),
            esp=rng.choice(["aes128gcm16", "aes128gcm16-x25519", "aes128gcm16-x25519-ke1_ecp256"]),
            dpd_delay=20.0,
        )
        pair.network.faults = Faults(delay=0.05)
        rekeyed_at_random(pair, rng, [0.2, 3.0])
        monkeypatch.setattr(sealing, "encode_chain", encode_chain)
        calm_afterwards(pair, seed)


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
