"""RFC 3947: who is behind a NAT, told from two kinds of hashes."""

from __future__ import annotations

import hashlib

import pytest

from cygnet.engine.ikev1.nat import DRAFT, RFC, Hasher, build, detect, encapsulation
from cygnet.values.endpoint import Endpoint
from cygnet.values.iana import PrfId
from cygnet.wire.ikev1.nat import NatD
from cygnet.wire.ikev1.numbers import Encapsulation

HASHER = Hasher(PrfId.HMAC_SHA1, b"I" * 8 + b"R" * 8)
MOON, SUN = Endpoint.of("192.0.2.1"), Endpoint.of("192.0.2.2")
MOONS_NAT = Endpoint.of("203.0.113.7", 1024)


def test_the_hash_is_over_cookies_address_and_port() -> None:
    expected = hashlib.sha1(b"I" * 8 + b"R" * 8 + bytes([192, 0, 2, 1]) + b"\x01\xf4").digest()
    assert HASHER.of(MOON) == expected


def test_without_a_nat_both_hashes_are_as_seen() -> None:
    sent = build(HASHER, RFC, local=MOON, remote=SUN)
    assert detect(HASHER, sent, local=SUN, remote=MOON) == (False, False)


def test_a_nat_before_the_sender_shows_in_the_second_hash() -> None:
    sent = build(HASHER, RFC, local=MOON, remote=SUN)
    assert detect(HASHER, sent, local=SUN, remote=MOONS_NAT) == (False, True)


def test_a_nat_before_the_receiver_shows_in_the_first_hash() -> None:
    sent = build(HASHER, RFC, local=SUN, remote=MOONS_NAT)
    assert detect(HASHER, sent, local=MOON, remote=SUN) == (True, False)


def test_a_sender_with_several_addresses_may_send_several_hashes() -> None:
    first, second = build(HASHER, RFC, local=MOON, remote=SUN)
    other = NatD(HASHER.of(Endpoint.of("10.0.0.1")))
    assert detect(HASHER, [first, other, second], local=SUN, remote=MOON) == (False, False)


def test_a_faked_source_makes_the_peer_see_a_nat() -> None:
    sent = build(HASHER, RFC, local=MOON, remote=SUN, fake=bytes(20))
    assert detect(HASHER, sent, local=SUN, remote=MOON) == (False, True)


@pytest.mark.parametrize(
    ("transport", "udp", "kind", "mode"),
    [
        (False, False, RFC, Encapsulation.TUNNEL),
        (True, False, RFC, Encapsulation.TRANSPORT),
        (False, True, RFC, Encapsulation.UDP_TUNNEL),
        (True, True, RFC, Encapsulation.UDP_TRANSPORT),
        (False, True, DRAFT, Encapsulation.UDP_TUNNEL_DRAFT),
        (True, True, DRAFT, Encapsulation.UDP_TRANSPORT_DRAFT),
        (False, False, None, Encapsulation.TUNNEL),
    ],
)
def test_the_mode_of_quick_mode_says_udp_in_the_peers_dialect(transport, udp, kind, mode) -> None:  # type: ignore[no-untyped-def]
    assert encapsulation(transport, udp, kind) == mode
