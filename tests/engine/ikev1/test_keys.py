"""RFC 2409 keys against values made by another implementation: the formulas written out with hmac."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from cygnet.engine.ikev1.keys import Exchanged, Phase1Keys, child_key_lengths, same
from cygnet.values.iana import EncrId, IntegId, PrfId, Protocol, TransformType
from cygnet.values.proposal import Proposal, Transform
from cygnet.values.secret import Secret

T = TransformType
SAID = Exchanged(b"I" * 8, b"R" * 8, b"public-i" * 16, b"public-r" * 16, b"ni" * 16, b"nr" * 16)
PSK, G_XY = b"a shared secret", b"\x11" * 128


def proposal(encr: EncrId, bits: int, hash: PrfId) -> Proposal:
    return Proposal(Protocol.IKE, (Transform(T.ENCR, encr, bits), Transform(T.PRF, hash)))


def keys(encr: EncrId = EncrId.AES_CBC, bits: int = 128, hash: PrfId = PrfId.HMAC_SHA1) -> Phase1Keys:
    return Phase1Keys(proposal(encr, bits, hash), Secret(PSK), Secret(G_XY), SAID)


HASHES = {PrfId.HMAC_MD5: "md5", PrfId.HMAC_SHA1: "sha1", PrfId.HMAC_SHA2_256: "sha256"}


@pytest.mark.parametrize("hash", HASHES)
def test_skeyids_are_the_formulas_of_rfc_2409(hash: PrfId) -> None:
    def p(key: bytes, data: bytes) -> bytes:
        return hmac.new(key, data, HASHES[hash]).digest()

    made = keys(hash=hash)
    skeyid = p(PSK, b"ni" * 16 + b"nr" * 16)
    d = p(skeyid, G_XY + b"I" * 8 + b"R" * 8 + b"\0")
    a = p(skeyid, d + G_XY + b"I" * 8 + b"R" * 8 + b"\1")
    e = p(skeyid, a + G_XY + b"I" * 8 + b"R" * 8 + b"\2")
    assert [s.reveal() for s in (made.skeyid, made.skeyid_d, made.skeyid_a, made.skeyid_e)] == [
        skeyid, d, a, e,
    ]  # fmt: skip
    assert made.encryption_key.reveal() == e[:16]
    assert made.hash_i(b"SA", b"ID") == p(
        skeyid, SAID.public_i + SAID.public_r + b"I" * 8 + b"R" * 8 + b"SAID"
    )
    assert made.hash_r(b"SA", b"ID") == p(
        skeyid, SAID.public_r + SAID.public_i + b"R" * 8 + b"I" * 8 + b"SAID"
    )
    assert made.phase_2_hash(0x01020304, b"rest") == p(a, b"\1\2\3\4rest")
    assert made.hash_3(0x01020304, b"x", b"y") == p(a, b"\0\1\2\3\4xy")


def test_a_key_longer_than_the_prf_is_expanded_by_appendix_b() -> None:
    """AES-256 with SHA-1: 20 bytes are not 32; 3DES with MD5: 16 are not 24."""
    made = keys(bits=256)
    e = made.skeyid_e.reveal()
    k1 = hmac.new(e, b"\0", "sha1").digest()
    k2 = hmac.new(e, k1, "sha1").digest()
    assert made.encryption_key.reveal() == (k1 + k2)[:32]
    made = keys(EncrId.TRIPLE_DES, 0, PrfId.HMAC_MD5)
    e = made.skeyid_e.reveal()
    k1 = hmac.new(e, b"\0", "md5").digest()
    assert made.encryption_key.reveal() == (k1 + hmac.new(e, k1, "md5").digest())[:24]


def test_ivs_come_from_the_public_values_then_from_the_last_block() -> None:
    made = keys()
    assert made.first_iv() == hashlib.sha1(SAID.public_i + SAID.public_r).digest()[:16]
    assert made.phase_2_iv(b"L" * 16, 7) == hashlib.sha1(b"L" * 16 + b"\0\0\0\7").digest()[:16]
    data, following = made.encrypt(made.first_iv(), b"twenty bytes of body")
    assert len(data) == 32
    assert following == data[16:]
    assert made.decrypt(made.first_iv(), data) == (b"twenty bytes of body" + bytes(12), data[16:])


def test_a_body_of_whole_blocks_gets_a_block_of_padding_as_charons() -> None:
    assert len(keys().encrypt(bytes(16), bytes(64))[0]) == 80


@pytest.mark.parametrize("data", [b"", b"x", bytes(15), bytes(17)])
def test_what_is_not_whole_blocks_is_not_decrypted(data: bytes) -> None:
    assert keys().decrypt(bytes(16), data) is None


@pytest.mark.parametrize("shared", [None, Secret(b"\x22" * 256)])
def test_keymat_is_expanded_block_by_block(shared: Secret | None) -> None:
    made = keys()
    seed = (shared.reveal() if shared else b"") + b"\3" + b"\xc0\0\0\1" + b"ni" + b"nr"
    k1 = hmac.new(made.skeyid_d.reveal(), seed, "sha1").digest()
    k2 = hmac.new(made.skeyid_d.reveal(), k1 + seed, "sha1").digest()
    assert made.keymat(Protocol.ESP, 0xC0000001, b"ni", b"nr", shared, 36) == (k1 + k2)[:36]


def test_child_keys_have_the_lengths_of_their_algorithms() -> None:
    def lengths(*transforms: Transform) -> tuple[int, int]:
        return child_key_lengths(Proposal(Protocol.ESP, transforms))

    assert lengths(Transform(T.ENCR, EncrId.AES_GCM_16, 128)) == (20, 0)
    assert lengths(Transform(T.ENCR, EncrId.TRIPLE_DES), Transform(T.INTEG, IntegId.HMAC_SHA2_256_128)) == (
        24,
        32,
    )


def test_hashes_are_compared_whole() -> None:
    assert same(b"abc", b"abc")
    assert not same(b"abc", b"ab")


def test_keys_never_show_in_a_repr() -> None:
    made = keys()
    assert made.skeyid_d.reveal().hex() not in repr(vars(made))
