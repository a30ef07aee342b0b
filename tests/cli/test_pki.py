"""`cygnet pki`: what each command writes, read by the certificate library and by openssl."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from importlib import import_module
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cygnet.cli import exits
from cygnet.cli.pki.table import COMMANDS
from cygnet.crypto.x509 import Certificate
from tests.cli.pki import Tool, needs_openssl, openssl


@pytest.fixture
def pki(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Tool:
    return Tool(monkeypatch, tmp_path)


@pytest.fixture
def key(pki: Tool) -> Path:
    return pki.make("key.der", "gen", "--type", "ecdsa", "--size", "256")


@pytest.fixture
def ca(pki: Tool, key: Path) -> Path:
    return pki.make("ca.der", "self", "--in", key, "--dn", "C=CH, O=swan, CN=root", "--ca")


def certificate(path: Path) -> x509.Certificate:
    return x509.load_der_x509_certificate(path.read_bytes())


# the table -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_what_its_row_promises(name: str, pki: Tool) -> None:
    module = import_module(COMMANDS[name].module)
    assert module.__doc__ and callable(module.arguments) and callable(module.run)
    shown = pki.run(name, "--help")
    assert shown.status == exits.OK and f"usage: cygnet pki {name}".encode() in shown.out


def test_no_letter_stands_for_two_commands() -> None:
    letters = [row.letter for row in COMMANDS.values() if row.letter]
    assert len(letters) == len(set(letters))


def test_a_command_may_be_spelled_as_strongswan_has_it(pki: Tool, key: Path) -> None:
    told = {pki.run(word, "--in", key).out for word in ("keyid", "--keyid", "-k")}
    assert len(told) == 1 and told.pop().startswith(b"subjkey")


def test_without_a_command_all_are_listed(pki: Tool) -> None:
    assert pki.run().status == exits.USAGE
    listed = pki.run("--help")
    assert listed.status == exits.OK and all(name.encode() in listed.out for name in COMMANDS)
    assert "unknown command 'sign'" in pki.refused("sign")
    assert "unknown command '-q'" in pki.refused("-q")


# gen -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "kind", "bits"),
    [
        ([], rsa.RSAPrivateKey, 3072),
        (["-t", "rsa", "-s", "2048"], rsa.RSAPrivateKey, 2048),
        (["--type", "ecdsa"], ec.EllipticCurvePrivateKey, 384),
        (["--type", "ecdsa", "--size", "521"], ec.EllipticCurvePrivateKey, 521),
        (["--type", "ed25519"], ed25519.Ed25519PrivateKey, 0),
        (["--type", "ed448"], ed448.Ed448PrivateKey, 0),
    ],
)
def test_gen_makes_the_key_that_was_asked_for(words: list[str], kind: type, bits: int, pki: Tool) -> None:
    made = load_der_private_key(pki.run("gen", *words).out, None)
    assert isinstance(made, kind) and getattr(made, "key_size", 0) == bits
    as_pem = load_pem_private_key(pki.run("gen", *words, "--outform", "pem").out, None)
    assert isinstance(as_pem, kind)


@pytest.mark.parametrize("bits", [256, 384, 512])
def test_a_brainpool_key_signs_a_certificate(bits: int, pki: Tool) -> None:
    file = pki.folder / "bp.der"
    pki.run("gen", "--type", "ecdsa", "--brainpool", "--size", str(bits), "--out", file)
    key = load_der_private_key(file.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name == f"brainpoolP{bits}r1"
    made = Certificate.parse(pki.run("self", "--in", file, "--ca", "--dn", "CN=x").out)
    made.verify_issued_by(made)
    assert "not ecdsa 521" in pki.refused("gen", "--type", "ecdsa", "--brainpool", "--size", "521")
    assert "not rsa 3072" in pki.refused("gen", "--brainpool")


def test_gen_refuses_sizes_that_do_not_exist(pki: Tool) -> None:
    assert "RSA keys have 2048 to 16384 bits, not 1024" in pki.refused("gen", "--size", "1024")
    assert "256, 384 or 521" in pki.refused("gen", "--type", "ecdsa", "--size", "255")
    assert "invalid choice: 'dsa'" in pki.refused("gen", "--type", "dsa")
    assert "unrecognized arguments: --bogus" in pki.refused("gen", "--bogus")


def test_a_file_with_a_key_is_for_its_owner_alone_and_never_overwritten(pki: Tool) -> None:
    file = pki.folder / "own.der"
    assert pki.run("gen", "-t", "ed25519", "--out", file).out == b""
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_bytes()
    assert "exists" in pki.failed("gen", "-t", "ed25519", "--out", file)
    assert file.read_bytes() == before


def test_a_key_that_the_shell_redirects_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "key.der"
    with file.open("wb") as out:
        subprocess.run(
            [sys.executable, "-m", "cygnet", "pki", "gen", "-t", "ed25519"], stdout=out, check=True
        )
    assert file.stat().st_mode & 0o777 == 0o600 and len(file.read_bytes()) == 48


# encrypted keys ------------------------------------------------------------------------


@pytest.mark.parametrize("style", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_encrypted_keys_are_read_with_a_passphrase(style: PrivateFormat, pki: Tool) -> None:
    plain = ec.generate_private_key(ec.SECP256R1())
    locked = pki.folder / "locked.pem"
    locked.write_bytes(plain.private_bytes(Encoding.PEM, style, BestAvailableEncryption(b"swordfish")))
    word = pki.folder / "word"
    word.write_bytes(b"swordfish\r\nsecond line\n")
    told = pki.run("pub", "--in", locked, "--passphrase-file", word).out
    bare = plain.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    assert told == pki.run("pub", stdin=bare).out

    word.write_bytes(b"wrong\n")
    error = pki.failed("pub", "--in", locked, "--passphrase-file", word)
    assert "the passphrase is wrong" in error and "locked.pem" in error


def test_a_passphrase_for_a_key_that_needs_none_does_no_harm(pki: Tool, key: Path) -> None:
    word = pki.folder / "word"
    word.write_bytes(b"swordfish\n")
    assert pki.run("keyid", "--in", key, "--passphrase-file", word).status == 0


def test_gen_encrypts_where_a_passphrase_is_given(pki: Tool) -> None:
    word = pki.folder / "word"
    word.write_bytes(b"swordfish\n")
    made = pki.run("gen", "-t", "ed25519", "-f", "pem", "--passphrase-file", word).out
    assert made.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    load_pem_private_key(made, b"swordfish")


def test_a_key_that_is_none_is_named(pki: Tool) -> None:
    word = pki.folder / "word"
    word.write_bytes(b"swordfish\n")
    assert "is not a private key" in pki.failed("pub", "--passphrase-file", word, stdin=b"hello")
    error = pki.failed("pub", stdin=b"hello")
    assert "stdin is not a private key" in error
    assert "nowhere: No such file" in pki.failed("pub", "--in", "nowhere")


# self ----------------------------------------------------------------------------------

EVERYTHING = shlex.split("""
    --san moon.example --san 10.0.0.1 --san 2001:db8::1 --san a@b.example --san uri:https://x.example/
    --san C=CH,CN=other --lifetime 30 --serial 00:ff --ca --pathlen 2 --flag serverAuth --flag clientAuth
    --flag ikeIntermediate --flag crlSign --flag ocspSigning --flag msSmartcardLogon
    --ocsp http://ocsp.example/ --ocsp http://b.example/
    --addrblock 10.1.0.0/16 --addrblock 10.0.0.0/16 --addrblock 192.0.2.3-192.0.2.9 --addrblock 2001:db8::/32
    --nc-permitted dns:example --nc-permitted email:.example --nc-excluded 10.0.0.0/8 --nc-excluded C=DE
    --cert-policy 1.2.3.4 --cps-uri http://cps.example --user-notice notice --cert-policy 1.2.3.5
    --policy-mapping 1.2.3.4:1.2.3.6 --policy-explicit 1 --policy-inhibit 2 --policy-any 3
