"""Revocation data that is fetched while an authentication waits: IKE_AUTH between two engines.

The peer's certificate names `CRL` and `OCSP`; what is there is `host.web`. The left end initiates and
judges the right one, unless a test says otherwise.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cygnet.boundary.effects import Fetch, KeepCrl
from cygnet.boundary.events import Purge
from cygnet.crypto.crl import Crl
from cygnet.crypto.publickey import public_key
from cygnet.model.config import Authority, Config, Strict
from cygnet.testing.pair import Host, Page, Pair
from tests.certs import NOW, Holder, authority
from tests.exchange.certified import World, key_file, world
from tests.exchange.ikev2.story import both_clean, matching

CRL, OCSP = "http://crl.example.org/root.crl", "http://ocsp.example.org/"
DEAD = Page(delay=1e9)  #: a server that never answers

ROOT = authority("Root")
STALE = ROOT.crl(until=NOW - 1).der


def named(root: Holder = ROOT, **options: Any) -> World:
    """Both ends' certificates name the CRL, and what else ``options`` say."""
    return world(root=root, **{"crls": [CRL], **options})


def pair(of: World, strict: Strict = Strict.YES, **settings: Any) -> Pair:
    """Only the left end is strict; the right one judges nobody's state."""
    left, right = of.configs()
    left = replace(left, settings=replace(left.settings, strict_crl=strict, **settings))
    right = replace(right, settings=replace(right.settings, use_crls=False, use_ocsp=False))
    return Pair(left, right, unix=NOW)


def up(pair: Pair, end: str = "left", patience: float = 60) -> str:
    """``up`` to its end: what it says, empty where the tunnel is up."""
    host: Host = getattr(pair, end)
    ref = host.up("oregon")
    assert pair.run(patience, lambda: ref in host.finished)
    pair.run(1)
    return host.finished[ref].reason


# what comes of it -----------------------------------------------------------------------


def test_a_crl_is_fetched_once_and_both_ends_wait_for_it() -> None:
    of = named()
    both = Pair(*(strictly(config) for config in of.configs()), unix=NOW)
    for host in both.hosts:
        host.web[CRL] = Page(ROOT.crl().der, delay=1.5)
    assert up(both) == ""
    matching(both)
    assert both.left.fetched == both.right.fetched == [CRL]
    assert both.now >= 3
    assert 'certificate status of "CN=far" is good' in both.left.lines()
    both.left.down("oregon")
    both.run(1)
    begun = both.now
    assert up(both) == "" and both.now - begun < 2, "from the cache"
    assert both.left.fetched == both.right.fetched == [CRL]


def strictly(config: Config) -> Config:
    return replace(config, settings=replace(config.settings, strict_crl=Strict.YES))


def test_while_it_waits_the_ike_sa_says_for_what() -> None:
    waits = pair(named())
    waits.left.web[CRL] = Page(ROOT.crl().der, delay=2)
    waits.left.up("oregon")
    waits.run(1)
    (sa,) = waits.left.ike_sas
    assert (sa.state, sa.waiting) == ("CONNECTING", "whether CN=far is revoked")
    waits.run(2)
    (sa,) = waits.left.ike_sas
    assert (sa.state, sa.waiting) == ("ESTABLISHED", "")


@pytest.mark.parametrize("strict", list(Strict))
@pytest.mark.parametrize("reason", ["keyCompromise", "certificateHold"])
def test_a_peer_that_a_fetched_crl_revokes_is_refused(strict: Strict, reason: str) -> None:
    of = named()
    refuses = pair(of, strict)
    refuses.left.web[CRL] = ROOT.crl({of.right.certificate.serial: reason}).der
    assert f"CN=far was revoked ({reason})" in up(refuses)
    assert not refuses.left.ike_sas and not refuses.right.ike_sas
    assert not any("revoked" in line for line in refuses.right.lines()), "the peer learns no reason"


