"""`cygnet pki` and strongSwan's pki read what the other one makes, and show it in the same words."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from cygnet.crypto.issuing import keys
from cygnet.crypto.x509 import Certificate
from tests.cli.pki import Tool, needs_pki, strongswan

pytestmark = needs_pki

#: What both sides write alike. Not among them, as strongSwan 5.9.8 has them otherwise than their RFCs:
#: name constraints for networks (it writes them empty), policy constraints (with explicit tags), the
#: ends of address ranges (unused bits set); and msSmartcardLogon, behind which it prints no blank.
WISHES = """
    --san moon.example --san 10.0.0.1 --san a@b.example --san 2001:db8::1 --serial 7fff --flag serverAuth
    --flag clientAuth --flag ikeIntermediate --flag ocspSigning
    --ocsp http://ocsp.example/ --addrblock 10.0.0.0/8
    --cert-policy 1.2.3.4 --policy-mapping 1.2.3:1.2.4 --policy-any 2
"""


@pytest.fixture
def pki(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Tool:
    return Tool(monkeypatch, tmp_path)


def both(pki: Tool, *words: str | Path) -> tuple[str, str]:
    """What each of the two prints within the same second: "expires in" may change in the next."""
    for _ in range(10):
        ours = pki.run("print", *words).out.decode()
        theirs = strongswan("--print", *words).decode()
        if ours == pki.run("print", *words).out.decode():
            break
    return theirs, ours


KINDS = {"rsa": ["-s", "2048"], "ecdsa": ["-s", "256"], "ed25519": [], "ed448": []}


@pytest.mark.parametrize("kind", KINDS)
def test_our_keys_and_certificates_are_shown_by_theirs_as_by_ours(kind: str, pki: Tool) -> None:
    key = pki.make("key", "gen", "-t", kind, *KINDS[kind])
    words = ["self", "--in", key, "--dn", "C=CH, O=swan, CN=moon", "--ca", "--pathlen", "1"]
    names = ["--addrblock", "192.0.2.7-192.0.2.13", "--nc-permitted", "dns:example", "--nc-excluded", "C=DE"]
    made = pki.make("cert", *words, *names, *shlex.split(WISHES))
    for what in (["--in", made], ["--type", "priv", "--in", key]):
        theirs, ours = both(pki, *what)
        assert ours == theirs and theirs
    assert strongswan("--verify", "--in", made) == b"certificate trusted, lifetimes valid\n"
    ids = strongswan("--keyid", "--in", key)
    assert pki.run("keyid", "--in", key).out == ids and ids
    assert pki.run("pub", "--in", key).out == strongswan("--pub", "--in", key)
    assert pki.run("dn", "--in", made).out.strip() == strongswan("--dn", "--in", made).strip()


@pytest.mark.parametrize("kind", KINDS)
def test_their_keys_and_certificates_are_shown_by_ours_as_by_theirs(kind: str, pki: Tool) -> None:
    key, cert = pki.folder / "key", pki.folder / "cert"
    key.write_bytes(strongswan("--gen", "--type", kind, *(["--size", KINDS[kind][1]] if KINDS[kind] else [])))
    words = ["--self", "--in", key, "--dn", "C=CH, O=swan, CN=moon", "--ca"]
    cert.write_bytes(strongswan(*words, *shlex.split(WISHES)))
    for what in (["--in", cert], ["--type", "priv", "--in", key]):
        theirs, ours = both(pki, *what)
        assert ours == theirs and theirs
    assert pki.run("verify", "--in", cert).status == 0
    assert keys.kind_of(keys.load_private(key.read_bytes())) == kind
    assert Certificate.parse(cert.read_bytes()).is_ca


@pytest.mark.parametrize("padding", ["pkcs1", "pss"])
@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
def test_rsa_signatures_are_taken_by_the_other(digest: str, padding: str, pki: Tool) -> None:
    key = pki.make("key", "gen", "-s", "2048")
    words = ["--in", key, "--dn", "CN=a", "--ca", "--digest", digest, "--rsa-padding", padding]
    ours = pki.make("ours", "self", *words)
    strongswan("--verify", "--in", ours)
    theirs = pki.folder / "theirs"
    theirs.write_bytes(strongswan("--self", *words))
    assert pki.run("verify", "--in", theirs).status == 0


def test_requests_go_both_ways(pki: Tool) -> None:
    key = pki.make("key", "gen", "-t", "ecdsa", "-s", "256")
    ca = pki.make("ca", "self", "--in", key, "--dn", "CN=ca", "--ca")
    words = ["--in", key, "--dn", "C=CH, CN=moon", "--san", "moon.example", "--profile", "dual"]
    issue = ["--type", "pkcs10", "--cacert", ca, "--cakey", key, "--crl", "http://a", "--crl", "http://b"]
    ours, theirs = pki.make("ours.req", "req", *words), pki.folder / "theirs.req"
    theirs.write_bytes(strongswan("--req", *words))
    by_them, by_us = pki.folder / "by_them", pki.make("by_us", "issue", *issue, "--in", theirs)
    by_them.write_bytes(strongswan("--issue", *issue, "--in", ours))
    one, other = (Certificate.parse(path.read_bytes()) for path in (by_us, by_them))
    assert (one.subject, one.names, one.extended_key_usage, one.crl_points) == (
        other.subject, other.names, other.extended_key_usage, other.crl_points
    )  # fmt: skip
    assert one.authority_key_id == other.authority_key_id and one.names
    for cert in (by_us, by_them):
        strongswan("--verify", "--in", cert, "--cacert", ca)
        assert pki.run("verify", "--in", cert, "--cacert", ca).status == 0
        theirs_shown, ours_shown = (text.splitlines() for text in both(pki, "--in", cert))
        # theirs shows a subjectKeyIdentifier also where none is in it
        assert ours_shown == [line for line in theirs_shown if "subjkeyId" not in line or line in ours_shown]


def test_crls_and_attribute_certificates_go_both_ways(pki: Tool) -> None:
    key = pki.make("key", "gen", "-t", "ecdsa", "-s", "256")
    ca = pki.make("ca", "self", "--in", key, "--dn", "CN=ca", "--ca")
    words = ["--cacert", ca, "--cakey", key, "--reason", "key-compromise", "--date", "1700000000", "--serial"]
    words += ["01a2", "--serial", "ff"]
    ours, theirs = pki.make("ours", "signcrl", *words, "--crluri", "http://d/"), pki.folder / "theirs"
    theirs.write_bytes(strongswan("--signcrl", *words))
    for path in (ours, theirs):
        their_text, our_text = both(pki, "--type", "crl", "--in", path)
        assert our_text == their_text and "key compromise" in our_text
    again = pki.make("again", "signcrl", "--cacert", ca, "--cakey", key, "--lastcrl", theirs)
    assert "2 revoked certificates" in strongswan("--print", "--type", "crl", "--in", again).decode()

    words = ["--in", ca, "--issuercert", ca, "--issuerkey", key, "--group", "sales", "--group", "finance"]
    ours, theirs = pki.make("ours.ac", "acert", *words), pki.folder / "theirs.ac"
    theirs.write_bytes(strongswan("--acert", *words))
    for path in (ours, theirs):
        their_text, our_text = both(pki, "--type", "ac", "--in", path)
        assert our_text == their_text and "finance" in our_text


def test_messages_go_both_ways(pki: Tool) -> None:
    key = pki.make("key", "gen", "-s", "2048")
    cert = pki.make("cert", "self", "--in", key, "--dn", "CN=signer", "--ca")
    text = pki.folder / "text"
    text.write_bytes(b"hello\n")
    sign, encrypt = ["--sign", "--cert", cert, "--key", key, "--in", text], ["--encrypt", "--cert", cert]
    ours, theirs = pki.make("a.p7", "pkcs7", *sign), pki.folder / "b.p7"
    theirs.write_bytes(strongswan("--pkcs7", *sign, status=1))  # which it says when all went well
    verify = ["--verify", "--cert", cert, "--in"]
    assert strongswan("--pkcs7", *verify, ours) == b"hello\n"
    assert pki.run("pkcs7", *verify, theirs).out == b"hello\n"
    ours = pki.make("c.p7", "pkcs7", *encrypt, "--in", text)
    theirs.write_bytes(strongswan("--pkcs7", *encrypt, "--in", text, status=1))
    decrypt = ["--decrypt", "--cert", cert, "--key", key, "--in"]
    assert strongswan("--pkcs7", *decrypt, ours) == b"hello\n"
    assert pki.run("pkcs7", *decrypt, theirs).out == b"hello\n"


@pytest.mark.parametrize("kind", KINDS)
def test_what_gateway_makes_is_trusted_there(kind: str, pki: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pki.folder)
    assert pki.run("gateway", "moon.example=192.0.2.1", "sun.example", "--type", kind).status == 0
    cert = pki.folder / "pki/certs/moon.example.pem"
    strongswan("--verify", "--in", cert, "--cacert", pki.folder / "pki/cacerts/ca.pem")
    assert "altNames:  moon.example, 192.0.2.1" in strongswan("--print", "--in", cert).decode()
