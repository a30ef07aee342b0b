"""ESP suites: published packets, round trips, refusals, and what IVs and sequence numbers must be."""

from __future__ import annotations

import random
import struct

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher as Context
from cryptography.hazmat.primitives.ciphers import algorithms, modes

from cygnet.crypto.encr import ROWS, cipher
from cygnet.crypto.esp import EspSuite, IntegrityError, InvalidTag, esp_suite, raw_aead
from cygnet.crypto.integ import ROWS as INTEG_ROWS
from cygnet.crypto.integ import integrity
from cygnet.crypto.rows import Use
from cygnet.values.iana import EncrId, IntegId, TransformType
from cygnet.values.proposal import Transform
from cygnet.values.secret import Secret
from tests.vectors.load import Case, cases, title

NO_KEY = Secret(b"")
SHA256 = Transform(TransformType.INTEG, IntegId.HMAC_SHA2_256_128)
ZERO = bytes(4)


def encr(name: str, bits: int = 0) -> Transform:
    return Transform(TransformType.ENCR, EncrId[name], bits)


def header(sequence: int) -> bytes:
    return struct.pack(">II", 0xC0FFEE01, sequence)


def combinations() -> list[tuple[Transform, Transform | None]]:
    """Every cipher; the ones without their own integrity with SHA-256, AES-128-CBC with each algorithm."""
    found: list[tuple[Transform, Transform | None]] = []
    for row in ROWS:
        found += [(t, None if row.aead else SHA256) for t in row.transforms()]
    macs = [Transform(TransformType.INTEG, row.id) for row in INTEG_ROWS if row.use & Use.ESP]
    return found + [(encr("AES_CBC", 128), mac) for mac in macs]


PAIRS = pytest.mark.parametrize(("kind", "mac"), combinations(), ids=str)


def suite(kind: Transform, mac: Transform | None, esn: bool = False) -> EspSuite:
    drawn = random.Random(f"{kind}{mac}")
    key = Secret(drawn.randbytes(cipher(kind).key_length))
    integ_key = Secret(drawn.randbytes(integrity(mac.id).key_length)) if mac else NO_KEY
    return esp_suite(kind, key, mac, integ_key, esn=esn)


@pytest.mark.parametrize("case", cases("esp.txt"), ids=title)
def test_a_published_packet_opens(case: Case) -> None:
    high = case.bytes("high")
    kind = encr(case.text("cipher"), int(case.text("bits")))
    opener = esp_suite(kind, Secret(case.bytes("key")), None, NO_KEY, esn=bool(high))
    assert opener.open(case.bytes("packet"), high or ZERO) == case.bytes("payload")


@pytest.mark.parametrize("case", cases("esp.txt"), ids=title)
def test_a_published_packet_is_made_again_by_hand_in_place(case: Case) -> None:
    packet, high = case.bytes("packet"), case.bytes("high")
    raw = raw_aead(encr(case.text("cipher"), int(case.text("bits"))), Secret(case.bytes("key")))
    assert raw is not None
    aad = packet[:4] + high + packet[4:8]
    buffer = bytearray(packet[:16] + case.bytes("payload") + bytes(raw.icv_length))
    view = memoryview(buffer)
    nonce = raw.salt + packet[8:16]
    written = raw.cipher.encrypt_into(nonce, view[16 : -raw.icv_length], aad, view[16:])
    assert bytes(buffer) == packet and written == len(packet) - 16
    assert raw.cipher.decrypt_into(nonce, view[16:], aad, view[16 : -raw.icv_length]) == len(
        case.bytes("payload")
    )
    assert buffer[16 : -raw.icv_length] == case.bytes("payload")
    buffer[-1] ^= 1
    with pytest.raises(InvalidTag):
        raw.cipher.decrypt_into(nonce, view[16:], aad, bytearray(len(packet) - 16 - raw.icv_length))


@PAIRS
@pytest.mark.parametrize("esn", [False, True], ids=["seq32", "esn"])
def test_a_sealed_packet_opens_at_the_other_end(kind: Transform, mac: Transform | None, esn: bool) -> None:
    sender, receiver = suite(kind, mac, esn), suite(kind, mac, esn)
    for sequence, length in enumerate([0, 1, 2, 7, 40], 1):
        payload = bytes(i & 0xFF for i in range(length * max(sender.align, 16)))
        packet = sender.seal(header(sequence), ZERO, payload)
        assert packet[:8] == header(sequence)
        assert len(packet) == 8 + sender.iv_length + len(payload) + sender.icv_length
        assert receiver.open(packet, ZERO) == payload
        assert receiver.open(memoryview(bytearray(packet)), ZERO) == payload


@PAIRS
def test_a_packet_with_any_byte_changed_is_refused(kind: Transform, mac: Transform | None) -> None:
    packet = suite(kind, mac).seal(header(1), ZERO, bytes(16))
    receiver = suite(kind, mac)
    for i in range(len(packet)):
        forged = bytearray(packet)
        forged[i] ^= 1 << i % 8
        with pytest.raises(IntegrityError):
            receiver.open(forged, ZERO)
    assert receiver.open(packet, ZERO) == bytes(16)