""")


def test_self_makes_every_extension(pki: Tool, key: Path) -> None:
    path = pki.make("all.der", "self", "--in", key, "--dn", "CN=all", *EVERYTHING)
    made = certificate(path)
    made.verify_directly_issued_by(made)
    assert made.serial_number == 255 and made.subject == made.issuer
    assert (made.not_valid_after_utc - made.not_valid_before_utc).days == 30

    def get(kind: type[x509.ExtensionType]) -> x509.Extension[x509.ExtensionType]:
        return made.extensions.get_extension_for_class(kind)

    basic = get(x509.BasicConstraints)
    assert basic.critical and basic.value == x509.BasicConstraints(True, 2)
    usage = get(x509.KeyUsage)
    assert usage.critical and usage.value.key_cert_sign and usage.value.crl_sign
    names = get(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["moon.example"]
    assert list(map(str, names.get_values_for_type(x509.IPAddress))) == ["10.0.0.1", "2001:db8::1"]
    assert names.get_values_for_type(x509.RFC822Name) == ["a@b.example"]
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["https://x.example/"]
    assert names.get_values_for_type(x509.DirectoryName)[0].rfc4514_string() == "CN=other,C=CH"
    purposes = [oid.dotted_string for oid in get(x509.ExtendedKeyUsage).value]
    assert purposes == [
        "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.8.2.2", "1.3.6.1.5.5.7.3.9",
        "1.3.6.1.4.1.311.20.2.2",
    ]  # fmt: skip
    access = get(x509.AuthorityInformationAccess).value
    assert [d.access_location.value for d in access] == ["http://ocsp.example/", "http://b.example/"]
    trees = get(x509.NameConstraints)
    assert trees.critical and trees.value.permitted_subtrees == [
        x509.DNSName("example"), x509.RFC822Name(".example")
    ]  # fmt: skip
    assert trees.value.excluded_subtrees[0] == x509.IPAddress(ip_network("10.0.0.0/8"))
    policies = list(get(x509.CertificatePolicies).value)
    assert [p.policy_identifier.dotted_string for p in policies] == ["1.2.3.4", "1.2.3.5"]
    assert policies[0].policy_qualifiers == ["http://cps.example", x509.UserNotice(None, "notice")]
    assert get(x509.PolicyConstraints).value == x509.PolicyConstraints(1, 2)
    assert get(x509.InhibitAnyPolicy).value == x509.InhibitAnyPolicy(3)
    assert get(x509.SubjectKeyIdentifier).value == x509.SubjectKeyIdentifier.from_public_key(
        made.public_key()
    )


@needs_openssl
def test_openssl_reads_every_extension(pki: Tool, key: Path) -> None:
    path = pki.make("all.der", "self", "--in", key, "--dn", "CN=all", *EVERYTHING)
    text = openssl("x509", "-inform", "der", "-in", path, "-noout", "-text")
    for line in (
        "CA:TRUE, pathlen:2", "DNS:moon.example, IP Address:10.0.0.1, IP Address:2001:DB8:0:0:0:0:0:1",
        "1.2.3.4:1.2.3.6", "Require Explicit Policy:1, Inhibit Policy Mapping:2", "10.0.0.0/15\n",
        "192.0.2.3-192.0.2.9", "2001:db8::/32", "IP:10.0.0.0/255.0.0.0", "Explicit Text: notice",
    ):  # fmt: skip
        assert line in text, (line, text)


def test_dates_are_as_dateform_says(pki: Tool, key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["self", "--in", key, "--dn", "CN=a"]
    made = certificate(pki.make("a.der", *words, "-F", "01.02.26 10:00:00", "-T", "03.02.26 10:00:00"))
    assert (made.not_valid_after_utc - made.not_valid_before_utc).days == 2
    far = ["--dateform", "%Y-%m-%d %T %z", "--not-before", "2055-01-01 00:00:00 +0000", "--lifetime", "7"]
    made = certificate(pki.make("b.der", *words, *far))
    assert made.not_valid_before_utc.isoformat() == "2055-01-01T00:00:00+00:00"
    assert made.not_valid_after_utc.isoformat() == "2055-01-08T00:00:00+00:00"
    only_end = ["--dateform", "%Y-%m-%d %z", "--not-after", "2055-01-08 +0000", "--lifetime", "7"]
    made = certificate(pki.make("c.der", *words, *only_end))
    assert made.not_valid_before_utc.isoformat() == "2055-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("--dn x=y", "'x=y' in the name 'x=y' is no attribute"),
        ("--dn CN=a --lifetime 0", "--lifetime is at least 1"),
        ("--dn CN=a --lifetime -3", "'-3' is not a number from 0 on"),
        ("--dn CN=a --not-before yesterday", "--dateform"),
        ("--dn CN=a --san 10.0.0.0/8=x:y", "no attribute"),
        ("--dn CN=a --san keyid:x", "cannot be a subjectAltName"),
        ("--dn CN=a --flag email", "serverAuth"),
        ("--dn CN=a --digest md4", "invalid choice"),
        ("--dn CN=a --pathlen 1", "for CAs only"),
        ("--dn CN=a --serial xyz", "not a serial number in hex"),
        ("--dn CN=a --cps-uri http://x", "--cps-uri has to follow"),
        ("--dn CN=a --cert-policy 1", "'1' is no object identifier"),
        ("--dn CN=a --policy-mapping 1.2", "two policies"),
        ("--dn CN=a --addrblock 10.0.0.1/8", "no address block"),
        ("--dn CN=a --addrblock 10.0.0.9-10.0.0.1", "no address block"),
        ("--dn CN=a --ca --nc-permitted 10.0.0.1/8", "name constraint"),
        ("--dn CN=a --critical x", "no object identifier"),
        ("", "required: --dn"),
    ],
)
def test_a_wrong_option_gives_one_clear_line(words: str, line: str, pki: Tool, key: Path) -> None:
    assert line in pki.refused("self", "--in", key, *words.split())


def test_options_may_stand_in_a_file(pki: Tool, key: Path) -> None:
    file = pki.folder / "pki.opt"
    file.write_text('# a comment\n--dn "C=CH, CN=from a file"\n--lifetime 3 --ca\n')
    made = certificate(pki.make("a.der", "self", "--options", file, "--in", key))
    assert made.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "from a file"
    file.write_text(f"--options {file}")
    assert "--options" in pki.refused("self", "-+", file, "--in", key)


@pytest.mark.parametrize("digest", ["sha224", "sha256", "sha384", "sha512", "sha3_256"])
def test_the_digest_and_the_padding_are_those_that_were_asked_for(digest: str, pki: Tool) -> None:
    key = pki.make("rsa.der", "gen", "--size", "2048")
    words = ["self", "--in", key, "--dn", "CN=a", "--digest", digest]
    for padding in ("pkcs1", "pss"):
        made = certificate(pki.make("a.der", *words, "--rsa-padding", padding))
        made.verify_directly_issued_by(made)
        assert made.signature_hash_algorithm is not None
        assert made.signature_hash_algorithm.name == digest.replace("_", "-")
        assert (made.signature_algorithm_oid.dotted_string == "1.2.840.113549.1.1.10") == (padding == "pss")


def test_a_key_of_another_type_than_said_is_refused(pki: Tool, key: Path) -> None:
    assert "is of type ecdsa, not rsa" in pki.failed("self", "--in", key, "--type", "rsa", "--dn", "CN=a")


# issue, req ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519", "ed448"])
def test_a_ca_issues_for_a_request(kind: str, pki: Tool, key: Path, ca: Path) -> None:
    own = pki.make("own.der", "gen", "--type", kind)
    words = ["--dn", "C=CH, CN=moon", "--san", "moon.example", "--profile", "dual", "--password", "x"]
    request = pki.make("req.der", "req", "--in", own, *words)
    asked = x509.load_der_x509_csr(request.read_bytes())
    assert asked.is_signature_valid

    issuer = ["--cakey", key, "--cacert", ca, "--crl", "http://a", "--crlissuer", "CN=i", "--crl", "ldap://b"]
    path = pki.make("moon.der", "issue", "--type", "pkcs10", "--in", request, *issuer)
    made = certificate(path)
    made.verify_directly_issued_by(certificate(ca))
    assert made.subject == asked.subject
    assert made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value == (
        x509.SubjectAlternativeName([x509.DNSName("moon.example")])
    )
    assert list(made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
    ]  # fmt: skip
    points = list(made.extensions.get_extension_for_class(x509.CRLDistributionPoints).value)
    assert [p.full_name[0].value for p in points] == ["http://a", "ldap://b"]
    assert points[0].crl_issuer and points[1].crl_issuer is None
    authority = made.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    above = certificate(ca).extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert authority.key_identifier == above.key_identifier


def test_a_new_request_takes_over_what_the_old_one_asked(pki: Tool, key: Path) -> None:
    words = ["--dn", "CN=moon", "--san", "moon.example", "--san", "C=CH,CN=a", "--profile", "server"]
    old = pki.make("old.der", "req", "--in", key, *words)
    other = pki.make("other.der", "gen", "--type", "ed25519")
    new = x509.load_der_x509_csr(pki.make("new.der", "req", "--in", other, "--oldreq", old).read_bytes())
    before = x509.load_der_x509_csr(old.read_bytes())
    assert new.subject == before.subject and list(new.extensions) == list(before.extensions)
    assert "either --dn or --oldreq" in pki.refused("req", "--in", key)


def test_issue_takes_public_and_private_keys_too(pki: Tool, key: Path, ca: Path) -> None:
    own = pki.make("own.der", "gen", "--type", "ed25519")
    public = pki.make("pub.der", "pub", "--in", own)
    words = ["--cakey", key, "--cacert", ca, "--dn", "CN=x"]
    by_public = certificate(pki.make("a.der", "issue", "--in", public, *words))
    by_private = certificate(pki.make("b.der", "issue", "--type", "ed25519", "--in", own, *words))
    assert by_public.public_key() == by_private.public_key()
    assert by_public.serial_number != by_private.serial_number
    assert "--dn is needed" in pki.refused("issue", "--in", public, "--cakey", key, "--cacert", ca)


def test_only_a_ca_with_its_own_key_issues(pki: Tool, key: Path, ca: Path) -> None:
    other = pki.make("other.der", "gen", "--type", "ecdsa")
    no_ca = pki.make("no_ca.der", "self", "--in", key, "--dn", "CN=end")
    words = ["--type", "priv", "--in", other, "--dn", "CN=x"]
    assert "is of another key" in pki.failed("issue", *words, "--cakey", other, "--cacert", ca)
    assert "is no CA" in pki.failed("issue", *words, "--cakey", key, "--cacert", no_ca)


def test_a_request_with_a_forged_signature_is_refused(pki: Tool, key: Path, ca: Path) -> None:
    request = pki.make("req.der", "req", "--in", key, "--dn", "CN=moon")
    data = bytearray(request.read_bytes())
    data[-1] ^= 1
    words = ["issue", "--type", "pkcs10", "--cakey", key, "--cacert", ca]
    assert "signature" in pki.failed(*words, stdin=bytes(data))


# pub, keyid, dn ------------------------------------------------------------------------


def test_the_same_key_comes_out_of_key_request_and_certificate(pki: Tool, key: Path, ca: Path) -> None:
    request = pki.make("req.der", "req", "--in", key, "--dn", "CN=moon")
    public = pki.make("pub.pem", "pub", "--in", key, "--outform", "pem")
    inputs = {"priv": key, "ecdsa": key, "pkcs10": request, "x509": ca, "pub": public}
    for command in ("pub", "keyid"):
        assert len({pki.run(command, "--type", t, "--in", i).out for t, i in inputs.items()}) == 1


def test_keyid_prints_the_form_that_was_asked_for(pki: Tool, ca: Path) -> None:
    made = certificate(ca)
    wanted = x509.SubjectKeyIdentifier.from_public_key(made.public_key()).digest
    words = ["keyid", "--type", "x509", "--in", ca, "--id", "spk", "--format"]
    assert pki.run(*words, "bin").out == wanted
    assert pki.run(*words, "hex").out == wanted.hex().encode() + b"\n"
    assert wanted.hex(":").encode() in pki.run(*words, "pretty").out


def test_dn_prints_what_leftid_takes(pki: Tool, ca: Path) -> None:
    der = certificate(ca).subject.public_bytes()
    assert pki.run("dn", "--in", ca).out == f'"asn1dn:#{der.hex()}"\n'.encode()
    assert pki.run("dn", "--in", ca, "--format", "text").out == b"C=CH, O=swan, CN=root\n"
    assert pki.run("dn", "--in", ca, "--format", "bin").out == der


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a terminal")
def test_der_is_not_written_to_a_terminal(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "cygnet", "pki", "gen", "-t", "ed25519"],
        stdout=theirs, stderr=subprocess.PIPE, check=False,
    )  # fmt: skip
    os.close(ours)
    os.close(theirs)
    assert done.returncode == exits.USAGE and b"--outform pem" in done.stderr
