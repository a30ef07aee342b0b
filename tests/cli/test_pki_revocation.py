"""`cygnet pki` signcrl, ocsp, acert, verify, print, pkcs12, pkcs7."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509 import ocsp

from cygnet.crypto.issuing.attribute import read_attribute_certificate
from cygnet.crypto.ocsp import OcspAnswer
from cygnet.crypto.x509 import Certificate, signed
from tests.cli.pki import Tool, needs_openssl, openssl


@pytest.fixture
def pki(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Tool:
    return Tool(monkeypatch, tmp_path)


@pytest.fixture
def key(pki: Tool) -> Path:
    return pki.make("ca.key", "gen", "--type", "ecdsa", "--size", "256")


@pytest.fixture
def ca(pki: Tool, key: Path) -> Path:
    return pki.make("ca.der", "self", "--in", key, "--dn", "C=CH, O=swan, CN=root", "--ca")


@pytest.fixture
def end(pki: Tool, key: Path, ca: Path) -> Path:
    pki.make("end.key", "gen", "--type", "ed25519")
    words = ["--type", "priv", "--in", pki.folder / "end.key", "--dn", "CN=end", "--san", "end.example"]
    return pki.make("end.der", "issue", *words, "--cacert", ca, "--cakey", key, "--serial", "0a")


def crl(path: Path) -> x509.CertificateRevocationList:
    return x509.load_der_x509_crl(path.read_bytes())


# signcrl -------------------------------------------------------------------------------


def test_a_crl_lists_what_is_revoked_with_reason_and_date(pki: Tool, key: Path, ca: Path, end: Path) -> None:
    words = ["signcrl", "--cacert", ca, "--cakey", key]
    what = ["--reason", "key-compromise", "--date", "1700000000", "--cert", end, "--serial", "00:ff"]
    made = crl(pki.make("a.crl", *words, *what, "--crluri", "http://delta.example/", "--lifetime", "3"))
    assert made.is_signature_valid(x509.load_der_x509_certificate(ca.read_bytes()).public_key())  # type: ignore[arg-type]
    listed = {entry.serial_number: entry for entry in made}
    assert sorted(listed) == [10, 255]
    assert listed[10].revocation_date_utc == datetime.fromtimestamp(1700000000, UTC)
    reason = listed[10].extensions.get_extension_for_class(x509.CRLReason).value.reason
    assert reason is x509.ReasonFlags.key_compromise and not list(listed[255].extensions)
    assert made.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 1
    points = list(made.extensions.get_extension_for_class(x509.FreshestCRL).value)
    assert points[0].full_name and points[0].full_name[0].value == "http://delta.example/"
    assert made.next_update_utc and (made.next_update_utc - made.last_update_utc).days == 3


def test_the_next_crl_takes_over_the_last_one_and_counts_on(pki: Tool, key: Path, ca: Path) -> None:
    words = ["signcrl", "--cacert", ca, "--cakey", key]
    first = pki.make("1.crl", *words, "--reason", "superseded", "--serial", "01")
    second = pki.make("2.pem", *words, "--lastcrl", first, "--serial", "02", "--outform", "pem")
    third = crl(pki.make("3.crl", *words, "--lastcrl", second, "--serial", "01"))
    assert third.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 3
    assert sorted(entry.serial_number for entry in third) == [1, 2]
    delta = crl(pki.make("d.crl", *words, "--basecrl", second, "--serial", "03"))
    base = delta.extensions.get_extension_for_class(x509.DeltaCRLIndicator)
    assert base.critical and base.value.crl_number == 2
    assert delta.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 3


def test_wrong_crls_are_refused(pki: Tool, key: Path, ca: Path, end: Path) -> None:
    words = ["signcrl", "--cacert", ca, "--cakey", key]
    assert "stand before" in pki.refused(*words, "--serial", "01", "--reason", "superseded")
    assert "invalid choice" in pki.refused(*words, "--reason", "boredom", "--serial", "01")
    assert "may not sign CRLs" in pki.failed("signcrl", "--cacert", end, "--cakey", pki.folder / "end.key")
    assert "is of another key" in pki.failed("signcrl", "--cacert", ca, "--cakey", pki.folder / "end.key")


# ocsp ----------------------------------------------------------------------------------


def test_an_ocsp_request_is_made_and_answered(pki: Tool, key: Path, ca: Path, end: Path) -> None:
    list_ = pki.make(
        "a.crl", "signcrl", "--cacert", ca, "--cakey", key, "--reason", "superseded", "--cert", end
    )
    empty = pki.make("b.crl", "signcrl", "--cacert", ca, "--cakey", key)
    request = pki.make("req", "ocsp", "--request", end, "--cacert", ca)
    assert b"serial:    a\n" in pki.run("ocsp", "--in", request).out
    words = ["ocsp", "--in", request, "--respond", "--cacert", ca, "--cakey", key, "--crl"]
    issuer, leaf = (Certificate.parse(path.read_bytes()) for path in (ca, end))
    for file, state in ((list_, "revoked"), (empty, "good")):
        made = OcspAnswer.parse(pki.run(*words, file).out)
        made.verify_signed_by(issuer.key)
        status = made.status(leaf, issuer)
        assert status and status.state == state and made.is_by(issuer)
        assert made.nonce == ocsp.load_der_ocsp_request(request.read_bytes()).extensions[0].value.nonce


def test_only_who_is_certified_for_it_answers_for_a_ca(pki: Tool, key: Path, ca: Path, end: Path) -> None:
    empty = pki.make("b.crl", "signcrl", "--cacert", ca, "--cakey", key)
    request = pki.make("req", "ocsp", "--request", end, "--cacert", ca)
    signer = pki.make("ocsp.key", "gen", "--type", "ecdsa")
    words = ["--type", "priv", "--in", signer, "--dn", "CN=ocsp", "--cacert", ca, "--cakey", key]
    good = pki.make("ocsp.der", "issue", *words, "--flag", "ocspSigning")
    bad = pki.make("bad.der", "issue", *words)
    words = [
        "ocsp",
        "--in",
        request,
        "--respond",
        "--cacert",
        ca,
        "--cakey",
        signer,
        "--crl",
        empty,
        "--cert",
    ]
    answer = OcspAnswer.parse(pki.run(*words, good).out)
    answer.verify_signed_by(Certificate.parse(good.read_bytes()).key)
    assert answer.certificates == (Certificate.parse(good.read_bytes()),)
    assert "without --flag ocspSigning" in pki.failed(*words, bad)


def test_a_request_about_another_ca_is_answered_with_unknown(
    pki: Tool, key: Path, ca: Path, end: Path
) -> None:
    other_key = pki.make("o.key", "gen", "--type", "ecdsa")
    other = pki.make("o.der", "self", "--in", other_key, "--dn", "CN=other", "--ca")
    empty = pki.make("o.crl", "signcrl", "--cacert", other, "--cakey", other_key)
    request = pki.make("req", "ocsp", "--request", end, "--cacert", ca)
    words = ["ocsp", "--in", request, "-r", "--cacert", other, "--cakey", other_key, "--crl", empty]
    assert OcspAnswer.parse(pki.run(*words).out).statuses[0].state == "unknown"
    own = pki.make("own", "ocsp", "--request", other, "--cacert", other)
    words = ["ocsp", "--in", own, "-r", "--cacert", other, "--cakey", other_key, "--crl"]
    assert "is not of CN=other" in pki.failed(
        *words, pki.make("c", "signcrl", "--cacert", ca, "--cakey", key)
    )


@needs_openssl
def test_openssl_takes_the_answer(pki: Tool, key: Path, ca: Path, end: Path) -> None:
    empty = pki.make("b.crl", "signcrl", "--cacert", ca, "--cakey", key)
    request = pki.make("req", "ocsp", "--request", end, "--cacert", ca)
    words = ["ocsp", "--in", request, "--respond", "--cacert", ca, "--cakey", key, "--crl", empty]
    answer = pki.make("answer", *words)
    pem = pki.folder / "ca.pem"
    openssl("x509", "-inform", "der", "-in", ca, "-out", pem)
    text = openssl(
        "ocsp", "-reqin", request, "-respin", answer, "-CAfile", pem, "-verify_other", pem, "-text"
    )
    assert "Cert Status: good" in text


# acert, print --------------------------------------------------------------------------


@pytest.mark.parametrize("padding", ["pkcs1", "pss"])
def test_an_attribute_certificate_says_the_groups(padding: str, pki: Tool, end: Path) -> None:
    key = pki.make("aa.key", "gen", "--size", "2048")
    issuer = pki.make("aa.der", "self", "--in", key, "--dn", "CN=aa")
    words = ["--issuercert", issuer, "--issuerkey", key, "--group", "sales", "--group", "finance", "-l", "3"]
    made = pki.make("ac.der", "acert", "--in", end, *words, "--serial", "0f", "--rsa-padding", padding)
    read = read_attribute_certificate(made.read_bytes(), "it")
    assert read.groups == ("sales", "finance") and read.serial == 15 and read.holder_serial == 10
    assert (read.not_after - read.not_before).total_seconds() == 3 * 3600
    from cygnet.crypto.publickey import signature_algorithm

    tbs, algorithm, signature = signed(made.read_bytes())
    aa = Certificate.parse(issuer.read_bytes())
    aa.key.verify(signature_algorithm(algorithm), signature, tbs)
    shown = pki.run("print", "--type", "ac", "--in", made).out.decode()
    assert '  subject:  "CN=end"\n' in shown and "  groups:    sales\n             finance\n" in shown


def test_print_shows_each_kind(pki: Tool, key: Path, ca: Path, end: Path) -> None:
    text = pki.run("print", "--in", end).out.decode()
    assert '  subject:  "CN=end"\n  issuer:   "C=CH, O=swan, CN=root"\n' in text
    assert "ok (expires in 109" in text and "  serial:    0a\n  altNames:  end.example\n" in text
    assert "flags:     CA CRLSign self-signed" in pki.run("print", "--in", ca).out.decode()
    assert "privkey:   ECDSA 256 bits" in pki.run("print", "--type", "priv", "--in", key).out.decode()
    public = pki.make("pub", "pub", "--in", key)
    assert "pubkey:    ECDSA 256 bits" in pki.run("print", "--type", "pub", "--in", public).out.decode()
    request = pki.make("req", "req", "--in", key, "--dn", "CN=asks", "--san", "x.example")
    assert (
        '"CN=asks"\n  altNames:  dns:x.example'
        in pki.run("print", "-t", "pkcs10", "-i", request).out.decode()
    )
    made = pki.make("a.crl", "signcrl", "--cacert", ca, "--cakey", key, "-r", "ca-compromise", "-s", "01ff")
    shown = pki.run("print", "--type", "crl", "--in", made).out.decode()
    assert "1 revoked certificate:\n    01:ff: " in shown and ", CA compromise\n" in shown


def test_no_kind_of_print_shows_a_private_key(pki: Tool, key: Path) -> None:
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    secret = load_der_private_key(key.read_bytes(), None).private_numbers().private_value  # type: ignore[union-attr]
    shown = pki.run("print", "--type", "priv", "--in", key).out.decode().replace(":", "")
    assert f"{secret:x}" not in shown


@pytest.mark.parametrize("kind", ["x509", "crl", "ac", "pkcs10", "pub", "priv"])
def test_rubbish_is_one_line(kind: str, pki: Tool) -> None:
    for junk in (b"", b"hello", b"\x30\x80", b"-----BEGIN X-----\nAAAA\n-----END X-----\n"):
        assert pki.failed("print", "--type", kind, stdin=junk)


# verify --------------------------------------------------------------------------------


def test_verify_says_whether_and_why_not(pki: Tool, key: Path, ca: Path, end: Path) -> None:
    good = pki.run("verify", "--in", end, "--cacert", ca)
    assert good.status == 0 and good.out.endswith(b"certificate trusted, lifetimes valid\n")
    assert pki.run("verify", "--in", ca).status == 0
    alone = pki.run("verify", "--in", end)
    assert alone.status == 1 and b"the issuer of CN=end" in alone.out

    folder = pki.folder / "cas"
    folder.mkdir()
    (folder / "one.der").write_bytes(ca.read_bytes())
    assert pki.run("verify", "--in", end, "--cacert", folder).status == 0

    revoking = pki.make("a.crl", "signcrl", "--cacert", ca, "--cakey", key, "--cert", end)
    revoked = pki.run("verify", "--in", end, "--cacert", ca, "--crl", revoking)
    assert revoked.status == 3 and b"certificate revoked" in revoked.out

    words = ["--dateform", "%Y", "--not-before", "2001", "--not-after", "2002"]
    old = pki.make("old.der", "self", "--in", key, "--dn", "CN=old", *words)
    assert pki.run("verify", "--in", old).status == 2


def test_verify_finds_intermediates_in_the_same_file(pki: Tool, key: Path, ca: Path) -> None:
    sub_key = pki.make("sub.key", "gen", "--type", "ecdsa")
    words = ["--type", "priv", "--in", sub_key, "--dn", "CN=sub", "--ca", "--cacert", ca, "--cakey", key]
    sub = pki.make("sub.pem", "issue", *words, "--outform", "pem")
    words = ["--type", "priv", "--in", key, "--dn", "CN=leaf", "--cacert", sub, "--cakey", sub_key]
    leaf = pki.make("leaf.pem", "issue", *words, "--outform", "pem")
    assert pki.run("verify", "--in", leaf, "--cacert", ca).status == 1
    both = pki.folder / "both.pem"
    both.write_bytes(leaf.read_bytes() + sub.read_bytes())
    found = pki.run("verify", "--in", both, "--cacert", ca)
    assert found.status == 0 and b'using certificate "CN=sub"' in found.out


# containers ----------------------------------------------------------------------------


def test_pkcs12_goes_round(pki: Tool, key: Path, ca: Path, end: Path) -> None:
    word = pki.folder / "word"
    word.write_bytes(b"swordfish\n")
    made = pki.folder / "a.p12"
    words = ["--create", "--key", pki.folder / "end.key", "--cert", end, "--cacert", ca]
    assert pki.run("pkcs12", *words, "--passphrase-file", word, "--out", made).status == 0
    assert made.stat().st_mode & 0o777 == 0o600
    pkcs12.load_pkcs12(made.read_bytes(), b"swordfish")
    words = ["pkcs12", "--in", made, "--passphrase-file", word]
    listed = pki.run(*words, "--list").out.decode()
    assert listed == (
        'Certificates:\n[ 1] "CN=end"\n[ 2] "C=CH, O=swan, CN=root" (CA)\n'
        "Private keys:\n[ 3] Ed25519 256 bits\n"
    )
    assert pki.run(*words, "--export", "2").out == ca.read_bytes()
    assert pki.run(*words, "--export", "3").out == (pki.folder / "end.key").read_bytes()
    assert "no number 4" in pki.refused(*words, "--export", "4")
    word.write_bytes(b"wrong\n")
    assert "the passphrase is wrong" in pki.failed(*words, "--list")


def test_pkcs7_goes_round_and_no_byte_may_change(pki: Tool) -> None:
    key = pki.make("rsa.key", "gen", "--size", "2048")
    own = pki.make("rsa.der", "self", "--in", key, "--dn", "CN=signer")
    text = b"hello\r\nworld\n"
    signed_ = pki.make("a.p7", "pkcs7", "--sign", "--cert", own, "--key", key, stdin=text)
    told = pki.run("pkcs7", "--verify", "--in", signed_, "--cert", own)
    assert told.out == text and told.err == 'signed by "CN=signer"\n'
    assert b"PKCS7_SIGNED_DATA\n-----BEGIN CERTIFICATE" in pki.run("pkcs7", "--show", "--in", signed_).out
    data = signed_.read_bytes()
    assert "not the one that was signed" in pki.failed(
        "pkcs7", "--verify", "--cert", own, stdin=data.replace(b"hello", b"HELLO")
    )
    other = pki.make("other.der", "self", "--in", key, "--dn", "CN=other")
    assert "not trusted" in pki.failed("pkcs7", "--verify", "--in", signed_, "--cert", other)

    locked = pki.make("e.p7", "pkcs7", "--encrypt", "--cert", own, stdin=text)
    assert text not in locked.read_bytes()
    assert pki.run("pkcs7", "--decrypt", "--in", locked, "--cert", own, "--key", key).out == text
    assert "--cert is needed" in pki.refused("pkcs7", "--verify", "--in", signed_)
    assert "--key is needed" in pki.refused("pkcs7", "--sign", "--cert", own)


@needs_openssl
def test_openssl_and_ours_read_each_other_s_messages(pki: Tool) -> None:
    key = pki.make("rsa.pem", "gen", "--size", "2048", "--outform", "pem")
    own = pki.make("cert.pem", "self", "--in", key, "--dn", "CN=signer", "--outform", "pem")
    text = b"hello\n"
    ours = pki.make("a.p7", "pkcs7", "--sign", "--cert", own, "--key", key, stdin=text)
    words = ["-inform", "der", "-CAfile", own, "-purpose", "any"]
    assert openssl("cms", "-verify", "-in", ours, *words) == "hello\n"
    theirs = pki.folder / "b.p7"
    words = ["-outform", "der", "-signer", own, "-inkey", key, "-nodetach", "-binary", "-out", theirs]
    openssl("cms", "-sign", *words, stdin=text)
    assert pki.run("pkcs7", "--verify", "--in", theirs, "--cert", own).out == text