@PAIRS
def test_a_packet_cut_anywhere_is_refused(kind: Transform, mac: Transform | None) -> None:
    packet = suite(kind, mac).seal(header(1), ZERO, bytes(16))
    receiver = suite(kind, mac)
    for cut in range(len(packet)):
        with pytest.raises(IntegrityError):
            receiver.open(packet[:cut], ZERO)


@PAIRS
def test_with_esn_the_high_sequence_number_is_authentic_though_not_sent(
    kind: Transform, mac: Transform | None
) -> None:
    packet = suite(kind, mac, esn=True).seal(header(1), b"\0\0\0\x05", bytes(16))
    receiver = suite(kind, mac, esn=True)
    assert receiver.open(packet, b"\0\0\0\x05") == bytes(16)
    with pytest.raises(IntegrityError):
        receiver.open(packet, b"\0\0\0\x06")


@pytest.mark.parametrize("kind", [t for t, m in combinations()[:33] if cipher(t).iv_length], ids=str)
def test_an_iv_never_comes_twice(kind: Transform) -> None:
    sender = suite(kind, None if cipher(kind).aead else SHA256)
    ivs = {sender.seal(header(n), ZERO, bytes(16))[8 : 8 + sender.iv_length] for n in range(1, 300)}
    assert len(ivs) == 299


@pytest.mark.parametrize(("kind", "block"), [(encr("AES_CBC", 256), 16), (encr("TRIPLE_DES"), 8)], ids=str)
def test_cbc_packets_stand_alone_so_that_lost_ones_do_not_matter(kind: Transform, block: int) -> None:
    """Each packet is plain CBC under its own IV: a context made afresh opens it (RFC 3602 §3)."""
    key = Secret(bytes(range(cipher(kind).key_length)))
    sender = esp_suite(kind, key, SHA256, Secret(bytes(32)))
    row = cipher(kind).row
    assert row.algorithm is not None
    for sequence in range(1, 20):
        payload = bytes((sequence,)) * 48
        body = sender.seal(header(sequence), ZERO, payload)[8:-16]
        fresh = Context(row.algorithm(key.reveal()), modes.CBC(body[:block])).decryptor()
        assert fresh.update(body[block:]) == payload


def test_a_cbc_iv_is_the_enciphered_sequence_number_chained_to_what_went_before() -> None:
    key, sent = bytes(range(16)), b"\0" * 16
    sender = esp_suite(encr("AES_CBC", 128), Secret(key), SHA256, Secret(bytes(32)))
    block = Context(algorithms.AES(key), modes.ECB()).encryptor().update
    for sequence in range(1, 5):
        packet = sender.seal(header(sequence), ZERO, bytes(32))
        chained = int.from_bytes(sent, "big") ^ sequence
        assert packet[8:24] == block(chained.to_bytes(16, "big"))
        sent = packet[-32:-16]


def test_the_wrong_block_length_is_refused_before_the_stream_is_touched() -> None:
    sender, receiver = (suite(encr("AES_CBC", 128), SHA256) for _ in range(2))
    with pytest.raises(ValueError, match="whole blocks of 16"):
        sender.seal(header(1), ZERO, bytes(15))
    assert receiver.open(sender.seal(header(2), ZERO, bytes(32)), ZERO) == bytes(32)


@pytest.mark.parametrize(
    ("kind", "mac", "text"),
    [
        (encr("AES_CBC", 128), None, "needs an integrity algorithm"),
        (encr("NULL"), None, "needs an integrity algorithm"),
        (encr("AES_GCM_16", 128), SHA256, "takes no HMAC_SHA2_256_128"),
        (encr("DES"), SHA256, "not supported"),
        (encr("AES_CBC", 128), Transform(TransformType.INTEG, IntegId.DES_MAC), "not supported"),
    ],
    ids=str,
)
def test_algorithms_that_cannot_stand_together_are_refused(
    kind: Transform, mac: Transform | None, text: str
) -> None:
    length = cipher(kind).key_length if kind.id != EncrId.DES else 8
    with pytest.raises(ValueError, match=text):
        esp_suite(kind, Secret(bytes(length)), mac, Secret(bytes(32)))


def test_an_aead_takes_integrity_none_for_no_integrity() -> None:
    none = Transform(TransformType.INTEG, IntegId.NONE)
    assert esp_suite(encr("AES_GCM_16", 128), Secret(bytes(20)), none, NO_KEY).icv_length == 16


def test_a_raw_aead_does_not_show_its_salt() -> None:
    raw = raw_aead(encr("AES_GCM_16", 128), Secret(bytes(range(16)) + b"salt"))
    assert raw is not None and "salt" not in repr(raw) and "73616c74" not in repr(raw)
    assert raw_aead(encr("AES_CBC", 128), Secret(bytes(16))) is None
