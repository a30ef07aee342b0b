"""IKEv2 with charon where the two cannot agree: each ends as it should, and we name the cause.

::

    10.31.0.1 - cygnet ---------------------- charon - 10.77.0.1
"""

from __future__ import annotations

import pytest

from tests.interop.scene import Scene, nothing_left, played
from tests.peers.charon import needs_charon
from tests.rooted import needs_lab

pytestmark = [*needs_lab, needs_charon, pytest.mark.interop]

V2 = {"keyexchange": "ikev2"}

#: (scene, what cygnet says when it asked, what it says when it was asked)
REFUSALS = [
    (
        Scene(
            "no common IKE proposal",
            V2,
            ours={"ike": "aes256-sha512-modp4096!"},
            theirs={"ike": "aes128-sha256-modp2048!"},
        ),
        "NO_PROPOSAL_CHOSEN",
        r"proposals unacceptable|no (matching |acceptable )?proposal",
    ),
    (
        Scene("no common ESP proposal", V2, ours={"esp": "aes256-sha512!"}, theirs={"esp": "aes128-sha256!"}),
        "NO_PROPOSAL_CHOSEN",
        r"no (matching |acceptable )?proposal",
    ),
    (
        Scene("another subnet", V2, ours={"rightsubnet": "10.99.0.0/16"}),
        "TS_UNACCEPTABLE",
        r"traffic selectors .* unacceptable",
    ),
    (
        Scene("wrong PSK", V2, psk="not the secret"),
        "AUTHENTICATION_FAILED",
        r"tried \d shared keys? for|MAC mismatched|(?i:pre-shared key)",
    ),
    (
        Scene("another identity than expected", V2, ours={"rightid": "@somebody.else"}),
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


def test_nobody_there_is_said_after_the_retransmissions() -> None:
    with played(Scene("", V2, ours={"keyingtries": "1"})) as (cygnet, charon):
        charon.vanish()
        status, said = cygnet.ask("up", "oregon", "--timeout", "20")
        assert status == 1
        assert "retransmit 1 of request with message ID 0" in said
        assert "giving up after 3 retransmits" in said
        nothing_left(cygnet)
