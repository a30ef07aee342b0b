"""Ciphers against published vectors; each row round-trips, and refuses what is forged or cut."""

from __future__ import annotations

import random

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cygnet.crypto.encr import ROWS, Cipher, cipher
from cygnet.crypto.errors import IntegrityError
from cygnet.values.iana import EncrId, TransformType
from cygnet.values.proposal import Transform
from cygnet.values.secret import Secret
from tests.crypto.ccm import ccm_encrypt
from tests.vectors.load import Case, cases, title

TRANSFORMS = [t for row in ROWS for t in row.transforms()]
AEADS = [t for t in TRANSFORMS if cipher(t).aead]
OTHERS = [t for t in TRANSFORMS if not cipher(t).aead]
AAD = b"\x12\x34\x56\x78\0\0\0\x09"


def transform(name: str, bits: int) -> Transform:
    return Transform(TransformType.ENCR, EncrId[name], bits)


def material(chosen: Cipher) -> tuple[Secret, bytes]:
    """A key and an IV of the right lengths, the same every time."""
    made = random.Random(f"{chosen.id}{chosen.key_bits}")
    return Secret(made.randbytes(chosen.key_length)), made.randbytes(chosen.iv_length)


@pytest.mark.parametrize("case", cases("encr.txt"), ids=title)
def test_a_cipher_makes_what_is_published_and_takes_it_back(case: Case) -> None:
    chosen = cipher(transform(case.text("cipher"), int(case.text("bits"))))
    bound = chosen.bind(Secret(case.bytes("key")))
    aad = case.bytes("aad") if "aad" in case.fields else b""
    assert bound.encrypt(case.bytes("iv"), case.bytes("plaintext"), aad) == case.bytes("ciphertext")
    assert bound.decrypt(case.bytes("iv"), case.bytes("ciphertext"), aad) == case.bytes("plaintext")


def test_every_row_has_a_vector_or_a_check_of_its_own() -> None:
    published = {case.text("cipher") for case in cases("encr.txt")}
    checked_here = {"AES_CCM_8", "AES_CCM_12", "NULL_AUTH_AES_GMAC", "NULL"}
    assert {row.id.name for row in ROWS} == published | checked_here


@pytest.mark.parametrize("bits", [128, 192, 256])
@pytest.mark.parametrize("icv", [8, 12, 16])
def test_ccm_agrees_with_ccm_written_from_rfc_3610(icv: int, bits: int) -> None:
    chosen = cipher(transform(f"AES_CCM_{icv}", bits))
    key, iv = material(chosen)
    plain, salt = chosen.split(key)
    for length in (0, 1, 16, 33):
        data = bytes(range(length))
        expected = ccm_encrypt(plain, salt + iv, data, AAD, icv)
        assert chosen.bind(key).encrypt(iv, data, AAD) == expected


def test_the_check_itself_makes_packet_vector_1_of_rfc_3610() -> None:
    sealed = ccm_encrypt(
        bytes(range(0xC0, 0xD0)),
        bytes.fromhex("00000003020100a0a1a2a3a4a5"),
        bytes(range(8, 31)),
        bytes(range(8)),
        8,
    )
    assert sealed.hex() == "588c979a61c663d2f066d0c2c0f989806d5f6b61dac38417e8d12cfdf926e0"


@pytest.mark.parametrize("bits", [128, 192, 256])
def test_gmac_authenticates_header_iv_and_payload_and_hides_nothing(bits: int) -> None:
    """RFC 4543 §3: the nonce is salt | IV, and the IV is part of what is authentic."""
    chosen = cipher(transform("NULL_AUTH_AES_GMAC", bits))
    key, iv = material(chosen)
    plain, salt = chosen.split(key)
    expected = AESGCM(plain).encrypt(salt + iv, b"", AAD + iv + b"payload!")
    assert chosen.bind(key).encrypt(iv, b"payload!", AAD) == b"payload!" + expected


