"""`cygnet pki gateway`: from nothing to certificates for gateways, in one command."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from cygnet.credentials.judgement import Evidence
from cygnet.credentials.match import fits
from cygnet.credentials.path import judge
from cygnet.crypto.pem import certificates_in
from cygnet.values.identity import Identity
from tests.cli.pki import Tool


@pytest.fixture
def pki(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Tool:
    monkeypatch.chdir(tmp_path)
    return Tool(monkeypatch, tmp_path)


def files(home: Path) -> dict[str, bytes]:
    return {str(p.relative_to(home)): p.read_bytes() for p in home.rglob("*") if p.is_file()}


def test_two_gateways_get_all_they_need(pki: Tool) -> None:
    done = pki.run(
        "gateway", "moon.example=192.0.2.1,10.1.0.0/16", "sun.example=192.0.2.2,10.2.0.0/16,fd00::/8"
    )
    assert done.status == 0, done.err
    home = pki.folder / "pki"
    assert sorted(files(home)) == [
        "cacerts/ca.pem", "certs/moon.example.pem", "certs/sun.example.pem", "moon.example.conf",
        "moon.example.secrets", "private/ca.pem", "private/moon.example.pem", "private/sun.example.pem",
        "sun.example.conf", "sun.example.secrets",
    ]  # fmt: skip
    anchors = certificates_in((home / "cacerts/ca.pem").read_bytes())
    for name in ("moon.example", "sun.example"):
        (leaf,) = certificates_in((home / f"certs/{name}.pem").read_bytes())
        assert judge(leaf, Evidence(anchors=anchors), now=leaf.not_before + 60).path
        assert fits(leaf, Identity.parse(f"@{name}")) == 3
        key = load_pem_private_key((home / f"private/{name}.pem").read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey) and key.key_size == 256
        read = x509.load_der_x509_certificate(leaf.der)
        assert key.public_key() == read.public_key()
    assert all(p.stat().st_mode & 0o777 == 0o600 for p in (home / "private").iterdir())
    assert (home / "private").stat().st_mode & 0o777 == 0o700

    moon, sun = ((home / f"{n}.example.conf").read_text() for n in ("moon", "sun"))
    for line in ("leftid=@moon.example", "leftcert=moon.example.pem", "right=192.0.2.2",
                 "rightid=@sun.example",
                 "leftsubnet=10.1.0.0/16", "rightsubnet=10.2.0.0/16,fd00::/8", 'rightca="CN=cygnet CA"',
                 "auto=start"):  # fmt: skip
        assert f"    {line}\n" in moon
    assert "    right=192.0.2.1\n" in sun and "    auto=add\n" in sun
    assert ": ECDSA moon.example.pem\n" in moon
    assert (home / "sun.example.secrets").read_text() == ": ECDSA sun.example.pem\n"


def test_nothing_printed_is_a_key(pki: Tool) -> None:
    done = pki.run("gateway", "moon.example", "sun.example")
    assert b"PRIVATE" not in done.out and "PRIVATE" not in done.err


def test_a_third_gateway_joins_and_what_is_there_is_kept(pki: Tool) -> None:
    pki.run("gateway", "moon.example", "sun.example")
    home = pki.folder / "pki"
    conf = home / "moon.example.conf"
    conf.write_text(conf.read_text().replace("auto=start", "auto=route"))
    before = files(home)
    assert pki.run("gateway", "moon.example", "sun.example", "mars.example").status == 0
    after = files(home)
    assert {n for n in before if after[n] != before[n]} == {"moon.example.conf", "sun.example.conf"}
    assert after["moon.example.conf"].startswith(before["moon.example.conf"])
    assert b"conn moon.example-mars.example" in after["moon.example.conf"]
    assert pki.run("gateway", "moon.example", "sun.example", "mars.example").status == 0
    assert files(home) == after


def test_a_lost_certificate_is_made_again_for_the_same_key(pki: Tool) -> None:
    pki.run("gateway", "moon.example", "sun.example")
    home = pki.folder / "pki"
    lost, key = home / "certs/moon.example.pem", (home / "private/moon.example.pem").read_bytes()
    (old,) = certificates_in(lost.read_bytes())
    lost.unlink()
    assert pki.run("gateway", "moon.example", "sun.example").status == 0
    (new,) = certificates_in(lost.read_bytes())
    assert new.key == old.key and new.serial != old.serial
    assert (home / "private/moon.example.pem").read_bytes() == key


def test_a_ca_without_its_key_is_not_made_anew(pki: Tool) -> None:
    pki.run("gateway", "moon.example", "sun.example")
    (pki.folder / "pki/private/ca.pem").unlink()
    before = files(pki.folder)
    assert "private/ca.pem is not: bring it back" in pki.failed("gateway", "moon.example", "x.example")
    assert files(pki.folder) == before


def test_the_page_about_it_does_what_it_says(tmp_path: Path) -> None:
    """Every command of docs/pki.md, one after the other."""
    page = (Path(__file__).parents[2] / "docs" / "pki.md").read_text()
    commands = "\n".join(re.findall(r"(?ms)^```\n(.*?)^```", page))
    assert commands.count("cygnet pki") >= 7
    shell = f'set -e\ncygnet() {{ "{sys.executable}" -m cygnet "$@"; }}\n{commands}'
    done = subprocess.run(["sh", "-c", shell], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("certificate revoked\nrevoked\n")
    assert (tmp_path / "pki/moon.example.org.conf").exists()


@pytest.mark.parametrize("kind", ["rsa", "ed25519", "ed448"])
def test_other_types_of_keys(kind: str, pki: Tool) -> None:
    assert pki.run("gateway", "moon.example", "sun.example", "--type", kind, "--out", "elsewhere").status == 0
    wanted = "RSA" if kind == "rsa" else "PKCS8"
    assert (pki.folder / "elsewhere/moon.example.secrets").read_text() == f": {wanted} moon.example.pem\n"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("../moon sun", "cannot name a gateway"),
        ("moon moon", "named twice"),
        ("moon=1.2.3.4,10.0.0.1/8 sun", "host bits set"),
        ("moon=a;b sun", "neither an address"),
        ("moon sun --lifetime 0", "at least 1"),
        ("", "required: NAME"),
    ],
)
def test_a_wrong_command_line_makes_nothing(words: str, line: str, pki: Tool) -> None:
    assert line in pki.refused("gateway", *words.split())
    assert not files(pki.folder)