def test_the_responder_refuses_a_revoked_peer_too_and_says_no_more_than_it_must() -> None:
    of = named()
    refuses = pair(of)
    refuses.left.web[CRL] = ROOT.crl({of.right.certificate.serial: "superseded"}).der
    assert "does not accept our authentication" in up(refuses, "right")
    assert any("CN=far was revoked (superseded)" in line for line in refuses.left.lines())


def test_an_ocsp_answer_comes_before_the_crl() -> None:
    of = named(responders=[OCSP])
    asks = pair(of)
    asks.left.web[OCSP] = ROOT.answers(of.right.certificate, ROOT).der
    assert up(asks) == ""
    assert asks.left.fetched == [OCSP]
    (effect,) = [e for e in asks.left.effects if isinstance(e, Fetch)]
    assert effect.body and not effect.configured
    refuses = pair(of)
    refuses.left.web[OCSP] = ROOT.answers(of.right.certificate, ROOT, "revoked").der
    assert "CN=far was revoked (keyCompromise)" in up(refuses)


def test_a_certificate_on_hold_is_taken_again_once_a_newer_crl_says_so() -> None:
    of = named()
    holds = pair(of)
    holds.left.web[CRL] = ROOT.crl({of.right.certificate.serial: "certificateHold"}, until=NOW + 30).der
    assert "was revoked (certificateHold)" in up(holds)
    holds.left.web[CRL] = ROOT.crl(number=2, since=NOW + 60).der
    assert "was revoked (certificateHold)" in up(holds), "what is here decides, and is not asked for again"
    ref = holds.left.ref()
    holds.left.handle(Purge(ref, crls=True))
    assert holds.left.finished[ref].text == "1 CRLs forgotten"
    holds.run(60)
    assert up(holds) == ""


def test_an_intermediate_is_asked_about_like_the_leaf() -> None:
    sub = ROOT.issues("Sub", ca=True, crls=[CRL])
    subs = "http://crl.example.org/sub.crl"
    of = named(sub, crls=[subs])
    of.left_cas = of.right_cas = (ROOT, sub)
    asks = pair(of)
    asks.left.web = {CRL: Page(ROOT.crl().der, delay=1), subs: Page(sub.crl().der, delay=1)}
    assert up(asks) == "" and asks.now < 4, "both at once"
    refuses = pair(of)
    refuses.left.web = {CRL: ROOT.crl({sub.certificate.serial: "cACompromise"}).der, subs: sub.crl().der}
    assert "CN=Sub was revoked (cACompromise)" in up(refuses)


# servers that do not do what they should --------------------------------------------------


@pytest.mark.parametrize(
    "page",
    [
        Page(error="Connection refused"),
        DEAD,
        b"<html>not found</html>",
        authority("Root").crl().der,  # of a stranger with the same name
        authority("Other").crl().der,
        STALE,
        ROOT.crl(since=NOW + 3600, until=NOW + 7200).der,
        ROOT.answers(ROOT.certificate, ROOT).der,
    ],
    ids=["refused", "dead", "html", "forged", "another's", "stale", "future", "ocsp"],
)
@pytest.mark.parametrize("strict", list(Strict))
def test_without_data_strictcrlpolicy_decides(strict: Strict, page: bytes | Page) -> None:
    tries = pair(named(), strict)
    tries.left.web[CRL] = page
    said = up(tries)
    if strict is Strict.NO:
        assert said == ""
        assert tries.now < 7, "nobody waits long who goes on anyway"
        assert 'certificate status of "CN=far" is not available' in tries.left.lines()
    else:
        assert "whether CN=far is revoked" in said
        assert tries.now < 15
    assert tries.left.fetched == [CRL]
    said = tries.left.lines(ref=1)
    assert f"  fetching crl from '{CRL}' ..." in said, "told to who asks for the tunnel"
    assert page in (DEAD, STALE) or any(
        line.startswith(f"  crl fetching from '{CRL}' failed") for line in said
    )


