"""cygnet's key and certificate on a token of SoftHSM2, its peer is charon with files.

cygnet 192.0.2.1 -------- 192.0.2.2 charon
leftcert=%smartcard:50    leftcert=own.pem
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from cygnet.lab import topology
from cygnet.lab.lab import Lab
from tests.daemon.softhsm import MODULE, PIN, configured, needs_softhsm, store, store_certificate, token
from tests.interop.certified import BOTH, CHARON, CYGNET, ends
from tests.interop.scene import tunnel_stands
from tests.peers import certified, conf
from tests.peers.charon import Charon, needs_charon
from tests.peers.cygnet import Cygnet

pytest.importorskip("pkcs11")
pytestmark = [pytest.mark.root, pytest.mark.interop, needs_charon, needs_softhsm]

STRONGSWAN = f"plugins {{\n pkcs11 {{\n modules {{\n soft {{\n path = {MODULE}\n }}\n }}\n }}\n }}"


class WithToken(Cygnet):
    def _charon_section(self) -> str:
        return super()._charon_section() + STRONGSWAN


@contextlib.contextmanager
def played(
    key: str, directory: Path, version: str = "ikev2", pin: str = PIN, **keywords: str
) -> Iterator[tuple[Cygnet, Charon]]:
    of = ends(key)
    slot = token(directory)
    store(slot, of.ours.key, "50", directory)
    store_certificate(slot, of.ours.certificate.der, "50")
    with Lab() as lab:
        a, b = topology.direct(lab, ("cygnet", "charon"))
        certified.place(b.gateway, of.theirs, of.their_cas)
        a.gateway.write("/etc/ipsec.d/cacerts/ca.pem", certified.pem(of.our_cas[0]))
        both = {**BOTH, "keyexchange": version, **keywords}
        ours = conf.conn(a, b, {**both, "leftcert": "%smartcard:50", "rightid": f'"{CHARON}"'})
        theirs = conf.conn(b, a, {**both, "rightid": f'"{CYGNET}"'})
        with (
            Charon(b, theirs, certified.secrets(of.theirs)) as charon,
            WithToken(a, ours, f': PIN %smartcard:50 "{pin}"\n') as cygnet,
        ):
            yield cygnet, charon


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SOFTHSM2_CONF", str(configured(tmp_path)))
    return tmp_path


@pytest.mark.parametrize("key", ["rsa-2048", "p256", "p384"])
@pytest.mark.parametrize("version", ["ikev2", "ikev1"])
def test_a_tunnel_with_the_key_on_a_token(key: str, version: str, directory: Path) -> None:
    with played(key, directory, version) as (cygnet, charon):
        said = cygnet.up("oregon")
        assert f"authentication of '{CYGNET}' (myself) with" in said, said
        tunnel_stands(cygnet, charon)


def test_rsa_pss_and_the_responders_role(directory: Path) -> None:
    pss = {"authby": "", "leftauth": "rsa/pss-sha256", "rightauth": "pubkey"}
    with played("rsa-2048", directory, **pss) as (cygnet, charon):
        charon.ask("up", "oregon")
        cygnet.says(f"authentication of '{CYGNET}' \\(myself\\) with RSA-PSS-SHA256")
        tunnel_stands(cygnet, charon)


def test_a_wrong_pin_is_said_and_never_shown(directory: Path) -> None:
    with played("p256", directory, pin="0815 falsch") as (cygnet, _):
        status, said = cygnet.ask("rereadsecrets")
        assert "refused this PIN before; it is not tried again" in said, said
        status, said = cygnet.ask("up", "oregon")
        assert status != 0 and "no private key found" in said, said
        assert "0815" not in said + cygnet.log()
