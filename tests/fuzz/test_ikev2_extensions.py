"""Broken redirects, crash tokens, tickets and synchronisations: at their decoders, and at the door of
two engines that use all of them.

Invariant: a decoder gives a value or PeerError; an engine gives effects, never an exception, and a
message that nobody authentic has sent changes nothing. CYGNET_FUZZ multiplies the number of cases.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from cygnet.boundary.events import Datagram, Rekey
from cygnet.engine.ikev2.sync import Counters
from cygnet.engine.ikev2.tickets import Session
from cygnet.model.config import CloseAction, Settings
from cygnet.testing.pair import Pair
from cygnet.values.errors import PeerError
from cygnet.values.iana import IdType, Protocol
from cygnet.values.identity import Identity
from cygnet.values.proposal import Proposal
from cygnet.values.secret import Secret
from cygnet.wire.header import ExchangeType
from cygnet.wire.ikev2.announcement import decode_announcements
from cygnet.wire.ikev2.gateway import Gateway
from tests.exchange.ikev2.story import tunnel

TIMES = int(os.environ.get("CYGNET_FUZZ", "1"))
SOMEBODY = Identity(IdType.FQDN, b"gw.example.org")
SEEDS = {
    "gateway": b"\x03\x0egw.example.org" + bytes(32),
    "announcements": bytes.fromhex("0202 030101 0a000e300506032b6570"),
    "counters": bytes(12),
    "session": Session("oregon", Secret(bytes(32)), Proposal(Protocol.IKE, ()), SOMEBODY, SOMEBODY).encode(),
}
DECODERS: dict[str, Callable[[bytes], object]] = {
    "gateway": Gateway.decode,
    "announcements": decode_announcements,
    "counters": Counters.decode,
    "session": Session.decode,
}


def mutated(rng: random.Random, data: bytes) -> bytes:
    noisy = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 8])):
        if noisy:
            noisy[rng.randrange(len(noisy))] = rng.choice([0, 1, 0x7F, 0xFF, rng.randrange(256)])
    if rng.random() < 0.3:
        del noisy[rng.randrange(len(noisy) + 1) :]
    if rng.random() < 0.1:
        noisy += rng.randbytes(rng.randrange(1, 300))
    return bytes(noisy)


@pytest.mark.parametrize("name", DECODERS)
def test_a_decoder_gives_a_value_or_a_peer_error(name: str) -> None:
    rng = random.Random(name)
    taken = 0
    for _ in range(3_000 * TIMES):
        data = mutated(rng, SEEDS[name])
        try:
            DECODERS[name](data)
            taken += 1
        except PeerError:
            pass
    assert taken


def using_everything() -> Pair:
    settings = Settings(block_threshold=0, cookie_threshold=0, announce_auth_methods=True, redirect="auto",
                        redirect_to=("192.0.2.80", "gw.example.org"))  # fmt: skip
    left, right = (
        replace(config, settings=settings)
        for config in tunnel(session_resumption=True, dpd_delay=30.0, child={"dpd_action": CloseAction.START})
    )
    return Pair(left, right, lasting=(Secret(b"l" * 32), Secret(b"r" * 32)))


def test_mutated_messages_of_a_life_with_crashes_never_raise_and_never_end_it() -> None:
    pair = using_everything()
    pair.left.up("oregon")
    pair.run(5)
    pair.right.restart()
    pair.run(31)
    pair.left.handle(Rekey(pair.left.ref(), "oregon[]"))
    pair.run(12)
    life = [entry for entry in pair.network.log if len(entry[3]) >= 28]
    assert any(data[18] == ExchangeType.IKE_SESSION_RESUME for *_, data in life)
    before = {(s.spi_i, s.spi_r) for s in pair.left.established()}
    assert before == {(s.spi_i, s.spi_r) for s in pair.right.established()}
    rng = random.Random("life")
    for _ in range(1_500 * TIMES):
        _, _, destination, data = rng.choice(life)
        noisy = bytearray(mutated(rng, data))
        if len(noisy) >= 28 and rng.random() < 0.9:
            noisy[24:28] = len(noisy).to_bytes(4)
        host = pair.left if destination.address == pair.left.address else pair.right
        here, there = host.established()[0].local, host.established()[0].remote
        host.handle(Datagram(here, there, bytes(noisy)))
    for host in pair.hosts:
        assert before <= {(s.spi_i, s.spi_r) for s in host.established()}
