"""Two rounds of pre-shared keys (RFC 4739) from ipsec.conf, with charon, both ways.

cygnet 192.0.2.1 -------- 192.0.2.2 charon
leftauth=psk, leftauth2=psk by a second identity with a key of its own
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from cygnet.lab import topology
from cygnet.lab.lab import Lab
from tests.interop.scene import tunnel_stands
from tests.peers import conf
from tests.peers.charon import Charon
from tests.peers.cygnet import Cygnet

pytestmark = [pytest.mark.root, pytest.mark.interop]

MINE = {"leftauth2": "psk", "leftid2": "@second.cygnet"}
KEYS = {"keyexchange": "ikev2", "authby": "", "leftauth": "psk", "rightauth": "psk", "forceencaps": "yes"}
OURS = {**KEYS, **MINE, "rightauth2": "psk", "rightid2": "@second.charon"}
THEIRS = {
    **KEYS,
    "leftauth2": "psk",
    "leftid2": "@second.charon",
    "rightauth2": "psk",
    "rightid2": "@second.cygnet",
}


#: as charon looks for a key: by both ends' identities in that round, of which an end with one round
#: has its address
SECOND = '@second.cygnet @second.charon 192.0.2.1 : PSK "{}"\n'
KEY = "the key of the second round"


@contextlib.contextmanager
def played(key: str = KEY, rounds: int = 2) -> Iterator[tuple[Cygnet, Charon]]:
    """``key``: of the second round, as we have it; ``rounds``: of ours."""
    with Lab() as lab:
        a, b = topology.direct(lab, ("cygnet", "charon"))
        first = conf.secrets(a, b)
        with (
            Charon(
                b,
                conf.conn(b, a, THEIRS if rounds == 2 else THEIRS | {"rightauth2": "", "rightid2": ""}),
                first + SECOND.format(KEY),
            ) as charon,
            Cygnet(
                a,
                conf.conn(a, b, OURS if rounds == 2 else OURS | {"leftauth2": "", "leftid2": ""}),
                first + SECOND.format(key),
            ) as cygnet,
        ):
            yield cygnet, charon


def test_both_rounds_of_both_ends_are_done_when_cygnet_asks() -> None:
    with played() as (cygnet, charon):
        said = cygnet.up("oregon")
        assert "authentication of 'second.cygnet' (myself) with pre-shared key" in said
        assert "authentication of 'second.charon' with pre-shared key successful" in said
        tunnel_stands(cygnet, charon)


def test_both_rounds_of_the_initiator_are_done_when_charon_asks() -> None:
    """charon 5.9.8 as the initiator takes a responder with two rounds for one with too few."""
    with played(rounds=1) as (cygnet, charon):
        charon.ask("up", "oregon")
        cygnet.says("authentication of 'second.charon' with pre-shared key successful")
        tunnel_stands(cygnet, charon)


def test_a_wrong_key_in_the_second_round_is_refused() -> None:
    with played("another one") as (cygnet, _):
        assert "received AUTHENTICATION_FAILED notify error" in cygnet.up("oregon")
