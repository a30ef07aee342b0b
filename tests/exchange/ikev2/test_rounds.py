"""Several rounds of authentication (RFC 4739): an end proves more than one identity."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cygnet.boundary.effects import Outcome
from cygnet.model.config import AuthMethod, AuthRound, Config, SharedSecret
from cygnet.testing.builders import psk
from cygnet.testing.pair import Pair
from cygnet.values.identity import Identity
from tests.exchange.ikev2.story import both_clean, matching, tunnel

MACHINE, USER, DOOR = (Identity.parse(f"@{n}.example") for n in ("machine", "user", "door"))
SECRETS = (
    psk("of the machine", "@machine.example", "@door.example"),
    psk("of the user", "@user.example", "@door.example", "@machine.example"),
)


def ends(
    left: tuple[Identity, ...], right: tuple[Identity, ...], secrets: tuple[SharedSecret, ...] = SECRETS
) -> tuple[Config, Config]:
    """Each end proves its identities in order, and the other one expects just these."""
    one, two = tunnel()
    mine = tuple(AuthRound(AuthMethod.PSK, i) for i in left)
    theirs = tuple(AuthRound(AuthMethod.PSK, i) for i in right)
    return (
        Config((replace(one.connections[0], local=mine, remote=theirs),), SECRETS),
        Config((replace(two.connections[0], local=theirs, remote=mine),), secrets),
    )


@pytest.mark.parametrize(
    ("left", "right", "exchanges"),
    [
        # --> {IDi, AUTH, SA, TSi, TSr, N(AUTH_FOLLOWS)} <-- {IDr, AUTH} --> {IDi, AUTH} <-- {SA, TSi, TSr}
        ((MACHINE, USER), (DOOR,), 2),
        ((MACHINE,), (DOOR, USER), 2),
        ((MACHINE, USER), (DOOR, USER), 2),
        ((MACHINE, USER, DOOR), (DOOR,), 3),
    ],
    ids=["initiator", "responder", "both", "three"],
)  # fmt: skip
def test_both_ends_do_all_their_rounds(
    left: tuple[Identity, ...], right: tuple[Identity, ...], exchanges: int
) -> None:
    pair = Pair(*ends(left, right))
    ref = pair.left.up("oregon")
    pair.run(5)
    matching(pair)
    lines = pair.left.lines(ref=ref)
    assert sum("generating IKE_AUTH request" in line for line in lines) == exchanges
    for identity in right:
        assert f"authentication of '{identity}' with pre-shared key successful" in lines
    for identity in left:
        assert f"authentication of '{identity}' with pre-shared key successful" in pair.right.lines()
    assert pair.right.established()[0].remote_id == left[0]


def test_a_wrong_key_in_the_second_round_ends_it() -> None:
    wrong = (SECRETS[0], psk("not of the user", "@user.example", "@door.example", "@machine.example"))
    pair = Pair(*ends((MACHINE, USER), (DOOR,), wrong))
    ref = pair.left.up("oregon")
    pair.run(5)
    assert pair.left.finished[ref].outcome is Outcome.FAILED
    assert any("MAC mismatched" in line for line in pair.right.lines())
    both_clean(pair)


def test_an_end_that_owes_a_round_is_refused() -> None:
    left, _ = ends((MACHINE,), (DOOR,))
    _, right = ends((MACHINE, USER), (DOOR,))
    pair = Pair(left, right)
    ref = pair.left.up("oregon")
    pair.run(5)
    assert pair.left.finished[ref].outcome is Outcome.FAILED
    assert any("authenticated in 1 of 2 rounds" in line for line in pair.right.lines())
    both_clean(pair)


def test_a_round_too_many_is_refused() -> None:
    left, _ = ends((MACHINE, USER), (DOOR,))
    _, right = ends((MACHINE,), (DOOR,))
    pair = Pair(left, right)
    ref = pair.left.up("oregon")
    pair.run(5)
    assert pair.left.finished[ref].outcome is Outcome.FAILED
    both_clean(pair)
