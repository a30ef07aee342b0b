"""Strict DER: one encoding for each value, everything else refused."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable

import pytest

from cygnet.values import der, dn
from cygnet.values.der import DerError


@pytest.mark.parametrize(
    "data",
    ["", "30", "3001", "3080", "308000", "30810100", "30820080", "3085000000000100", "1f0100", "308101"],
)
def test_a_wrong_tag_or_length_is_refused(data: str) -> None:
    with pytest.raises(DerError):
        der.only(bytes.fromhex(data))


def test_lengths_of_all_sizes_come_back() -> None:
    for length in (0, 1, 127, 128, 255, 256, 65535, 65536):
        data = der.encode(der.OCTET_STRING, bytes(length))
        assert der.only(data, der.OCTET_STRING).value == bytes(length)
        with pytest.raises(DerError):
            der.only(data + b"\0")


@pytest.mark.parametrize(("data", "value"), [("00", 0), ("7f", 127), ("0080", 128), ("ff", -1), ("80", -128)])
def test_integers(data: str, value: int) -> None:
    assert der.integer(bytes.fromhex(data)) == value


@pytest.mark.parametrize("data", ["", "0000", "007f", "ffff", "ff80"])
def test_padded_integers_are_refused(data: str) -> None:
    with pytest.raises(DerError):
        der.integer(bytes.fromhex(data))


@pytest.mark.parametrize("dotted", ["2.5.4.3", "1.2.840.113549.1.9.1", "0.9.2342", "2.999.3", "1.39.0"])
def test_object_identifiers_come_back(dotted: str) -> None:
    assert der.oid(der.only(der.encode_oid(dotted), der.OID).value) == dotted


@pytest.mark.parametrize("data", ["", "80", "8001", "2a80", "2a8001", "2aff"])
def test_odd_object_identifiers_are_refused(data: str) -> None:
    with pytest.raises(DerError):
        der.oid(bytes.fromhex(data))


@pytest.mark.parametrize("text", ["", "1", "3.1", "1.40", "a.b", "1.-2"])
def test_text_that_is_no_object_identifier_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        der.encode_oid(text)


@pytest.mark.parametrize("data", ["", "08", "01", "0101", "0480ff"[:4] + "81"])
def test_odd_bit_strings_are_refused(data: str) -> None:
    with pytest.raises(DerError):
        der.bits(bytes.fromhex(data))


def test_fields_are_taken_in_order_and_to_the_end() -> None:
    data = der.encode(der.SEQUENCE, b"\x02\x01\x05", b"\x01\x01\xff")
    fields = der.Fields.of(data)
    assert fields.optional(der.BOOLEAN) is None
    assert fields.need(der.INTEGER).value == b"\5"
    with pytest.raises(DerError):
        fields.end()
    with pytest.raises(DerError):
        fields.need(der.INTEGER)


READERS: list[Callable[[bytes], object]] = [
    der.only, der.sequence, der.oid, der.bits, der.named_bits, der.boolean, der.natural, dn.rdns,
]  # fmt: skip


def test_junk_is_a_value_or_a_der_error() -> None:
    rng = random.Random(3)
    for _ in range(3000):
        data = rng.randbytes(rng.randrange(12))
        for reader in READERS:
            with contextlib.suppress(DerError):
                reader(data)
        dn.text(data)


def attribute(oid: str, tag: int, value: bytes) -> bytes:
    return der.encode(der.SET, der.encode(der.SEQUENCE, der.encode_oid(oid), der.encode(tag, value)))


def test_names_of_any_string_type_are_the_same_when_they_read_the_same() -> None:
    names = [
        der.encode(der.SEQUENCE, attribute("2.5.4.3", tag, value))
        for tag, value in (
            (dn.PRINTABLE, b"Moon  Gate"),
            (dn.UTF8, b" moon gate"),
            (dn.BMP, "MOON GATE".encode("utf-16-be")),
            (dn.UNIVERSAL, "moon gate".encode("utf-32-be")),
            (dn.TELETEX, b"moon gate"),
        )
    ]
    assert len({dn.canonical(one) for one in names}) == 1
    other = der.encode(der.SEQUENCE, attribute("2.5.4.3", dn.UTF8, b"moongate"))
    assert dn.canonical(other) != dn.canonical(names[0])


def test_a_name_is_printed_as_strongswan_does_and_never_breaks_a_log_line() -> None:
    data = der.encode(
        der.SEQUENCE,
        attribute("2.5.4.6", dn.PRINTABLE, b"CH"),
        attribute("2.5.4.3", dn.UTF8, b"a\nb\x1b[1m"),
        attribute("1.2.3.4", der.OCTET_STRING, b"\1\2"),
    )
    assert dn.text(data) == "C=CH, CN=a?b?[1m, 1.2.3.4=#0102"
    assert dn.text(b"\xff") == "#ff"


@pytest.mark.parametrize("data", ["3100", "30023100", "30043102", "3004310230", "300631043002 0500"])
def test_what_is_no_name_is_refused(data: str) -> None:
    with pytest.raises(DerError):
        dn.rdns(bytes.fromhex(data))