def test_ifuri_takes_a_certificate_that_names_no_source_unless_the_configuration_does() -> None:
    of = named(crls=[])
    assert up(pair(of, Strict.IFURI)) == ""
    left, right = pair(of, Strict.IFURI).left.config, pair(of).right.config
    left = replace(left, authorities=(Authority("root", "cacert", ("file:///root.crl",)),))
    told = Pair(left, right, unix=NOW)
    assert "whether CN=far is revoked is not known" in up(told)
    told = Pair(left, right, unix=NOW)
    told.left.web["file:///root.crl"] = ROOT.crl().der
    assert up(told) == ""
    (effect,) = [e for e in told.left.effects if isinstance(e, Fetch)]
    assert effect.configured


def test_a_failure_is_not_asked_for_again_for_a_while() -> None:
    tries = pair(named(), Strict.NO)
    tries.left.web[CRL] = DEAD
    assert up(tries) == ""
    tries.left.down("oregon")
    tries.run(10)
    begun = tries.now
    assert up(tries) == "" and tries.now - begun < 2 and tries.left.fetched == [CRL]
    tries.left.down("oregon")
    tries.run(70)
    tries.left.web[CRL] = ROOT.crl().der
    assert up(tries) == "" and tries.left.fetched == [CRL] * 2


def test_a_responder_that_is_silent_is_not_asked_about_others_either() -> None:
    of = named(responders=[OCSP], crls=[])
    tries = pair(of, Strict.NO)
    tries.left.web[OCSP] = DEAD
    assert up(tries) == ""
    tries.left.down("oregon")
    tries.run(10)
    renewed = named(responders=[OCSP], crls=[])
    other = renewed.configs()[1].certificates[0], renewed.configs()[1].keys
    config = tries.right.config
    tries.right.config = replace(config, certificates=(other[0], *config.certificates[1:]), keys=other[1])
    tries.right.restart()
    begun = tries.now
    assert up(tries) == "" and tries.now - begun < 2
    assert tries.left.fetched == [OCSP]


def test_a_dead_responder_does_not_keep_the_crl_from_being_asked() -> None:
    tries = pair(named(responders=[OCSP]))
    tries.left.web = {OCSP: DEAD, CRL: ROOT.crl().der}
    assert up(tries) == "" and tries.now < 5
    assert tries.left.fetched == [OCSP, CRL]


def test_a_lying_server_cannot_take_the_place_of_what_is_known() -> None:
    of = named()
    serial = of.right.certificate.serial
    knows = pair(of)
    knows.left.web[CRL] = ROOT.crl({serial: "keyCompromise"}, number=7, until=NOW + 30).der
    assert "was revoked" in up(knows)
    knows.run(120)
    for lie in (ROOT.crl(number=6, since=NOW - 7200, until=NOW + 9000), authority("Root").crl(number=9)):
        knows.left.web[CRL] = lie.der
        assert "was revoked" in up(knows)
        knows.run(70)


# meanwhile ------------------------------------------------------------------------------


def test_retransmissions_meanwhile_are_absorbed_and_the_answer_comes_later() -> None:
    waits = pair(named())
    waits.left.web[CRL] = Page(ROOT.crl().der, delay=8)
    assert up(waits, "right") == ""
    matching(waits)
    again = [line for line in waits.left.lines() if line.endswith("still being answered")]
    assert again == ["received retransmit of request with ID 1, still being answered"]
    assert waits.left.fetched == [CRL]


# left -> IKE_AUTH request
#      <- IKE_AUTH response; the responder's tunnel is up
# left waits, and its user does not
@pytest.mark.parametrize("end", ["left", "right"])
def test_down_at_either_end_while_the_initiator_waits_ends_it_at_both(end: str) -> None:
    waits = pair(named())
    waits.left.web[CRL] = Page(ROOT.crl().der, delay=5)
    waits.left.up("oregon")
    waits.run(2)
    assert waits.left.ike_sas[0].waiting and waits.right.established()
    getattr(waits, end).down("oregon")
    waits.run(1)
    assert not waits.left.ike_sas and not waits.right.ike_sas
    waits.run(60)
    both_clean(waits)


