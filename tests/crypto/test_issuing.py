"""Makers of what a CA hands out, below the command line."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from cygnet.crypto import addrblock
from cygnet.crypto.issuing import certificates, keys
from cygnet.crypto.issuing.errors import IssuingError, WishError
from cygnet.crypto.issuing.extensions import Wishes, address_blocks
from cygnet.crypto.issuing.names import name_from_der
from cygnet.crypto.x509 import Certificate
from cygnet.values import dn, dn_text

NOW = datetime(2027, 1, 15, tzinfo=UTC)


def terms(subject: str = "CN=a", **wishes: object) -> certificates.Terms:
    return certificates.Terms(
        subject=dn_text.parse(subject),
        serial=1,
        not_before=NOW,
        not_after=NOW + timedelta(days=1),
        wishes=Wishes(**wishes),  # type: ignore[arg-type]
    )


# names ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("C=CH, O=strongSwan, CN=moon", "C=CH, O=strongSwan, CN=moon"),
        ("/C=CH/O=a, b/CN=moon", "C=CH, O=a, b, CN=moon"),
        ("cn = moon ,ou=x", "CN=moon, OU=x"),
        ("E=a@b.c, DC=org, UID=me", "E=a@b.c, DC=org, UID=me"),
        ("CN=Zürich", "CN=Zürich"),
        ("CN=a=b, 1.2.3.4=x", "CN=a=b, 1.2.3.4=x"),
        ("CN=*", "CN=*"),
        ("CN=", "CN="),
    ],
)
def test_a_name_is_read_as_strongswan_reads_it(text: str, shown: str) -> None:
    der = dn_text.parse(text)
    assert dn.text(der) == shown
    assert name_from_der(der).public_bytes() == der
    assert dn_text.parse("asn1dn:#" + der.hex()) == der


@pytest.mark.parametrize("text", ["", "CN", "X=1", "CN=a,,O=b", "CN=a,b", "asn1dn:#30", "1=2", "=x"])
def test_a_name_that_is_none_says_which_part(text: str) -> None:
    with pytest.raises(ValueError, match="name"):
        dn_text.parse(text)


@given(st.binary(max_size=64))
def test_the_library_writes_a_name_as_it_came(junk: bytes) -> None:
    value = junk.hex()
    der = dn_text.parse(f"C=CH, O={value}, CN=é{value}")
    assert name_from_der(der).public_bytes() == der


# address blocks ------------------------------------------------------------------------


def test_blocks_that_touch_are_one() -> None:
    """RFC 3779, appendix B; what it writes as one range is one."""
    blocks = ["10.2.64.0/24", "10.0.32.0/20", "10.0.64.0/24", "10.1.0.0/16", "10.2.48.0/20", "10.3.0.0/16"]
    made = address_blocks(blocks)
    (found,) = addrblock.address_blocks(made)
    assert str(found) == "10.0.32.0/20, 10.0.64.0/24, 10.1.0.0/16, 10.2.48.0-10.2.64.255, 10.3.0.0/16"
    assert made.hex() == (
        "302c 302a 0402 0001 3024 0304 040a0020 0304 000a0040 0303 000a01"
        "300c 0304 040a0230 0304 000a0240 0303 000a03"
    ).replace(" ", "")


_V4 = st.integers(0, 2**32 - 1)


@given(st.lists(st.tuples(_V4, _V4).map(sorted), min_size=1, max_size=6))
def test_any_ranges_are_the_same_when_read(ranges: list[list[int]]) -> None:
    texts = [f"{IPv4Address(a)}-{IPv4Address(b)}" for a, b in ranges]
    random.Random(1).shuffle(texts)
    (found,) = addrblock.address_blocks(address_blocks(texts))
    assert found.ranges == addrblock.merged((a, b) for a, b in ranges)


def test_all_addresses_there_are_can_be_a_block() -> None:
    found = addrblock.address_blocks(address_blocks(["::/0", "0.0.0.0-255.255.255.255", "0.0.0.0/1"]))
    assert [str(block) for block in found] == ["0.0.0.0/0", "::/0"]


# keys ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", keys.KEY_TYPES)
def test_a_key_is_the_same_in_every_encoding(kind: str) -> None:
    key = keys.generate(kind, 2048 if kind == "rsa" else 0)
    wanted = keys.spki(key.public_key())
    styles = [PrivateFormat.PKCS8, PrivateFormat.OpenSSH] if kind != "ed448" else [PrivateFormat.PKCS8]
    if kind in ("rsa", "ecdsa"):
        styles.append(PrivateFormat.TraditionalOpenSSL)
    for style in styles:
        text = key.private_bytes(Encoding.PEM, style, NoEncryption())
        for around in (text, b"\xef\xbb\xbfBag Attributes\r\n" + text.replace(b"\n", b"\r\n") + b"\nmore"):
            assert keys.spki(keys.load_private(around).public_key()) == wanted
    for pem in (False, True):
        assert keys.spki(keys.load_private(keys.encode_private(key, pem)).public_key()) == wanted
        assert (
            keys.spki(keys.load_public(keys.encode_public(key.public_key(), "pem" if pem else "der")))
            == wanted
        )


def test_an_ssh_key_is_the_library_s_without_its_words() -> None:
    key = keys.generate("ed25519").public_key()
    whole = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    assert keys.encode_public(key, "sshkey") in whole
    with pytest.raises(IssuingError, match="no encoding as an SSH key"):
        keys.encode_public(keys.generate("ed448").public_key(), "sshkey")


def test_eddsa_takes_no_digest() -> None:
    with pytest.raises(WishError, match="part of the algorithm"):
        keys.signing(keys.generate("ed25519"), "sha256")


@pytest.mark.parametrize(("bits", "digest"), [(256, "sha256"), (384, "sha384"), (521, "sha512")])
def test_the_digest_is_as_strong_as_the_key(bits: int, digest: str) -> None:
    hash_ = keys.signing(keys.generate("ecdsa", bits)).hash
    assert hash_ is not None and hash_.name == digest


def test_a_key_says_nothing_of_itself() -> None:
    key = keys.generate("ecdsa")
    assert "PRIVATE" not in repr(keys.signing(key)) and keys.describe(key) == "ECDSA 384 bits"


# certificates --------------------------------------------------------------------------


def test_a_serial_number_is_positive_and_of_full_length_whatever_chance_says() -> None:
    for chance in (b"\0" * 16, b"\xff" * 16):
        assert 0 < certificates.serial_from(chance) < 1 << 127
        assert certificates.serial_from(chance).bit_length() == 127


@pytest.mark.parametrize("serial", [0, 1 << 159])
def test_a_serial_number_out_of_range_is_refused(serial: int) -> None:
    how = keys.signing(keys.generate("ecdsa"))
    wrong = certificates.Terms(
        subject=dn_text.parse("CN=a"), serial=serial, not_before=NOW, not_after=NOW, wishes=Wishes()
    )
    with pytest.raises(WishError, match="serial number"):
        certificates.self_signed(wrong, how)


def test_the_parser_of_ours_reads_what_is_made() -> None:
    how = keys.signing(keys.generate("ecdsa", 256))
    made = Certificate.parse(
        certificates.self_signed(
            terms("C=CH, CN=root", ca=True, path_length=1, blocks=("10.0.0.0/8",), excluded=("C=DE",)), how
        )
    )
    assert made.is_ca and made.path_length == 1 and not made.unknown_critical
    assert str(made.address_blocks[0]) == "10.0.0.0/8" if made.address_blocks else False
    assert made.subject_key_id == made.key.keyid
    made.verify_issued_by(made)


def test_an_issuer_s_name_is_taken_byte_by_byte() -> None:
    how = keys.signing(keys.generate("ecdsa", 256))
    odd = dn_text.parse("CN=ab").replace(b"\x13\x02ab", b"\x16\x02ab")  # IA5String
    made = certificates.self_signed(terms("asn1dn:#" + odd.hex(), ca=True), how)
    ca = Certificate.parse(made)
    assert ca.subject.data == odd
    leaf = Certificate.parse(certificates.issue(terms(), keys.generate("ed25519").public_key(), ca, how))
    assert leaf.issuer.data == odd


def test_a_name_that_would_come_out_otherwise_is_refused() -> None:
    odd = dn_text.parse("CN=ab").replace(b"\x13\x02ab", b"\x14\x02\xe9b")  # T.61
    with pytest.raises(WishError, match="an encoding"):
        name_from_der(odd)


def test_what_ends_before_it_begins_is_refused() -> None:
    how = keys.signing(keys.generate("ecdsa"))
    wrong = certificates.Terms(
        subject=dn_text.parse("CN=a"), serial=1, not_before=NOW, not_after=NOW - timedelta(1), wishes=Wishes()
    )
    with pytest.raises(WishError, match="end before it begins"):
        certificates.self_signed(wrong, how)


def test_certificates_may_last_for_ever() -> None:
    how = keys.signing(keys.generate("ecdsa"))
    end = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    made = certificates.self_signed(
        certificates.Terms(subject=dn_text.parse("CN=a"), serial=1, not_before=NOW, not_after=end,
                           wishes=Wishes()), how)  # fmt: skip
    assert x509.load_der_x509_certificate(made).not_valid_after_utc == end
