"""Certificates with charon, IKEv1, both ways: what ``certified`` draws."""

from __future__ import annotations

import pytest

from tests.interop.certified import CHARON, CYGNET, Ends, chained, ends, played
from tests.interop.scene import tunnel_stands
from tests.peers.certified import root, valid
from tests.peers.charon import needs_charon

pytestmark = [pytest.mark.root, pytest.mark.interop, needs_charon]

KEYS = ["rsa-2048", "rsa-3072", "p256", "p384", "p521"]
MODES = pytest.mark.parametrize("aggressive", ["no", "yes"], ids=["main", "aggressive"])


def version_1(of: Ends, aggressive: str = "no") -> Ends:
    of.our_keywords = {"keyexchange": "ikev1", "aggressive": aggressive, **of.our_keywords}
    of.their_keywords = {"keyexchange": "ikev1", "aggressive": aggressive, **of.their_keywords}
    return of


@MODES
@pytest.mark.parametrize("key", KEYS)
def test_cygnet_asks(key: str, aggressive: str) -> None:
    with played(version_1(ends(key), aggressive)) as (cygnet, charon):
        said = cygnet.up("oregon")
        assert f"authentication of '{CHARON}' with" in said, said
        tunnel_stands(cygnet, charon)


@MODES
@pytest.mark.parametrize("key", KEYS)
def test_charon_asks(key: str, aggressive: str) -> None:
    with played(version_1(ends(key), aggressive)) as (cygnet, charon):
        charon.ask("up", "oregon")
        cygnet.says(f"authentication of '{CYGNET}' \\(myself\\) with")
        tunnel_stands(cygnet, charon)


@pytest.mark.parametrize("asks", ["cygnet", "charon"])
def test_intermediates_go_along_in_fragments(asks: str) -> None:
    with played(version_1(chained(3, padding=500))) as (cygnet, charon):
        if asks == "cygnet":
            cygnet.up("oregon")
        else:
            charon.ask("up", "oregon")
        cygnet.says('sending issuer cert "C=CH, O=cygnet, CN=Sub 0 of cygnet"')
        tunnel_stands(cygnet, charon)


def test_charons_certificate_of_another_ca_is_refused_and_it_hears_of_it() -> None:
    of = version_1(ends())
    of.theirs = valid(CHARON, issuer=root("C=CH, O=other, CN=Root"))
    of.our_keywords["leftsendcert"] = "always"
    with played(of) as (cygnet, charon):
        said = cygnet.up("oregon")
        assert "C=CH, O=other, CN=Root" in said and "established successfully" not in said
        charon.shows(r"\(0 up, 0 connecting\)")


def test_ours_is_refused_by_charon() -> None:
    of = version_1(ends())
    of.ours = valid(CYGNET, issuer=root("C=CH, O=other, CN=Root"))
    with played(of) as (cygnet, _):
        assert "AUTH" in cygnet.up("oregon")
