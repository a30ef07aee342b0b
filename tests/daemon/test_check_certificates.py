"""`cygnet check` on certificates: do key, certificate, chain and identity belong together, and until when."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from cygnet.daemon.loading import check
from cygnet.daemon.options import Options
from tests.certs import authority
from tests.peers.certified import key_text, pem

DAY = 86400
SINCE, UNTIL = int(time.time()) - 100 * DAY, int(time.time()) + 300 * DAY
DATES = {"since": SINCE, "until": UNTIL}
ROOT = authority("Root", **DATES)
SUB = ROOT.issues("Sub", ca=True, **DATES)
NAMES = ["DNS:moon.example.org"]
MOON = SUB.issues("moon", names=NAMES, **DATES)
SUN = ROOT.issues("sun", **DATES)

CONF = """\
conn moon-sun
    keyexchange=ikev2
    left=198.51.100.1
    leftcert=moon.pem
    {more}
    right=198.51.100.2
    rightid="CN=sun"
    auto=add
"""
GOOD = {
    "cacerts/root.pem": pem(ROOT), "cacerts/sub.pem": pem(SUB), "certs/moon.pem": pem(MOON),
    "private/moon.pem": key_text(MOON), "private/sun.pem": key_text(SUN), "certs/sun.pem": pem(SUN),
}  # fmt: skip


def said(
    directory: Path, files: dict[str, Any], secrets: str = ": ECDSA moon.pem\n", more: str = ""
) -> tuple[str, int]:
    for name, text in files.items():
        path = directory / "ipsec.d" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    (directory / "ipsec.conf").write_text(CONF.format(more=more))
    (directory / "ipsec.secrets").write_text(secrets)
    (directory / "strongswan.conf").write_text("")
    paths = {k: str(directory / f"{v}") for k, v in (("config", "ipsec.conf"), ("secrets", "ipsec.secrets"))}
    return check(Options(**paths, strongswan_conf=str(directory / "strongswan.conf")))


def without(*names: str) -> dict[str, Any]:
    return {name: text for name, text in GOOD.items() if name not in names}


def test_what_belongs_together_is_ok(tmp_path: Path) -> None:
    assert said(tmp_path, GOOD) == ("config OK", 0)
    assert said(tmp_path, GOOD, more="leftid=moon.example.org") == ("config OK", 0)


def test_the_key_that_ipsec_secrets_names_is_of_another_certificate(tmp_path: Path) -> None:
    text, status = said(tmp_path, GOOD, ": ECDSA sun.pem\n")
    path = tmp_path / "ipsec.d" / "private" / "moon.pem"
    assert f"ipsec.conf:4:14: warning: leftcert: no private key for 'moon.pem'; {path} is it" in text
    assert "write ': ECDSA moon.pem' into ipsec.secrets" in text and status == 0


def test_the_key_is_nowhere_and_those_that_are_there_are_named(tmp_path: Path) -> None:
    text, _ = said(tmp_path, without("private/moon.pem"), ": ECDSA sun.pem\n")
    sun = tmp_path / "ipsec.d" / "private" / "sun.pem"
    assert (
        f"no private key for 'moon.pem' among those that ipsec.secrets names ({sun} is of 'CN=sun')" in text
    )
    assert "a line ': RSA file' (ECDSA, PKCS8) of ipsec.secrets names it" in text


def test_an_intermediate_that_is_missing_is_named_with_where_to_put_it(tmp_path: Path) -> None:
    text, status = said(tmp_path, without("cacerts/sub.pem"))
    assert "leftcert: 'CN=Sub', which signed 'CN=moon', is not here" in text
    assert f"put its certificate into {tmp_path}/ipsec.d/cacerts/" in text and status == 0
    assert "config OK" in text


def test_a_namesake_of_the_issuer_with_another_key_is_told_apart(tmp_path: Path) -> None:
    other = ROOT.issues("Sub", ca=True, **DATES)
    text, _ = said(tmp_path, GOOD | {"cacerts/sub.pem": pem(other)})
    assert "the 'CN=Sub' that is here has another key than the one that signed" in text


def test_a_chain_in_the_certificates_file_need_not_have_the_root(tmp_path: Path) -> None:
    chain = {"certs/moon.pem": pem(MOON) + pem(SUB)}
    text, _ = said(tmp_path, without("cacerts/sub.pem", "cacerts/root.pem") | chain)
    assert "leftcert" not in text
    text, _ = said(tmp_path, without("cacerts/root.pem"))
    assert "'CN=Root', which signed 'CN=Sub', is not here" in text


@pytest.mark.parametrize("never", ["never", "no"])
def test_who_sends_no_certificate_needs_no_chain(tmp_path: Path, never: str) -> None:
    assert "Sub" not in said(tmp_path, without("cacerts/sub.pem"), more=f"leftsendcert={never}")[0]


def test_an_identity_that_is_not_in_the_certificate_and_the_line_that_would_do(tmp_path: Path) -> None:
    text, _ = said(tmp_path, GOOD, more="leftid=198.51.100.1")
    assert (
        "leftid: '198.51.100.1' is not in the certificate, which is for 'CN=moon' and 'moon.example.org'"
        in text
    )
    assert "write leftid=moon.example.org, or have it issued with '198.51.100.1' in subjectAltName" in text


def issued(**options: Any) -> dict[str, Any]:
    holder = SUB.issues("moon", names=NAMES, **{**DATES, **options})
    return GOOD | {"certs/moon.pem": pem(holder), "private/moon.pem": key_text(holder)}


def test_what_runs_out_is_told_with_its_file(tmp_path: Path) -> None:
    path = tmp_path / "ipsec.d" / "certs" / "moon.pem"
    now = int(time.time())
    text, status = said(tmp_path, issued(until=now + 5 * DAY + 60))
    assert f"{path}: warning: the certificate 'CN=moon' expires in 5 days" in text and status == 0
    assert "expired 3 days ago" in said(tmp_path, issued(until=now - 3 * DAY - 60))[0]


def test_what_a_peer_would_refuse_is_told(tmp_path: Path) -> None:
    text, _ = said(tmp_path, issued(since=int(time.time()) + 10 * DAY))
    assert "peers will refuse this certificate: CN=moon is valid only from" in text
    crl = SUB.crl({MOON.certificate.serial: "keyCompromise"}, since=SINCE, until=UNTIL).der
    assert (
        "peers will refuse this certificate: CN=moon was revoked" in said(tmp_path, GOOD | {"crls/a": crl})[0]
    )


def crlf(text: str) -> bytes:
    return b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()


def test_files_as_people_have_them(tmp_path: Path) -> None:
    """A chain in one file, the leaf twice, CRLF and a BOM; several keys, and the certificate, in one."""
    chain = pem(MOON) + pem(MOON) + pem(SUB) + pem(ROOT)
    keys = key_text(SUN) + key_text(MOON)
    for files in (
        {"certs/moon.pem": crlf(chain)},
        {"certs/moon.pem": crlf(pem(SUB) + pem(MOON))},
        {"private/moon.pem": crlf(keys)},
        {"certs/moon.pem": key_text(MOON) + chain},
        {"private/moon.pem": pem(MOON) + keys},
    ):
        told = said(tmp_path, without("cacerts/sub.pem") | {"certs/moon.pem": chain} | files)
        assert told == ("config OK", 0)


def test_every_key_of_a_file_is_there(tmp_path: Path) -> None:
    other = SUB.issues("other", **DATES)
    files: dict[str, Any] = {"private/moon.pem": key_text(SUN) + key_text(other)}
    text, _ = said(tmp_path, without("private/sun.pem") | files)
    path = tmp_path / "ipsec.d" / "private" / "moon.pem"
    assert f"{path} is of 'CN=sun'; {path} is of no certificate here" in text