@pytest.mark.parametrize("kind", TRANSFORMS, ids=str)
@pytest.mark.parametrize("blocks", [0, 1, 3, 94])
def test_every_cipher_takes_back_what_it_made(kind: Transform, blocks: int) -> None:
    chosen = cipher(kind)
    key, iv = material(chosen)
    bound = chosen.bind(key)
    plaintext = bytes(i & 0xFF for i in range(16 * blocks))
    sealed = bound.encrypt(iv, plaintext, AAD)
    assert len(sealed) == len(plaintext) + chosen.icv_length
    assert bound.decrypt(iv, sealed, AAD) == plaintext
    assert bound.decrypt(memoryview(iv), memoryview(sealed), memoryview(AAD)) == plaintext
    assert bytes(bound.encrypt(memoryview(iv), memoryview(plaintext), memoryview(AAD))) == sealed


@pytest.mark.parametrize("kind", AEADS, ids=str)
def test_an_aead_refuses_any_changed_byte_of_data_tag_header_and_iv(kind: Transform) -> None:
    chosen = cipher(kind)
    key, iv = material(chosen)
    bound = chosen.bind(key)
    sealed = bound.encrypt(iv, bytes(32), AAD)
    for i in range(len(sealed)):
        with pytest.raises(IntegrityError):
            bound.decrypt(iv, flipped(sealed, i), AAD)
    for i in range(8):
        with pytest.raises(IntegrityError):
            bound.decrypt(iv, sealed, flipped(AAD, i))
        with pytest.raises(IntegrityError):
            bound.decrypt(flipped(iv, i), sealed, AAD)
    with pytest.raises(IntegrityError):
        chosen.bind(Secret(flipped(key.reveal(), 0))).decrypt(iv, sealed, AAD)
    assert bound.decrypt(iv, sealed, AAD) == bytes(32)


@pytest.mark.parametrize("kind", AEADS, ids=str)
def test_an_aead_refuses_everything_cut_short_and_everything_longer(kind: Transform) -> None:
    chosen = cipher(kind)
    key, iv = material(chosen)
    bound = chosen.bind(key)
    sealed = bound.encrypt(iv, bytes(32), AAD)
    for cut in range(len(sealed)):
        with pytest.raises(IntegrityError):
            bound.decrypt(iv, sealed[:cut], AAD)
    for short in (iv[:-1], iv + b"\0", b""):
        with pytest.raises(IntegrityError):
            bound.decrypt(short, sealed, AAD)
    with pytest.raises(IntegrityError):
        bound.decrypt(iv, sealed + b"\0", AAD)


@pytest.mark.parametrize("kind", OTHERS, ids=str)
def test_a_cipher_without_integrity_refuses_lengths_it_cannot_have(kind: Transform) -> None:
    chosen = cipher(kind)
    key, iv = material(chosen)
    bound = chosen.bind(key)
    if chosen.iv_length:
        for wrong in (iv[:-1], iv + b"\0"):
            with pytest.raises(IntegrityError):
                bound.decrypt(wrong, bytes(32))
    if chosen.block_size > 1:
        with pytest.raises(IntegrityError):
            bound.decrypt(iv, bytes(chosen.block_size + 1))
        with pytest.raises(ValueError, match="whole blocks"):
            bound.encrypt(iv, bytes(chosen.block_size + 1))


@pytest.mark.parametrize("kind", TRANSFORMS, ids=str)
def test_key_material_of_another_length_is_refused_without_showing_it(kind: Transform) -> None:
    chosen = cipher(kind)
    with pytest.raises(ValueError, match=f"takes {chosen.key_length} bytes") as caught:
        chosen.bind(Secret(b"Q" * (chosen.key_length + 1)))
    assert "QQ" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (transform("AES_CBC", 0), "AES_CBC is not supported"),
        (transform("AES_CBC", 512), "AES_CBC_512 is not supported"),
        (transform("CHACHA20_POLY1305", 256), "CHACHA20_POLY1305_256 is not supported"),
        (transform("DES", 0), "DES is not supported"),
        (Transform(TransformType.ENCR, 4711), "UNKNOWN_4711 is not supported"),
    ],
    ids=str,
)
def test_a_transform_that_no_row_stands_for_is_refused_by_name(kind: Transform, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        cipher(kind)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes((data[at] ^ 0x40,)) + data[at + 1 :]
