"""Post-quantum preshared keys (RFC 8784): used, left out where that is allowed, insisted on."""

from __future__ import annotations

from dataclasses import replace

from cygnet.boundary.effects import Outcome
from cygnet.model.config import Config, SecretKind, SharedSecret
from cygnet.testing.pair import Pair
from cygnet.values.identity import Identity
from cygnet.values.secret import Secret
from tests.exchange.ikev2.story import both_clean, matching, plane, tunnel

PPK = SharedSecret(SecretKind.PPK, (Identity.parse("hekla"),), Secret(b"a key from a quantum courier"))
OTHER = replace(PPK, secret=Secret(b"another key under the same name"))


def ends(
    left: SharedSecret | None,
    right: SharedSecret | None,
    required: bool = False,
    responder_requires: bool = False,
) -> tuple[Config, Config]:
    one, two = tunnel()
    mine = replace(one.connections[0], ppk_id="hekla", ppk_required=required)
    theirs = replace(two.connections[0], ppk_required=responder_requires)
    return (
        Config((mine,), one.secrets + ((left,) if left else ())),
        Config((theirs,), two.secrets + ((right,) if right else ())),
    )


def test_the_ppk_is_used_and_changes_the_keys() -> None:
    # --> IKE_SA_INIT {N(USE_PPK)}   <-- {N(USE_PPK)}
    # --> IKE_AUTH {AUTH, N(PPK_ID), N(NO_PPK)}   <-- {AUTH, N(PPK_ID)}
    pair = Pair(*ends(PPK, PPK))
    ref = pair.left.up("oregon")
    pair.run(5)
    matching(pair)
    assert "using PPK for PPK_ID 'hekla'" in pair.left.lines(ref=ref)
    assert any("N(PPK_ID) N(NO_PPK)" in line for line in pair.left.lines())
    without = Pair(*ends(None, None))
    without.left.up("oregon")
    without.run(5)
    keys = {s.encr_key for s in plane(pair.left).sas.values()}
    assert keys.isdisjoint({s.encr_key for s in plane(without.left).sas.values()})


def test_a_responder_without_the_ppk_goes_on_without_where_that_is_allowed() -> None:
    elsewhere = replace(PPK, owners=(Identity.parse("katla"),))
    for right in (None, elsewhere):
        pair = Pair(*ends(PPK, right))
        pair.left.up("oregon")
        pair.run(5)
        matching(pair)


def test_an_initiator_that_insists_is_not_talked_out_of_it() -> None:
    elsewhere = replace(PPK, owners=(Identity.parse("katla"),))
    for right in (None, elsewhere):
        pair = Pair(*ends(PPK, right, required=True))
        ref = pair.left.up("oregon")
        pair.run(5)
        assert pair.left.finished[ref].outcome is Outcome.FAILED
        pair.run(40)  # what the responder has begun times out
        both_clean(pair)


def test_an_initiator_that_has_no_such_ppk_says_so() -> None:
    pair = Pair(*ends(None, PPK, required=True))
    ref = pair.left.up("oregon")
    pair.run(5)
    assert "no PPK for PPK_ID 'hekla' found" in pair.left.finished[ref].reason
    pair.run(60)
    both_clean(pair)


def test_a_responder_that_insists_refuses_a_peer_without() -> None:
    pair = Pair(*ends(None, PPK, responder_requires=True))
    ref = pair.left.up("oregon")
    pair.run(5)
    assert pair.left.finished[ref].outcome is Outcome.FAILED
    assert any("PPK required" in line for line in pair.right.lines())
    both_clean(pair)


def test_different_ppks_of_one_name_do_not_authenticate() -> None:
    pair = Pair(*ends(PPK, OTHER))
    ref = pair.left.up("oregon")
    pair.run(5)
    assert pair.left.finished[ref].outcome is Outcome.FAILED
    both_clean(pair)
