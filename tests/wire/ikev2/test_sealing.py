"""Closed messages: SK and SKF payloads with every kind of cipher, and what does not open."""

from __future__ import annotations

import pytest

from cygnet.crypto.keywords import parse_proposal
from cygnet.engine.ikev2.keys import Nonces, first_keys
from cygnet.engine.ikev2.protect import protectors
from cygnet.engine.ikev2.suite import Suite
from cygnet.testing.entropy import SeededEntropy
from cygnet.values.errors import PeerError
from cygnet.values.iana import IdType, Protocol
from cygnet.values.identity import Identity
from cygnet.values.secret import Secret
from cygnet.wire.header import ExchangeType, Header
from cygnet.wire.ikev2.encrypted import SkfPayload, SkPayload
from cygnet.wire.ikev2.identification import IdIPayload
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.numbers import PayloadType
from cygnet.wire.ikev2.sealing import (
    Protector,
    opened,
    seal_message,
    unseal,
    unseal_fragment,
)

SUITES = [
    "aes128-sha256-x25519", "aes256-sha512-x25519", "aes192-aesxcbc-x25519", "3des-sha1-x25519",
    "camellia256-aescmac-x25519", "aes128ctr-sha1-x25519", "aes128gcm16-prfsha256-x25519",
    "aes256gcm8-prfsha256-x25519", "aes128ccm12-prfsha256-x25519", "chacha20poly1305-prfsha256-x25519",
]  # fmt: skip
INNER = (
    IdIPayload(Identity(IdType.FQDN, b"moon.example")),
    NotifyPayload(NotifyType.INITIAL_CONTACT),
    NotifyPayload(NotifyType.COOKIE2, b"x" * 40),
)
MESSAGE = Message(b"i" * 8, b"r" * 8, ExchangeType.IKE_AUTH, 1, True, False, INNER)


def ends(suite: str) -> tuple[Protector, Protector]:
    """(sealing for the responder, opening there)."""
    keys = first_keys(
        Suite.of(parse_proposal(suite, Protocol.IKE)),
        Nonces(b"n" * 16, b"m" * 16), Secret(b"shared"), b"i" * 8, b"r" * 8,
    )  # fmt: skip
    return (
        protectors(keys, True, SeededEntropy("i"))[0],
        protectors(keys, False, SeededEntropy("r"))[1],
    )


def sealed(message: Message, protector: Protector) -> bytes:
    (data,), _ = seal_message(message, protector, 1 << 20)
    return data


def closed(data: bytes) -> Message:
    return Message.decode(data, Header.decode(data))


@pytest.mark.parametrize("suite", SUITES)
def test_what_is_sealed_opens_at_the_other_end(suite: str) -> None:
    sealing, opening = ends(suite)
    for inner in (INNER, INNER[:1], ()):
        message = Message(b"i" * 8, b"r" * 8, ExchangeType.IKE_AUTH, 1, True, False, inner)
        data = sealed(message, sealing)
        assert unseal(closed(data), data, opening)[0] == message


@pytest.mark.parametrize("suite", SUITES)
def test_every_flipped_bit_is_found(suite: str) -> None:
    sealing, opening = ends(suite)
    data = sealed(MESSAGE, sealing)
    for at in [*range(16, 32), *range(32, len(data), 3)]:
        noisy = bytearray(data)
        noisy[at] ^= 0x40
        try:
            message = Message.decode(bytes(noisy), Header.decode(bytes(noisy)))
            with pytest.raises(PeerError):
                unseal(message, bytes(noisy), opening)
        except PeerError:
            continue


def test_sealing_the_same_twice_gives_something_else() -> None:
    for suite in SUITES:
        sealing, _ = ends(suite)
        assert sealed(MESSAGE, sealing) != sealed(MESSAGE, sealing), suite


@pytest.mark.parametrize("suite", SUITES)
def test_fragments_fit_their_limit_and_make_the_message(suite: str) -> None:
    sealing, opening = ends(suite)
    long = tuple(NotifyPayload(NotifyType.COOKIE2, bytes([n]) * 60) for n in range(30))
    message = Message(b"i" * 8, b"r" * 8, ExchangeType.IKE_AUTH, 1, True, False, long)
    pieces = seal_message(message, sealing, 400)[0]
    assert len(pieces) > 4 and all(len(p) <= 400 for p in pieces)
    plain = b""
    for number, data in enumerate(pieces, 1):
        fragment = closed(data)
        payload = fragment.need(SkfPayload)
        assert (payload.number, payload.total) == (number, len(pieces))
        assert payload.first == (PayloadType.NOTIFY if number == 1 else PayloadType.NONE)
        plain += unseal_fragment(fragment, data, opening)
    assert opened(message, PayloadType.NOTIFY, plain) == message


def test_a_message_within_the_limit_is_not_cut() -> None:
    sealing, _ = ends(SUITES[0])
    (data,), _ = seal_message(MESSAGE, sealing, 1200)
    assert closed(data).first(SkPayload) is not None


def test_an_encrypted_payload_within_an_encrypted_payload_is_refused() -> None:
    sealing, opening = ends(SUITES[0])
    inner = Message(b"i" * 8, b"r" * 8, ExchangeType.IKE_AUTH, 1, True, False, (SkPayload(b"x" * 64),))
    data = sealed(inner, sealing)
    with pytest.raises(PeerError, match="within"):
        unseal(closed(data), data, opening)


def test_what_is_too_short_to_be_sealed_is_refused() -> None:
    for suite in SUITES:
        _, opening = ends(suite)
        for length in range(34):
            with pytest.raises(PeerError):
                opening.open(b"head", bytes(length))
