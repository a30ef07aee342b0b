"""What every row of every algorithm table must hold, so that whoever adds one is told."""

from __future__ import annotations

import pytest

from cygnet.crypto import encr, integ, ke, prf
from cygnet.crypto.encr import EncrRow
from cygnet.crypto.rows import Use

TABLES = {"encr": encr.ROWS, "integ": integ.ROWS, "prf": prf.ROWS, "ke": ke.ROWS}


@pytest.mark.parametrize("rows", TABLES.values(), ids=TABLES.keys())
def test_no_number_stands_twice_and_each_has_a_name_words_and_a_use(rows: tuple[EncrRow, ...]) -> None:
    ids = [row.id for row in rows]
    assert len(ids) == len(set(ids))
    for row in rows:
        assert row.id.known
        assert row.keywords
        assert row.use


@pytest.mark.parametrize("row", encr.ROWS, ids=lambda r: r.id.name)
def test_a_cipher_row_is_consistent(row: EncrRow) -> None:
    assert bool(row.key_bits) != bool(row.fixed_key) or row.id.name == "NULL"
    assert all("{bits}" in word for word in row.keywords) == bool(row.key_bits)
    assert row.aead == bool(row.icv), "an ICV of its own is what makes it an AEAD"
    assert not (row.raw and row.algorithm)
    if row.use & Use.IKEV1:
        assert row.block > 1, "IKEv1's phase 1 chains CBC IVs (RFC 2409 appendix B)"
    if row.salt:
        assert row.iv == 8


@pytest.mark.parametrize("row", prf.ROWS, ids=lambda r: r.id.name)
def test_a_prf_takes_keys_of_its_own_output_length(row: prf.Prf) -> None:
    """RFC 7296 §2.13: the preferred key size equals the output size in all of them."""
    assert row.key_length == row.output_length
    assert len(row.compute(b"", b"")) == row.output_length


@pytest.mark.parametrize("row", integ.ROWS, ids=lambda r: r.id.name)
def test_an_integrity_algorithm_keeps_at_least_96_bits(row: integ.Integrity) -> None:
    assert 12 <= row.icv_length <= len(row.make(bytes(row.key_length)).compute(b""))
