"""listcerts and its sisters beside strongSwan's swanctl, which reads the same daemon's socket."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.certs import authority
from tests.cli.gateways import Gateway, two_gateways
from tests.peers.certified import key_text, pem

SWANCTL = shutil.which("swanctl", path="/usr/sbin:/usr/bin")
pytestmark = pytest.mark.skipif(not SWANCTL, reason="swanctl is not installed")

DAY = 86400
NOW = int(time.time())
DATES = {"since": NOW - DAY, "until": NOW + 400 * DAY + 3600}
ROOT = authority("C=CH, O=Example, CN=Root", **DATES)
SUB = ROOT.issues("Sub", ca=True, path_length=0, crls=["http://crl.example.org/root.crl"], **DATES)
MOON = SUB.issues("moon", names=["DNS:moon.example.org", "IP:192.0.2.1"], key="rsa-2048", **DATES)
SUN = ROOT.issues("sun", key="ed25519", responders=["http://ocsp.example.org"], **DATES)

CONF = """\
ca root
    cacert=root.pem
    crluri=http://crl.example.org/root.crl
    auto=add

conn moon
    left=127.0.0.1
    leftcert=moon.pem
    right=127.0.0.9
    rightsigkey=raw.pem
    auto=add
"""


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    west, _ = two_gateways(tmp_path)
    files = {
        "cacerts/root.pem": pem(ROOT), "cacerts/sub.pem": pem(SUB), "certs/moon.pem": pem(MOON),
        "certs/sun.pem": pem(SUN), "private/moon.pem": key_text(MOON),
    }  # fmt: skip
    for name, text in files.items():
        path = west.directory / "ipsec.d" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    crl = ROOT.crl(
        {4711: "keyCompromise", 4712: "certificateHold"}, since=NOW - 60, until=NOW + 3 * DAY + 3600
    )
    (west.directory / "ipsec.d" / "crls").mkdir()
    (west.directory / "ipsec.d" / "crls" / "root.crl").write_bytes(crl.der)
    key = str(west.directory / "ipsec.d" / "private" / "moon.pem")
    raw = west.cygnet("pki", "pub", "--in", key, "--type", "priv", "--outform", "pem")
    assert raw.returncode == 0
    (west.directory / "ipsec.d" / "certs" / "raw.pem").write_text(raw.stdout)
    west.conf.write_text(CONF)
    (west.directory / "ipsec.secrets").write_text(": RSA moon.pem\n")
    west.start()
    yield west
    west.cygnet("stop")


def swanctl(gateway: Gateway, *words: str) -> str:
    uri = f"unix://{gateway.directory}/run/cygnet.vici"
    done = subprocess.run([str(SWANCTL), *words, "--uri", uri], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


def same(text: str) -> list[str]:
    """Without our lines about files, and without what says nothing."""
    lines = (line for line in text.splitlines() if line[:7] != "  file:")
    return [line for line in lines if line.strip() not in ("", "authKeyId:")]


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("listcerts", ("--type", "x509", "--flag", "none")),
        ("listcacerts", ("--type", "x509", "--flag", "ca")),
        ("listcrls", ("--type", "x509_crl")),
        ("listpubkeys", ("--type", "pubkey")),
    ],
)
def test_swanctl_shows_the_same_of_our_daemon(gateway: Gateway, verb: str, words: tuple[str, ...]) -> None:
    ours = same(gateway.cygnet(verb).stdout)
    assert len(ours) > 3
    assert ours == same(swanctl(gateway, "--list-certs", *words))


def test_swanctl_lists_our_authorities_and_flushes(gateway: Gateway) -> None:
    shown = swanctl(gateway, "--list-authorities")
    assert "root:" in shown and "cacert: C=CH, O=Example, CN=Root" in shown
    assert "crl_uris:  http://crl.example.org/root.crl" in shown
    swanctl(gateway, "--flush-certs", "--type", "x509_crl")