@pytest.mark.parametrize("end", ["left", "right"])
def test_down_while_the_responder_waits_ends_it_there(end: str) -> None:
    waits = pair(named())
    waits.left.web[CRL] = Page(ROOT.crl().der, delay=5)
    waits.right.up("oregon")
    waits.run(2)
    assert waits.left.ike_sas[0].waiting
    host: Host = getattr(waits, end)
    host.down("oregon")
    waits.run(1)
    assert not host.ike_sas
    waits.run(60)
    assert not host.installed()


def test_two_that_need_the_same_share_one_request() -> None:
    of = named()
    waits = pair(of)
    waits.left.web[CRL] = Page(ROOT.crl().der, delay=3)
    waits.left.up("oregon")
    waits.run(1)
    waits.right.up("oregon")
    waits.run(5)
    assert waits.left.fetched == [CRL] and waits.left.established()


def test_a_shutdown_while_waiting_leaves_nothing() -> None:
    waits = pair(named())
    waits.left.web[CRL] = Page(ROOT.crl().der, delay=3)
    waits.left.up("oregon")
    waits.run(1)
    waits.left.stop()
    assert not waits.left.ike_sas
    waits.run(10)
    assert waits.left.engine.next_deadline() is None


# who makes us fetch -----------------------------------------------------------------------


def test_certificates_of_strangers_make_us_fetch_nothing() -> None:
    stranger = authority("Stranger")
    of = named()
    of.right = stranger.issues("far", crls=[CRL], responders=[OCSP])
    assert "no trusted certificate" in up(pair(of))
    refuses = pair(of)
    assert up(refuses, "right") and refuses.left.fetched == []


def test_a_genuine_certificate_without_its_key_makes_us_fetch_nothing() -> None:
    steals = pair(named())
    steals.left.web[CRL] = ROOT.crl().der
    thief = public_key(key_file(authority("Thief")).spki)
    store = steals.right.engine._services.store
    store.key_of = lambda key: thief  # type: ignore[method-assign]
    assert up(steals, "right")
    assert steals.left.fetched == []
    assert any("signature" in line for line in steals.left.lines())


# kept, shown along ------------------------------------------------------------------------


def test_cachecrls_keeps_what_was_proven() -> None:
    keeps = pair(named(), cache_crls=True)
    crl = ROOT.crl()
    keeps.left.web[CRL] = crl.der
    assert up(keeps) == ""
    assert [e for e in keeps.left.effects if isinstance(e, KeepCrl)] == [
        KeepCrl(f"{ROOT.certificate.key.keyid.hex()}.crl", crl.der)
    ]
    lied = pair(named(), Strict.NO, cache_crls=True)
    lied.left.web[CRL] = authority("Root").crl().der
    assert up(lied) == "" and not any(isinstance(e, KeepCrl) for e in lied.left.effects)
    left, right = keeps.left.config, keeps.right.config
    started = Pair(replace(left, crls=(Crl.parse(crl.der).der,)), right, unix=NOW)
    assert up(started) == "" and started.left.fetched == []


def test_an_ocsp_answer_goes_along_in_ike_where_the_peer_asks_for_it() -> None:
    of = named(responders=[OCSP])
    left, right = of.configs()
    staples = Pair(strictly(left), right, unix=NOW)
    for host in staples.hosts:
        host.web[OCSP] = ROOT.answers(of.right.certificate, ROOT).der
    staples.left.web[OCSP] = DEAD
    staples.left.web[CRL] = DEAD
    # the left end asks for it, the right one has none yet and gets it: the next time it has
    assert "whether CN=far is revoked" in up(staples)
    assert 'sending OCSP answer for "CN=far"' not in staples.right.lines()
    staples.run(70)
    before = len(staples.left.fetched)
    assert up(staples) == ""
    assert 'sending OCSP answer for "CN=far"' in staples.right.lines()
    assert len(staples.left.fetched) == before, "nothing had to be fetched"
