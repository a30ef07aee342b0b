"""Certificates with charon, IKEv2, both ways.

cygnet 192.0.2.1 -------- 192.0.2.2 charon
leftauth=pubkey, rightauth=pubkey; one root above both
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from cygnet.lab import topology
from cygnet.lab.lab import Lab
from tests.interop.certified import CHARON, CYGNET, Ends, chained, ends, played
from tests.interop.scene import tunnel_stands
from tests.peers import certified, conf
from tests.peers.certified import DAY, root, valid
from tests.peers.charon import Charon, needs_charon
from tests.peers.cygnet import Cygnet

pytestmark = [pytest.mark.root, pytest.mark.interop, needs_charon]

KEYS = ["rsa-2048", "rsa-3072", "p256", "p384", "p521", "ed25519", "ed448"]


@pytest.mark.parametrize("key", KEYS)
def test_cygnet_asks(key: str) -> None:
    with played(ends(key)) as (cygnet, charon):
        said = cygnet.up("oregon")
        assert f"authentication of '{CHARON}' with" in said, said
        tunnel_stands(cygnet, charon)


@pytest.mark.parametrize("key", KEYS)
def test_charon_asks(key: str) -> None:
    with played(ends(key)) as (cygnet, charon):
        charon.ask("up", "oregon")
        cygnet.says(f"authentication of '{CYGNET}' \\(myself\\) with")
        tunnel_stands(cygnet, charon)


@pytest.mark.parametrize("depth", [1, 3])
def test_intermediates_go_along_both_ways(depth: int) -> None:
    with played(chained(depth)) as (cygnet, charon):
        said = cygnet.up("oregon")
        assert 'sending issuer cert "C=CH, O=cygnet, CN=Sub 0 of cygnet"' in said, said
        tunnel_stands(cygnet, charon)


def test_a_chain_of_8_kb_goes_in_fragments_over_a_small_mtu() -> None:
    of = chained(3, padding=1500)
    with played(of) as (cygnet, charon):
        for host in (cygnet.host, charon.host):
            host.run("ip", "link", "set", "eth0", "mtu", "1280")
        said = cygnet.up("oregon")
        assert "splitting IKE message" in said or "fragment" in said, said
        tunnel_stands(cygnet, charon)


def test_rsa_pss_both_ways() -> None:
    of = ends("rsa-2048")
    of.our_keywords = {"authby": "", "leftauth": "rsa/pss-sha256", "rightauth": "pubkey"}
    of.their_keywords = {"authby": "", "leftauth": "rsa/pss-sha512", "rightauth": "ike:rsa/pss-sha256"}
    with played(of) as (cygnet, charon):
        said = cygnet.up("oregon")
        assert f"authentication of '{CHARON}' with RSA-PSS-SHA512 successful" in said, said
        tunnel_stands(cygnet, charon)


def test_raw_public_keys() -> None:
    of = ends("p256")
    names = {"authby": "pubkey", "leftsendcert": "never"}
    with Lab() as lab:
        a, b = topology.direct(lab, ("cygnet", "charon"))
        for end, own, other in ((a, of.ours, of.theirs), (b, of.theirs, of.ours)):
            certified.place(end.gateway, own, ())
            end.gateway.write("/etc/ipsec.d/certs/own.pub", certified.public_text(own))
            end.gateway.write("/etc/ipsec.d/certs/peer.pub", certified.public_text(other))
        keys = {"leftsigkey": "own.pub", "rightsigkey": "peer.pub", "keyexchange": "ikev2"}
        ours = {**names, **keys, "leftid": "@cygnet", "rightid": "@charon"}
        theirs = {**names, **keys, "leftid": "@charon", "rightid": "@cygnet"}
        with (
            Charon(b, conf.conn(b, a, theirs), certified.secrets(of.theirs)) as charon,
            Cygnet(a, conf.conn(a, b, ours), certified.secrets(of.ours)) as cygnet,
        ):
            said = cygnet.up("oregon")
            assert "authentication of 'charon' with ECDSA-SHA256 successful" in said, said
            tunnel_stands(cygnet, charon)


def test_a_subject_alternative_name_is_an_identity() -> None:
    of = ends()
    of.our_keywords = {"leftid": "@cygnet.example.org", "rightid": "@charon.example.org"}
    of.their_keywords = {"leftid": "@charon.example.org", "rightid": "@cygnet.example.org"}
    with played(of) as (cygnet, charon):
        cygnet.up("oregon")
        tunnel_stands(cygnet, charon)


def test_wildcards_in_rightid_and_a_ca_that_must_be_above() -> None:
    of = ends()
    of.our_keywords = {"rightid": '"C=CH, O=cygnet, CN=*"', "rightca": '"C=CH, O=cygnet, CN=Root"'}
    of.their_keywords = {"rightid": '"C=CH, O=*, CN=cygnet"', "rightca": "%same"}
    with played(of) as (cygnet, charon):
        cygnet.up("oregon")
        tunnel_stands(cygnet, charon)


# what does not fit: (what is wrong with charon's end, what cygnet says of it)


def of_another_ca(of: Ends) -> None:
    of.theirs = valid(CHARON, issuer=root("C=CH, O=other, CN=Root"))


def expired(of: Ends) -> None:
    now = int(time.time())
    of.theirs = valid(CHARON, issuer=of.our_cas[0], since=now - 9 * DAY, until=now - 2 * DAY)


def of_somebody_else(of: Ends) -> None:
    of.theirs = valid("C=CH, O=cygnet, CN=mallory", issuer=of.our_cas[0])
    of.our_keywords = {"rightid": "%charon.example.org"}


def too_short(of: Ends) -> None:
    of.theirs = valid(CHARON, issuer=of.our_cas[0], key="rsa-1024")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (of_another_ca, "C=CH, O=other, CN=Root"),
        (expired, "expired on"),
        (of_somebody_else, "is for C=CH, O=cygnet, CN=mallory, not for 'charon.example.org'"),
        (too_short, "RSA 1024"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_reason(spoil: Callable[[Ends], None], reason: str) -> None:
    of = ends()
    spoil(of)
    of.our_keywords.setdefault("leftsendcert", "always")
    with played(of) as (cygnet, charon):
        said = cygnet.up("oregon")
        assert reason in said, said
        assert "established successfully" not in said
        charon.shows(r"\(0 up, 0 connecting\)")


def test_ours_is_refused_by_charon_and_cygnet_says_what_that_may_mean() -> None:
    of = ends()
    of.ours = valid(CYGNET, issuer=root("C=CH, O=other, CN=Root"))
    with played(of) as (cygnet, _):
        assert "it does not trust our certificate, or expects another identity" in cygnet.up("oregon")
