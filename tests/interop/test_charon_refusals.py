"""Where the two cannot agree, charon and we: each ends as it should, and we name the cause.

::

    10.31.0.1 - cygnet ---------------------- charon - 10.77.0.1
"""

from __future__ import annotations

import pytest

from tests.interop.scene import Scene, nothing_left, played
from tests.peers.charon import needs_charon
from tests.rooted import needs_lab

pytestmark = [*needs_lab, needs_charon, pytest.mark.interop]

V1: dict[str, str] = {}
V2 = {"keyexchange": "ikev2"}
IKE = {"ours": {"ike": "aes256-sha512-modp4096!"}, "theirs": {"ike": "aes128-sha256-modp2048!"}}
ESP = {"ours": {"esp": "aes256-sha512!"}, "theirs": {"esp": "aes128-sha256!"}}
SUBNET = {"ours": {"rightsubnet": "10.99.0.0/16"}}
NO_PROPOSAL = r"no (matching |acceptable )?proposal"

#: (scene, what cygnet says about the cause when it asked, and when it was asked)
REFUSALS = [
    (Scene("IKEv1, no common IKE proposal", V1, **IKE), "NO_PROPOSAL_CHOSEN", NO_PROPOSAL),
    (Scene("IKEv1, no common ESP proposal", V1, **ESP), "NO_PROPOSAL_CHOSEN", NO_PROPOSAL),
    (
        Scene("IKEv1, another subnet", V1, **SUBNET),
        "INVALID_ID_INFORMATION",
        "no matching CHILD_SA config found",
    ),
    (
        Scene("IKEv2, no common IKE proposal", V2, **IKE),
        "NO_PROPOSAL_CHOSEN",
        rf"proposals unacceptable|{NO_PROPOSAL}",
    ),
    (Scene("IKEv2, no common ESP proposal", V2, **ESP), "NO_PROPOSAL_CHOSEN", NO_PROPOSAL),
    (Scene("IKEv2, another subnet", V2, **SUBNET), "TS_UNACCEPTABLE", "traffic selectors .* unacceptable"),
    (
        Scene("IKEv2, wrong PSK", V2, psk="not the secret"),
        "AUTHENTICATION_FAILED",
        r"tried \d shared keys? for|MAC mismatched|(?i:pre-shared key)",
    ),
    (
        Scene("IKEv2, another identity than expected", V2, ours={"rightid": "@somebody.else"}),
        "AUTHENTICATION_FAILED",
        r"no matching peer config|AUTHENTICATION_FAILED",
    ),
]


@pytest.mark.parametrize(("scene", "cause", "_"), REFUSALS, ids=str)
def test_cygnet_asks_and_is_refused(scene: Scene, cause: str, _: str) -> None:
    with played(scene) as (cygnet, charon):
        status, said = cygnet.ask("up", "oregon")
        assert status == 1
        assert cause in said
        assert "establishing connection 'oregon' failed" in said
        assert "INSTALLED" not in charon.status()


@pytest.mark.parametrize(("scene", "_", "cause"), REFUSALS, ids=str)
def test_charon_asks_and_is_refused(scene: Scene, _: str, cause: str) -> None:
    with played(scene) as (cygnet, charon):
        assert "establishing connection 'oregon' failed" in charon.up("oregon")
        cygnet.says(cause)
        assert "INSTALLED" not in cygnet.status()


def test_ikev1_a_wrong_secret_ends_with_the_likely_reason_when_cygnet_asks() -> None:
    once = {"keyingtries": "1"}
    with played(Scene("wrong PSK", psk="not the secret", ours=once)) as (cygnet, charon):
        status, said = cygnet.ask("up", "oregon")
        assert status == 1
        assert "the pre-shared key" in said
        nothing_left(cygnet)
        assert "INSTALLED" not in charon.status()


def test_ikev1_a_wrong_secret_is_named_when_charon_asks() -> None:
    with played(Scene("wrong PSK", psk="not the secret", theirs={"auto": "start"})) as (cygnet, _charon):
        cygnet.says(r"(?i)pre-shared key|PSK")
        assert "INSTALLED" not in cygnet.status()


def test_ikev2_nobody_there_is_said_after_the_retransmissions() -> None:
    with played(Scene("", V2, ours={"keyingtries": "1"})) as (cygnet, charon):
        charon.vanish()
        status, said = cygnet.ask("up", "oregon", "--timeout", "20")
        assert status == 1
        assert "retransmit 1 of request with message ID 0" in said
        assert "giving up after 3 retransmits" in said
        nothing_left(cygnet)
