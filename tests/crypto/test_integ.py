"""Integrity algorithms against published vectors; each row signs, verifies and refuses."""

from __future__ import annotations

import pytest

from cygnet.crypto.errors import IntegrityError
from cygnet.crypto.integ import ROWS, Integrity, integrity
from cygnet.crypto.prf import prf
from cygnet.values.iana import IntegId
from cygnet.values.secret import Secret
from tests.vectors.load import Case, cases, title


@pytest.mark.parametrize("case", cases("integ.txt"), ids=title)
def test_an_icv_is_the_beginning_of_the_published_mac(case: Case) -> None:
    row = integrity(IntegId[case.text("integ")])
    icv = row.bind(Secret(case.bytes("key"))).sign(case.bytes("data"))
    assert icv == case.bytes("mac")[: row.icv_length]
    assert len(icv) == row.icv_length


def test_every_row_has_a_vector() -> None:
    assert {case.text("integ") for case in cases("integ.txt")} == {row.id.name for row in ROWS}


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.id.name)
@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 64, 100])
def test_a_signature_verifies_and_any_changed_bit_is_refused(row: Integrity, length: int) -> None:
    bound = row.bind(Secret(bytes(range(row.key_length))))
    data = bytes(i * 7 & 0xFF for i in range(length))
    icv = bound.sign(data)
    bound.verify(data, icv)
    bound.verify(memoryview(data), memoryview(icv))
    assert bound.sign(data[:3], data[3:]) == icv
    for i in range(len(icv)):
        forged = bytearray(icv)
        forged[i] ^= 0x80 >> i % 8
        with pytest.raises(IntegrityError):
            bound.verify(data, bytes(forged))
    for i in range(length):
        with pytest.raises(IntegrityError):
            bound.verify(data[:i] + bytes((data[i] ^ 1,)) + data[i + 1 :], icv)


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.id.name)
def test_a_cut_or_longer_icv_and_another_key_are_refused(row: Integrity) -> None:
    bound = row.bind(Secret(b"k" * row.key_length))
    icv = bound.sign(b"data")
    for wrong in (icv[:-1], icv + b"\0", b""):
        with pytest.raises(IntegrityError):
            bound.verify(b"data", wrong)
    with pytest.raises(IntegrityError):
        row.bind(Secret(b"K" * row.key_length)).verify(b"data", icv)


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.id.name)
def test_a_key_of_another_length_is_refused_without_showing_it(row: Integrity) -> None:
    with pytest.raises(ValueError, match=f"takes a key of {row.key_length} bytes, not 3") as caught:
        row.bind(Secret(b"abc"))
    assert "abc" not in str(caught.value)


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.id.name)
def test_the_prf_derived_from_an_integrity_algorithm_exists(row: Integrity) -> None:
    assert prf(row.prf).id == row.prf


def test_an_unknown_algorithm_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="DES_MAC is not supported"):
        integrity(IntegId.DES_MAC)
    with pytest.raises(ValueError, match="NONE is not supported"):
        integrity(0)
