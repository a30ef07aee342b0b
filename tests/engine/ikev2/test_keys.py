"""Key derivation against NIST's vectors, and each formula of the extensions computed a second way."""

from __future__ import annotations

import hmac

import pytest

from cygnet.crypto.keywords import parse_proposal
from cygnet.engine.ikev2.keys import (
    IkeKeys,
    Nonces,
    additional_keys,
    child_keys,
    first_keys,
    rekeyed_keys,
    resumed_keys,
    with_ppk,
)
from cygnet.engine.ikev2.suite import Suite
from cygnet.values.iana import Protocol
from cygnet.values.secret import Secret

# NIST CAVP, SP 800-135 IKEv2 KDF, HMAC-SHA1, "g^ir Length = 256" (as published with the CAVS
# component vectors): 132 bytes of DKM are SK_d .. SK_pr for AES-CBC-128 with HMAC-SHA1.
NI, NR = bytes.fromhex("32b50d5f4a3763f3"), bytes.fromhex("9206a04b26564cb1")
GIR = bytes.fromhex("4b2c1f971981a8ad8d0abeafabf38cf75fc8349c148142465ed9c8b516b8be52")
GIR_NEW = bytes.fromhex("863f3c9d06efd39d2b907b97f8699e5dd5251ef64a2a176f36ee40c87d4f9330")
SPI_I, SPI_R = bytes.fromhex("34c9e7c188868785"), bytes.fromhex("3ff77d760d2b2199")
DKM = bytes.fromhex(
    "a14293677cc80ff8f9cc0eee30d895da9d8f405666e30ef0dfcb63c634a46002a2a63080e514a062768b76606f9fa5e9"
    "92204fc5a670bde3f10d6b027113936a5c55b648a194ae587b0088d52204b702c979fa280870d2ed41efa9c549fd1119"
    "8af1670b143d384bd275c5f594cf266b05ebadca855e4249520a441a81157435a7a56cc4"
)
SKEYSEED_REKEY = bytes.fromhex("63e81194946ebd05df7df5ebf5d8750056bf1f1d")
NONCES = Nonces(NI, NR)


def suite(text: str) -> Suite:
    proposal = parse_proposal(text, Protocol.IKE)
    return Suite.of(proposal)


def stream(keys: IkeKeys) -> bytes:
    return b"".join(k.reveal() for k in (keys.d, keys.a_i, keys.a_r, keys.e_i, keys.e_r, keys.p_i, keys.p_r))


def expand(name: str, key: bytes, seed: bytes, length: int) -> bytes:
    """prf+ written a second time, with the standard library alone."""
    made, block = b"", b""
    for counter in range(1, 256):
        block = hmac.digest(key, block + seed + bytes((counter,)), name)
        made += block
        if len(made) >= length:
            break
    return made[:length]


def test_the_first_keys_are_nists() -> None:
    assert stream(first_keys(suite("aes128-sha1-modp2048"), NONCES, Secret(GIR), SPI_I, SPI_R)) == DKM


def test_a_rekeyed_ike_sa_starts_from_nists_seed() -> None:
    old = first_keys(suite("aes128-sha1-modp2048"), NONCES, Secret(GIR), SPI_I, SPI_R)
    new = rekeyed_keys(old, old.suite, NONCES, [Secret(GIR_NEW)], SPI_I, SPI_R)
    assert stream(new) == expand("sha1", SKEYSEED_REKEY, NI + NR + SPI_I + SPI_R, 132)


OLD = first_keys(suite("aes128gcm16-prfsha256-x25519"), NONCES, Secret(GIR), SPI_I, SPI_R)


def test_an_aead_has_no_integrity_keys_and_its_salt_is_part_of_the_cipher_key() -> None:
    assert (len(OLD.a_i), len(OLD.e_i), len(OLD.d)) == (0, 20, 32)
    seed = hmac.digest(NI + NR, GIR, "sha256")
    assert stream(OLD) == expand("sha256", seed, NI + NR + SPI_I + SPI_R, 32 * 3 + 20 * 2)


