"""Revocation data that is fetched while phase 1 waits: the message that needs it is taken when it is here.

The left end is strict, the right one judges nobody's state; either may begin.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from cygnet.model.config import IkeVersion, Strict
from cygnet.testing.pair import Host, Page, Pair
from tests.certs import NOW, authority
from tests.exchange.certified import world

CRL = "http://crl.example.org/root.crl"
ROOT = authority("Root")

either = pytest.mark.parametrize("end", ["left", "right"])
both_modes = pytest.mark.parametrize("aggressive", [False, True])


def pair(aggressive: bool = False, strict: Strict = Strict.YES) -> tuple[Pair, int]:
    """And the serial number of the right end's certificate."""
    of = world(root=ROOT, crls=[CRL])
    left, right = of.configs(IkeVersion.V1, aggressive=aggressive)
    left = replace(left, settings=replace(left.settings, strict_crl=strict))
    right = replace(right, settings=replace(right.settings, use_crls=False))
    return Pair(left, right, unix=NOW), of.right.certificate.serial


@either
@both_modes
@pytest.mark.parametrize("delay", [0.0, 1.0, 9.0])
def test_phase_1_waits_for_the_crl(end: str, aggressive: bool, delay: float) -> None:
    waits, _ = pair(aggressive)
    waits.left.web[CRL] = Page(ROOT.crl().der, delay=delay)
    host: Host = getattr(waits, end)
    ref = host.up("oregon")
    assert waits.run(60, lambda: ref in host.finished)
    waits.run(1)
    assert host.finished[ref].reason == ""
    assert waits.left.installed() and waits.right.installed()
    assert waits.left.fetched == [CRL]
    assert 'certificate status of "CN=far" is good' in waits.left.lines()


@either
@both_modes
def test_a_revoked_peer_is_refused(end: str, aggressive: bool) -> None:
    refuses, serial = pair(aggressive)
    refuses.left.web[CRL] = Page(ROOT.crl({serial: "keyCompromise"}).der, delay=1)
    host: Host = getattr(refuses, end)
    ref = host.up("oregon")
    assert refuses.run(400, lambda: ref in host.finished)
    assert any("CN=far was revoked (keyCompromise)" in line for line in refuses.left.lines())
    assert not refuses.left.installed() and not refuses.right.installed()


@either
@pytest.mark.parametrize("strict", list(Strict))
def test_a_dead_server_costs_some_seconds_and_strictcrlpolicy_decides(end: str, strict: Strict) -> None:
    tries, _ = pair(strict=strict)
    tries.left.web[CRL] = Page(delay=1e9)
    host: Host = getattr(tries, end)
    host.up("oregon")
    tries.run(12)
    assert bool(tries.left.installed()) is (strict is Strict.NO)


def test_down_while_it_waits() -> None:
    waits, _ = pair()
    waits.left.web[CRL] = Page(ROOT.crl().der, delay=5)
    waits.left.up("oregon")
    waits.run(2)
    assert waits.left.ike_sas[0].waiting == "whether CN=far is revoked"
    waits.left.down("oregon")
    waits.run(10)
    assert not waits.left.ike_sas
