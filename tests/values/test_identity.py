"""Identities: how they are written, printed and matched."""

from __future__ import annotations

import pytest

from cygnet.values.iana import IdType
from cygnet.values.identity import ANY, Identity


@pytest.mark.parametrize(
    ("text", "type_", "data"),
    [
        ("10.31.1.185", IdType.IPV4_ADDR, bytes([10, 31, 1, 185])),
        ("2001:db8::1", IdType.IPV6_ADDR, bytes.fromhex("20010db8000000000000000000000001")),
        ("@oregon.example", IdType.FQDN, b"oregon.example"),
        ("oregon.example", IdType.FQDN, b"oregon.example"),
        ("admin@example.org", IdType.USER_FQDN, b"admin@example.org"),
        ("@@admin@example.org", IdType.USER_FQDN, b"admin@example.org"),
        ("@#deadbeef", IdType.KEY_ID, bytes.fromhex("deadbeef")),
        ("keyid:group one", IdType.KEY_ID, b"group one"),
        ("fqdn:10.0.0.1", IdType.FQDN, b"10.0.0.1"),
        ("%any", IdType.ANY, b""),
        ("", IdType.ANY, b""),
    ],
)
def test_text_becomes_the_type_strongswan_gives_it(text: str, type_: IdType, data: bytes) -> None:
    assert Identity.parse(text) == Identity(type_, data)


@pytest.mark.parametrize(
    "text", ["10.31.1.185", "oregon.example", "admin@example.org", "%any", "2001:db8::1"]
)
def test_printing_gives_back_what_was_written(text: str) -> None:
    assert str(Identity.parse(text)) == text


def test_a_peer_s_identity_prints_without_control_characters() -> None:
    assert str(Identity(IdType.FQDN, b"evil\x1b[2J")) == "evil?[2J"
    assert str(Identity(IdType.KEY_ID, b"\xff\x00")) == "#ff00"
    assert str(Identity(IdType(77), b"\x01")) == "UNKNOWN_77:01"
    assert str(Identity(IdType.IPV4_ADDR, b"\x01")) == "IPV4_ADDR:01"


def test_matching_prefers_exact_over_wildcard_over_any() -> None:
    who = Identity.parse("gw.oregon.example")
    patterns = [Identity.parse(p) for p in ("GW.oregon.example", "*.oregon.example", "%any", "other")]
    assert [who.matches(p) for p in patterns] == [3, 2, 1, 0]


def test_identities_of_different_types_do_not_match() -> None:
    assert Identity.parse("@10.0.0.1").matches(Identity.parse("10.0.0.1")) == 0
    assert ANY.is_any


def test_a_distinguished_name_is_compared_by_its_attributes() -> None:
    name = Identity.parse("C=CH, O=example, CN=moon")
    assert name.type == IdType.DER_ASN1_DN and str(name) == "C=CH, O=example, CN=moon"
    assert name.matches(Identity.parse("/C=CH/O=Example/CN=MOON")) == 3
    assert name.matches(Identity.parse("C=CH, O=example, CN=*")) == 2
    assert name.matches(Identity.parse("C=CH, CN=moon")) == 0
    assert Identity.parse("C=CH, O=*").is_pattern and not name.is_pattern
    assert name.spelling == Identity.parse("C=CH, O=EXAMPLE, CN=Moon").spelling
    assert Identity.parse(f"asn1dn:#{name.data.hex()}") == name
    with pytest.raises(ValueError, match="no attribute"):
        Identity.parse("C=CH, nonsense")
