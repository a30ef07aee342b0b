"""IKEv2 with OpenIKED, PSK, as responder and as initiator.

::

    10.31.0.0/16 - cygnet ---------------------- iked - 10.77.0.0/16
                 192.0.2.1                    192.0.2.2

iked is the real one. The kernel it talks to is not (peers/pf_key.py): it takes every SA and tells
us its SPI and keys, which must be those that cygnet uses. So everything is tested but that packets
pass: iked has no ESP of its own. Debian's iked for Linux installs ESP only with CBC and SHA-1, so
the ESP suites here are old ones.

iked wraps ESP in UDP as soon as IKE comes from port 4500, NAT or not (and with MOBIKE it does), hence
`forceencaps`: without it the two ends disagree.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from cygnet.lab import topology
from cygnet.lab.lab import Lab
from tests.peers import conf
from tests.peers.exporting import Exporting
from tests.peers.openiked import OpenIked, needs_openiked
from tests.rooted import needs_lab

pytestmark = [*needs_lab, needs_openiked, pytest.mark.interop]

#: ours and theirs, for IKE and for ESP
SUITES = [
    ("aes128-sha256-x25519", "enc aes-128 prf hmac-sha2-256 auth hmac-sha2-256 group curve25519",
     "aes128-sha1", "enc aes-128 auth hmac-sha1"),
    ("aes256-sha512-ecp384", "enc aes-256 prf hmac-sha2-512 auth hmac-sha2-512 group ecp384",
     "3des-sha1", "enc 3des auth hmac-sha1"),
    ("aes256gcm16-prfsha384-modp2048", "enc aes-256-gcm prf hmac-sha2-384 group modp2048",
     "aes256-sha1", "enc aes-256 auth hmac-sha1"),
]  # fmt: skip
ESTABLISHED = r"sa_state: VALID -> ESTABLISHED"
#: it would try for an hour
FEW_TRIES = {"keyingtries": "1"}


@contextlib.contextmanager
def both(
    suite: tuple[str, str, str, str], initiator: str, psk: str = conf.SECRET
) -> Iterator[tuple[Exporting, OpenIked]]:
    """cygnet and iked, running; iked initiates as soon as it runs where it is to."""
    ike, their_ike, esp, their_esp = suite
    keywords = {"keyexchange": "ikev2", "ike": f"{ike}!", "esp": f"{esp}!", "forceencaps": "yes"}
    with Lab() as lab:
        a, b = topology.direct(lab, ("cygnet", "iked"))
        with (
            Exporting(a, conf.conn(a, b, keywords | FEW_TRIES), conf.secrets(a, b, psk)) as cygnet,
            OpenIked(b, a, their_ike, their_esp, active=initiator == "iked") as iked,
        ):
            yield cygnet, iked


def same_sas(cygnet: Exporting, iked: OpenIked, count: int) -> None:
    """They have installed the same ones, with the same keys (which no message of a test shows)."""
    iked.until(lambda: len(iked.installed("add")) == count, 15, f"{count} SAs")
    cygnet.until(lambda: len(cygnet.esp_keys()) == count, 15, f"{count} SAs")
    equal = cygnet.esp_keys() == iked.installed("add")
    assert equal, f"SPIs: {sorted(cygnet.esp_keys())} and {sorted(iked.installed('add'))}"


@pytest.mark.parametrize("initiator", ["cygnet", "iked"])
@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: f"{suite[0]} {suite[2]}")
def test_a_tunnel_with_openiked_stands_and_ends(suite: tuple[str, str, str, str], initiator: str) -> None:
    with both(suite, initiator) as (cygnet, iked):
        if initiator == "cygnet":
            assert "established successfully" in cygnet.up("oregon")
        cygnet.shows(r"oregon\{\d+\}:\s+INSTALLED, TUNNEL")
        iked.says(ESTABLISHED)
        same_sas(cygnet, iked, 2)
        assert cygnet.ask("down", "oregon")[0] == 0
        iked.says(r"sa_state: ESTABLISHED -> CLOSED")
        iked.until(lambda: iked.installed("delete").keys() == iked.installed("add").keys(), 15, "deletion")
        cygnet.shows(r"\(0 up, 0 connecting\)")


@pytest.mark.parametrize("initiator", ["cygnet", "iked"])
@pytest.mark.parametrize("what", ["child", "ike"])
def test_openiked_follows_when_cygnet_rekeys(what: str, initiator: str) -> None:
    with both(SUITES[0], initiator) as (cygnet, iked):
        if initiator == "cygnet":
            cygnet.up("oregon")
        iked.says(ESTABLISHED)
        same_sas(cygnet, iked, 2)
        with cygnet.vici() as session:
            session.rekey({what: "oregon"})
        if what == "child":
            cygnet.shows(r"oregon\{2\}:\s+INSTALLED, TUNNEL")
            same_sas(cygnet, iked, 4)
        else:
            cygnet.shows(r"oregon\[2\]: ESTABLISHED")
            cygnet.shows(r"\(1 up, 0 connecting\)")
            same_sas(cygnet, iked, 2)
        assert cygnet.ask("down", "oregon")[0] == 0
        iked.until(lambda: iked.installed("delete").keys() == iked.installed("add").keys(), 15, "deletion")


def test_openiked_refuses_our_wrong_secret() -> None:
    with both(SUITES[0], "cygnet", psk="another one") as (cygnet, iked):
        status, said = cygnet.ask("up", "oregon")
        assert status != 0
        assert "received AUTHENTICATION_FAILED notify error" in said
        cygnet.shows(r"\(0 up, 0 connecting\)")
        assert not iked.installed("add")


def test_we_refuse_openikeds_wrong_secret() -> None:
    with both(SUITES[0], "iked", psk="another one") as (cygnet, iked):
        cygnet.says("the pre-shared keys differ: tried 1 shared key, but MAC mismatched")
        iked.says("AUTHENTICATION_FAILED")
        assert not cygnet.esp_keys()