def test_additional_key_exchanges_of_the_handshake_follow_rfc_9370() -> None:
    new = additional_keys(OLD, NONCES, Secret(GIR_NEW), SPI_I, SPI_R)
    seed = hmac.digest(OLD.d.reveal(), GIR_NEW + NI + NR, "sha256")
    assert stream(new) == expand("sha256", seed, NI + NR + SPI_I + SPI_R, 136)


def test_additional_key_exchanges_of_a_rekeying_stand_behind_the_nonces() -> None:
    new = rekeyed_keys(
        OLD, OLD.suite, NONCES, [Secret(GIR_NEW), Secret(b"one"), Secret(b"two")], SPI_I, SPI_R
    )
    seed = hmac.digest(OLD.d.reveal(), GIR_NEW + NI + NR + b"one" + b"two", "sha256")
    assert stream(new) == expand("sha256", seed, NI + NR + SPI_I + SPI_R, 136)


def test_the_rekeyed_seed_comes_from_the_old_prf_and_the_keys_from_the_new_one() -> None:
    new = rekeyed_keys(OLD, suite("aes128-sha1-modp2048"), NONCES, [Secret(GIR_NEW)], SPI_I, SPI_R)
    seed = hmac.digest(OLD.d.reveal(), GIR_NEW + NI + NR, "sha256")
    assert stream(new) == expand("sha1", seed, NI + NR + SPI_I + SPI_R, 132)


def test_a_resumed_session_starts_from_the_tickets_sk_d() -> None:
    new = resumed_keys(OLD.d, OLD.suite, NONCES, SPI_I, SPI_R)
    seed = hmac.digest(OLD.d.reveal(), b"Resumption" + NI + NR, "sha256")
    assert stream(new) == expand("sha256", seed, NI + NR + SPI_I + SPI_R, 136)


def test_a_ppk_is_mixed_into_three_keys_and_no_other() -> None:
    new = with_ppk(OLD, Secret(b"post-quantum"))
    for mixed, before in ((new.d, OLD.d), (new.p_i, OLD.p_i), (new.p_r, OLD.p_r)):
        assert mixed.reveal() == expand("sha256", b"post-quantum", before.reveal(), 32)
    assert (new.e_i, new.e_r, new.a_i, new.a_r) == (OLD.e_i, OLD.e_r, OLD.a_i, OLD.a_r)


@pytest.mark.parametrize("shared", [[], [GIR], [GIR, b"additional"]], ids=["plain", "pfs", "multiple"])
def test_keymat_is_cut_initiator_first_encryption_first(shared: list[bytes]) -> None:
    proposal = parse_proposal("aes128-sha256", Protocol.ESP)
    seed = (shared[0] if shared else b"") + NI + NR + b"".join(shared[1:])
    keymat = expand("sha256", OLD.d.reveal(), seed, 2 * (16 + 32))
    secrets = [Secret(s) for s in shared]
    ours = child_keys(OLD.suite.prf, OLD.d, proposal, NONCES, secrets, initiator=True)
    theirs = child_keys(OLD.suite.prf, OLD.d, proposal, NONCES, secrets, initiator=False)
    assert (ours.encr_out.reveal(), ours.integ_out.reveal()) == (keymat[:16], keymat[16:48])
    assert (ours.encr_in.reveal(), ours.integ_in.reveal()) == (keymat[48:64], keymat[64:])
    assert (ours.encr_out, ours.integ_out, ours.encr_in) == (theirs.encr_in, theirs.integ_in, theirs.encr_out)


def test_short_prf_keys_take_eight_bytes_of_each_nonce() -> None:
    # §2.14: "only the first 64 bits of Ni and the first 64 bits of Nr are used in calculating SKEYSEED"
    long = Nonces(bytes(range(32)), bytes(range(100, 132)))
    which = suite("aes128-aesxcbc-x25519")
    again = Nonces(long.i[:8], long.r[:8])
    one = which.prf.compute(again.both, GIR)
    assert which.prf.compute(which.prf.nonce_key(long.i, long.r), GIR) == one


def test_keys_do_not_show_in_their_repr() -> None:
    assert OLD.d.reveal().hex() not in repr(OLD) and "32 bytes" in repr(OLD)
