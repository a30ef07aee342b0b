"""Whether charon's certificate is revoked, by a CRL that cygnet fetches; IKEv2, both ways.

cygnet 192.0.2.1 -------- 192.0.2.2 charon, and a web server with the root's CRL
strictcrlpolicy=yes at cygnet
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cygnet.lab import topology
from cygnet.lab.host import stop
from cygnet.lab.lab import Lab
from tests.certs import Holder
from tests.interop.scene import tunnel_stands
from tests.peers import certified, conf
from tests.peers.certified import root, valid
from tests.peers.charon import Charon, needs_charon
from tests.peers.cygnet import Cygnet

pytestmark = [pytest.mark.root, pytest.mark.interop, needs_charon]

BOTH = {"keyexchange": "ikev2", "authby": "pubkey", "leftcert": "own.pem", "ike": "aes128-sha256-x25519"}
CYGNET, CHARON = "C=CH, O=cygnet, CN=cygnet", "C=CH, O=cygnet, CN=charon"
URI = "http://192.0.2.2/root.crl"


def pem(ca: Holder, *revoked: Holder, **times: Any) -> str:
    now = int(time.time())
    times = {"since": now - 60, "until": now + 3600, **times}
    crl = ca.crl({one.certificate.serial: "keyCompromise" for one in revoked}, **times)
    return x509.load_der_x509_crl(crl.der).public_bytes(Encoding.PEM).decode()


@contextlib.contextmanager
def played(ca: Holder, theirs: Holder, crl: str, setup: str = "") -> Iterator[tuple[Cygnet, Charon]]:
    ours = valid(CYGNET, issuer=ca)
    with Lab() as lab:
        a, b = topology.direct(lab, ("cygnet", "charon"))
        certified.place(a.gateway, ours, [ca])
        certified.place(b.gateway, theirs, [ca])
        web = None
        if crl:
            b.gateway.write("/etc/ipsec.d/www/root.crl", crl)
            server = [sys.executable, "-m", "http.server", "80", "--directory", "/etc/ipsec.d/www"]
            web = b.gateway.popen(*server)
        left = f"config setup\n  strictcrlpolicy=yes\n{setup}\n" + conf.conn(
            a, b, {**BOTH, "rightid": f'"{CHARON}"'}
        )
        right = conf.conn(b, a, {**BOTH, "rightid": f'"{CYGNET}"'})
        with (
            Charon(b, right, certified.secrets(theirs)) as charon,
            Cygnet(a, left, certified.secrets(ours)) as cygnet,
        ):
            yield cygnet, charon
        if web is not None:
            stop(web)


def ends() -> tuple[Holder, Holder]:
    ca = root()
    return ca, valid(CHARON, issuer=ca, crls=[URI])


def test_a_fetched_crl_lets_charon_in_and_is_kept() -> None:
    ca, theirs = ends()
    with played(ca, theirs, pem(ca), "  cachecrls=yes") as (cygnet, charon):
        said = cygnet.up("oregon")
        assert f'certificate status of "{CHARON}" is good' in said, said
        tunnel_stands(cygnet, charon)
        kept = list(cygnet.host.path("/etc/ipsec.d/crls").iterdir())
        assert [file.suffix for file in kept] == [".crl"]


def test_as_responder_cygnet_waits_for_the_crl_as_well() -> None:
    ca, theirs = ends()
    with played(ca, theirs, pem(ca)) as (cygnet, charon):
        charon.ask("up", "oregon")
        cygnet.says(f'certificate status of "{CHARON}" is good')
        tunnel_stands(cygnet, charon)


def test_a_fetched_crl_keeps_charon_out() -> None:
    ca, theirs = ends()
    with played(ca, theirs, pem(ca, theirs)) as (cygnet, charon):
        said = cygnet.up("oregon")
        assert f"{CHARON} was revoked (keyCompromise)" in said, said
        charon.shows(r"\(0 up, 0 connecting\)")


def test_without_the_server_charon_stays_out_and_the_log_says_why() -> None:
    ca, theirs = ends()
    with played(ca, theirs, "") as (cygnet, _):
        said = cygnet.up("oregon")
        assert f"crl fetching from '{URI}' failed: 192.0.2.2 port 80: Connection refused" in said, said
        assert f"whether {CHARON} is revoked is not known" in said, said
