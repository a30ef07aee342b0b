"""Whom a certificate fits, by strongSwan's rules."""

from __future__ import annotations

import ipaddress
import random

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from cygnet.credentials.match import RdnMatching, default_identity, dn_fits, fits
from cygnet.values import der
from cygnet.values.dn import text
from cygnet.values.iana import IdType
from cygnet.values.identity import ANY, Identity, parse_identity
from tests.certs import authority, name

SUBJECT = "C=CH, O=strongSwan, OU=Gate, CN=moon"
MOON = authority("Root").issues(
    SUBJECT,
    names=["DNS:moon.example.org", "EMAIL:moon@example.org", "IP:192.0.2.1", "IP:2001:db8::1", "DN:C=DE"],
)
CERT = MOON.certificate


def dn(text: str) -> Identity:
    return Identity(IdType.DER_ASN1_DN, name(text).public_bytes())


@pytest.mark.parametrize(
    ("wanted", "how"),
    [
        ("moon.example.org", 3),
        ("@MOON.example.org", 3),
        ("*.example.org", 2),
        ("sun.example.org", 0),
        ("example.org", 0),
        ("oon.example.org", 0),
        ("moon", 0),
        ("moon@example.org", 3),
        ("*@example.org", 2),
        ("sun@example.org", 0),
        ("192.0.2.1", 3),
        ("192.0.2.2", 0),
        ("2001:db8::1", 3),
        ("%any", 1),
    ],
)
def test_names_and_addresses_have_to_stand_in_subject_alt_name(wanted: str, how: int) -> None:
    assert fits(CERT, parse_identity(wanted)) == how


def test_a_common_name_is_no_host_name_and_an_address_is_no_name() -> None:
    plain = authority("Root").issues("moon.example.org", names=["DNS:192.0.2.1"]).certificate
    assert fits(plain, parse_identity("moon.example.org")) == 0
    assert fits(plain, Identity.of_address(ipaddress.ip_address("192.0.2.1"))) == 0


def test_a_wildcard_in_the_certificate_does_not_count() -> None:
    wild = authority("Root").issues("x", names=["DNS:*.example.org"]).certificate
    assert fits(wild, parse_identity("@vpn.example.org")) == 0
    assert fits(wild, parse_identity("@*.example.org")) == 3


@pytest.mark.parametrize(
    ("wanted", "strict", "reordered", "relaxed"),
    [
        (SUBJECT, 3, 3, 3),
        ("C=ch, O=STRONGSWAN, OU=gate, CN=Moon", 3, 3, 3),
        ("C=CH, O=strongSwan, OU=Gate, CN=*", 2, 2, 2),
        ("O=*, OU=*, CN=*", 0, 0, 2),
        ("CN=moon, OU=Gate, O=strongSwan, C=CH", 0, 3, 3),
        ("CN=*, OU=Gate, O=strongSwan, C=CH", 0, 2, 2),
        ("C=CH, O=strongSwan, CN=moon", 0, 0, 2),
        ("CN=moon, C=CH", 0, 0, 2),
        ("C=CH, O=strong*, OU=Gate, CN=moon", 0, 0, 0),
        ("C=CH, O=strong, OU=Gate, CN=moon", 0, 0, 0),
        ("C=CH, O=strongSwan, OU=Gate, CN=moo", 0, 0, 0),
        ("C=CH, O=strongSwan, OU=Gate, CN=sun", 0, 0, 0),
        ("C=CH, O=strongSwan, OU=Gate, CN=moon, CN=moon", 0, 0, 0),
        ("C=CH, O=moon, OU=Gate, CN=strongSwan", 0, 0, 0),
        ("C=DE", 3, 3, 3),
    ],
)
def test_names_are_compared_rdn_by_rdn(wanted: str, strict: int, reordered: int, relaxed: int) -> None:
    found = tuple(fits(CERT, dn(wanted), how) for how in RdnMatching)
    assert found == (strict, reordered, relaxed)


def test_what_looks_alike_as_text_is_not_alike() -> None:
    """A value that looks like two attributes when it is printed."""
    two = name("O=strongSwan, CN=moon").public_bytes()
    one = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "strongSwan, CN=moon")]).public_bytes()
    assert text(one) == text(two)
    for how in RdnMatching:
        assert dn_fits(one, two, how) == dn_fits(two, one, how) == 0


def test_an_empty_pattern_fits_only_an_empty_name() -> None:
    assert dn_fits(CERT.subject.data, b"\x30\x00", RdnMatching.RELAXED) == 0
    assert dn_fits(b"\x30\x00", b"\x30\x00") == 3


def test_key_ids() -> None:
    key = CERT.key
    assert CERT.subject_key_id is not None
    for data in (CERT.subject_key_id, key.keyid, key.spki_keyid):
        assert fits(CERT, parse_identity("@#" + data.hex())) == 3
        assert fits(CERT, Identity(IdType.KEY_ID, data[:-1])) == 0
    assert fits(CERT, Identity(IdType.KEY_ID, b"")) == 0


def test_the_default_identity_is_the_subject_or_the_first_name() -> None:
    root = authority("Root")
    assert default_identity(CERT) == CERT.subject and fits(CERT, CERT.subject) == 3
    assert default_identity(root.issues("", names=["DNS:a.b"]).certificate) == parse_identity("@a.b")
    assert default_identity(root.issues("", names=["URI:http://a"]).certificate) == ANY


def test_junk_fits_nothing() -> None:
    rng = random.Random(7)
    for _ in range(300):
        data = bytearray(CERT.subject.data)
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        for how in RdnMatching:
            assert dn_fits(CERT.subject.data, bytes(data), how) in (0, 2, 3)
            assert dn_fits(bytes(data), CERT.subject.data, how) in (0, 2, 3)
    assert dn_fits(b"", b"") == 0 and dn_fits(der.encode(der.SEQUENCE, b"\x31\x00"), b"\x30\x00") == 0
