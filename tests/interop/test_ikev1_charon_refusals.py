"""IKEv1 with charon where the two cannot agree: each ends as it should, and we name the cause.

::

    10.31.0.1 - cygnet ---------------------- charon - 10.77.0.1
"""

from __future__ import annotations

import pytest

from tests.interop.scene import Scene, nothing_left, played
from tests.peers.charon import needs_charon
from tests.rooted import needs_lab

pytestmark = [*needs_lab, needs_charon, pytest.mark.interop]

#: (scene, what cygnet says about the cause when it asked, and when it was asked)
REFUSALS = [
    (
        Scene(
            "no common IKE proposal",
            ours={"ike": "aes256-sha512-modp4096!"},
            theirs={"ike": "aes128-sha256-modp2048!"},
        ),
        "NO_PROPOSAL_CHOSEN",
        r"no (matching |acceptable )?proposal",
    ),
    (
        Scene("no common ESP proposal", ours={"esp": "aes256-sha512!"}, theirs={"esp": "aes128-sha256!"}),
        "NO_PROPOSAL_CHOSEN",
        r"no (matching |acceptable )?proposal",
    ),
    (
        Scene("another subnet", ours={"rightsubnet": "10.99.0.0/16"}),
        "INVALID_ID_INFORMATION",
        r"no matching CHILD_SA config found",
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


def test_a_wrong_secret_ends_with_the_likely_reason_when_cygnet_asks() -> None:
    once = {"keyingtries": "1"}
    with played(Scene("wrong PSK", psk="not the secret", ours=once)) as (cygnet, charon):
        status, said = cygnet.ask("up", "oregon")
        assert status == 1
        assert "the pre-shared key" in said
        nothing_left(cygnet)
        assert "INSTALLED" not in charon.status()


def test_a_wrong_secret_is_named_when_charon_asks() -> None:
    with played(Scene("wrong PSK", psk="not the secret", theirs={"auto": "start"})) as (cygnet, _charon):
        cygnet.says(r"(?i)pre-shared key|PSK")
        assert "INSTALLED" not in cygnet.status()
