"""Certificates by hash and URL (RFC 7296 §3.6) with charon, which has its curl plugin; both directions.

cygnet 192.0.2.1 -------- 192.0.2.2 charon, and a web server with both certificates
charon.hash_and_url = yes; ca root: certuribase=http://192.0.2.2/
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cygnet.lab import topology
from cygnet.lab.host import stop
from cygnet.lab.lab import Lab
from tests.interop.scene import tunnel_stands
from tests.peers import certified, conf
from tests.peers.certified import root, valid
from tests.peers.charon import Charon, needs_charon
from tests.peers.cygnet import Cygnet

CURL = Path("/usr/lib/ipsec/plugins/libstrongswan-curl.so")
needs_curl = pytest.mark.skipif(not CURL.exists(), reason="charon has no curl plugin")
pytestmark = [pytest.mark.root, pytest.mark.interop, needs_charon, needs_curl]

BOTH = {"keyexchange": "ikev2", "authby": "pubkey", "leftcert": "own.pem", "ike": "aes128-sha256-x25519"}
CYGNET, CHARON = "C=CH, O=cygnet, CN=cygnet", "C=CH, O=cygnet, CN=charon"
CA = "ca root\n    cacert=ca0.pem\n    certuribase=http://192.0.2.2/\n    auto=add\n\n"


def setting(on: bool) -> dict[str, str]:
    return {"hash_and_url": "yes" if on else "no"}


@contextlib.contextmanager
def played(here: bool = True, there: bool = True, served: bool = True) -> Iterator[tuple[Cygnet, Charon]]:
    ca = root()
    ours, theirs = valid(CYGNET, issuer=ca), valid(CHARON, issuer=ca)
    with Lab() as lab:
        a, b = topology.direct(lab, ("cygnet", "charon"))
        certified.place(a.gateway, ours, [ca])
        certified.place(b.gateway, theirs, [ca])
        web = b.gateway.path("/etc/ipsec.d/www")
        web.mkdir(parents=True, exist_ok=True)
        for holder in (ours, theirs) if served else ():
            (web / holder.certificate.sha1.hex()).write_bytes(holder.certificate.der)
        command = sys.executable, "-m", "http.server", "80", "--directory", "/etc/ipsec.d/www"
        server = b.gateway.popen(*command)
        left = CA + conf.conn(a, b, {**BOTH, "rightid": f'"{CHARON}"'})
        right = CA + conf.conn(b, a, {**BOTH, "rightid": f'"{CYGNET}"'})
        with (
            Charon(b, right, certified.secrets(theirs), setting(there)) as charon,
            Cygnet(a, left, certified.secrets(ours), setting(here)) as cygnet,
        ):
            try:
                yield cygnet, charon
            finally:
                stop(server)


@pytest.mark.parametrize("initiator", ["cygnet", "charon"])
def test_both_look_each_other_up(initiator: str) -> None:
    with played() as (cygnet, charon):
        (cygnet if initiator == "cygnet" else charon).ask("up", "oregon")
        tunnel_stands(cygnet, charon)
        cygnet.says(f'fetched certificate "{CHARON}"')
        charon.says(f'fetched certificate "{CYGNET}"')


def test_charon_alone_looks_up() -> None:
    with played(here=False) as (cygnet, charon):
        cygnet.up("oregon")
        tunnel_stands(cygnet, charon)
        charon.says(f'fetched certificate "{CYGNET}"')
        assert "fetching certificate" not in cygnet.log()


def test_cygnet_alone_looks_up() -> None:
    with played(there=False) as (cygnet, charon):
        cygnet.up("oregon")
        tunnel_stands(cygnet, charon)
        cygnet.says(f'fetched certificate "{CHARON}"')


def test_a_certificate_that_is_not_there_keeps_charon_out_and_the_reason_is_said() -> None:
    with played(there=False, served=False) as (cygnet, _):
        said = cygnet.up("oregon")
        assert "could not be fetched from http://192.0.2.2/" in said, said
        assert "the server says 404" in said, said
