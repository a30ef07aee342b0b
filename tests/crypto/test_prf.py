"""Prfs and prf+ against published vectors, and the rules for keys of fixed length."""

from __future__ import annotations

import pytest

from cygnet.crypto.hash import digest_length
from cygnet.crypto.prf import ROWS, Prf, prf, prf_plus
from cygnet.values.iana import PrfId
from tests.vectors.load import Case, cases, title


@pytest.mark.parametrize("case", cases("prf.txt"), ids=title)
def test_a_prf_makes_what_its_rfc_says(case: Case) -> None:
    assert prf(PrfId[case.text("prf")]).compute(case.bytes("key"), case.bytes("data")) == case.bytes("output")


@pytest.mark.parametrize("case", cases("prf_plus.txt"), ids=title)
def test_prf_plus_is_the_expansion_of_hkdf(case: Case) -> None:
    output = case.bytes("output")
    made = prf_plus(prf(PrfId[case.text("prf")]), case.bytes("key"), case.bytes("seed"), len(output))
    assert made == output


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.id.name)
def test_prf_plus_chains_its_blocks_as_rfc_7296_2_13_writes_it(row: Prf) -> None:
    t1 = row.compute(b"K", b"S\x01")
    t2 = row.compute(b"K", t1 + b"S\x02")
    t3 = row.compute(b"K", t2 + b"S\x03")
    made = prf_plus(row, b"K", b"S", 3 * row.output_length)
    assert made == t1 + t2 + t3
    assert prf_plus(row, b"K", b"S", row.output_length + 1) == made[: row.output_length + 1]
    assert prf_plus(row, b"K", b"S", 0) == b""


def test_prf_plus_stops_at_255_blocks() -> None:
    sha1 = prf(PrfId.HMAC_SHA1)
    assert len(prf_plus(sha1, b"K", b"S", 255 * 20)) == 255 * 20
    with pytest.raises(ValueError, match="at most 5100 bytes"):
        prf_plus(sha1, b"K", b"S", 255 * 20 + 1)


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.id.name)
def test_a_bound_prf_can_be_used_again_and_takes_its_data_in_parts(row: Prf) -> None:
    bound = row.bind(b"some key")
    assert bound.compute(b"one", b"two") == row.compute(b"some key", b"onetwo") == bound.compute(b"onetwo")
    assert len(bound.compute(b"")) == row.output_length


def test_only_the_prfs_made_of_a_block_cipher_cut_the_nonces() -> None:
    ni, nr = bytes(range(32)), bytes(range(100, 132))
    for row in ROWS:
        fixed = row.id in (PrfId.AES128_XCBC, PrfId.AES128_CMAC)
        assert row.fixed_key == fixed
        assert row.nonce_key(ni, nr) == (ni[:8] + nr[:8] if fixed else ni + nr)
        if not fixed:
            assert row.key_length == row.output_length == digest_length(row.id)


def test_an_unknown_prf_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="HMAC_TIGER is not supported"):
        prf(PrfId.HMAC_TIGER)
    with pytest.raises(ValueError, match="UNKNOWN_4711"):
        prf(4711)
