"""What is kept of fetched CRLs and OCSP answers: only what is proven, the newest of each, not too much."""

from __future__ import annotations

import pytest
from cryptography import x509

from cygnet.credentials.cache import Cache
from cygnet.credentials.judgement import Evidence, Source, Wanted, wanted_of
from cygnet.credentials.path import is_known
from cygnet.crypto.crl import Crl
from cygnet.crypto.ocsp import OcspAnswer
from tests.certs import NOW, Holder, authority

ROOT = authority("Root")
LEAF = ROOT.issues("leaf", crls=["http://crl.example.org/"], responders=["http://ocsp.example.org/"])


def wanted(one: Holder = LEAF, issuer: Holder = ROOT) -> Wanted:
    return Wanted(one.certificate, issuer.certificate, (), (), (issuer.certificate,))


def evidence(*anchors: Holder) -> Evidence:
    return Evidence(anchors=tuple(h.certificate for h in anchors or (ROOT,)))


def learn(cache: Cache, found: Crl | OcspAnswer, about: Wanted | None = None, now: int = NOW) -> str:
    return cache.learn(found, about or wanted(), evidence(), now)


def test_what_is_proven_is_found_by_the_certificates_that_it_is_about() -> None:
    cache, crl, answer = Cache(), ROOT.crl(), ROOT.answers(LEAF.certificate, ROOT)
    assert learn(cache, crl) == learn(cache, answer) == ""
    other = authority("Other").issues("leaf")
    assert cache.crls([LEAF.certificate]) == (crl,) and cache.crls([other.certificate]) == ()
    assert cache.answers([LEAF.certificate]) == (answer,) and cache.answers([other.certificate]) == ()
    assert cache.every_crl == (crl,) and cache.every_answer == (answer,)


FORGER = authority("Root")
DELEGATE = ROOT.issues("ocsp", purposes=["1.3.6.1.5.5.7.3.9"])
PLAIN = ROOT.issues("plain")


@pytest.mark.parametrize(
    ("lie", "says"),
    [
        (FORGER.crl(), "the CRL is not signed by CN=Root"),
        (authority("Other").crl(), "the CRL is of CN=Other"),
        (ROOT.crl(since=NOW + 3600), "it is of the future"),
        (LEAF.crl(issuer="Root"), "the CRL is not signed by CN=Root"),
        (FORGER.answers(LEAF.certificate, FORGER), "says nothing about CN=leaf"),
        (FORGER.answers(LEAF.certificate, ROOT), "not signed by somebody who speaks for CN=Root"),
        (PLAIN.answers(LEAF.certificate, ROOT, shown=[PLAIN]), "not signed by somebody who speaks"),
        (ROOT.answers(PLAIN.certificate, ROOT), "says nothing about CN=leaf"),
        (ROOT.answers(LEAF.certificate, ROOT, "unknown"), "does not know CN=leaf"),
        (ROOT.answers(LEAF.certificate, ROOT, since=NOW + 3600), "it is of the future"),
    ],
)
def test_a_lie_is_not_kept_and_takes_no_place(lie: Crl | OcspAnswer, says: str) -> None:
    cache = Cache()
    assert learn(cache, ROOT.crl(number=1)) == ""
    assert says in learn(cache, lie)
    assert len(cache.every_crl) == 1 and cache.every_answer == ()


def test_a_responder_that_the_ca_certified_may_answer() -> None:
    cache = Cache()
    assert learn(cache, DELEGATE.answers(LEAF.certificate, ROOT, shown=[DELEGATE])) == ""


def test_the_newest_wins_and_nothing_older_comes_back() -> None:
    cache = Cache()
    for number, since in ((1, NOW - 500), (3, NOW - 300)):
        assert learn(cache, ROOT.crl(number=number, since=since)) == ""
    newest = cache.every_crl
    assert learn(cache, ROOT.crl(number=2, since=NOW - 100)) == "it is not newer than what is here"
    assert learn(cache, ROOT.crl(number=3, since=NOW - 300)) == "it is not newer than what is here"
    assert cache.every_crl == newest and len(newest) == 1
    answers = [ROOT.answers(LEAF.certificate, ROOT, since=NOW - age) for age in (500, 100, 300)]
    assert [learn(cache, a) for a in answers] == ["", "", "it is not newer than what is here"]
    assert cache.every_answer == (answers[1],)


def test_lists_of_different_scope_stand_beside_each_other() -> None:
    cache = Cache()
    part = x509.IssuingDistributionPoint(None, None, True, False, None, False, False)
    assert learn(cache, ROOT.crl(number=1)) == ""
    assert learn(cache, ROOT.crl(number=2, scope=part)) == ""
    assert learn(cache, ROOT.crl(number=3, base=1)) == ""
    assert len(cache.every_crl) == 3


def test_what_is_out_of_date_stays_until_something_newer_comes_and_still_revokes() -> None:
    cache = Cache()
    crl = ROOT.crl({LEAF.certificate.serial: "keyCompromise"}, until=NOW - 1)
    assert learn(cache, crl) == ""
    known = Evidence(anchors=(ROOT.certificate,), crls=cache.crls([LEAF.certificate]))
    assert is_known(wanted(), known, NOW), "revoked is known"
    assert learn(cache, ROOT.crl(number=2)) == "" and len(cache.every_crl) == 1


def test_the_bounds_hold_and_what_is_stale_goes_first_then_what_nobody_uses() -> None:
    cache = Cache(most_crls=3, most_answers=2)
    cas = [authority(f"CA {n}") for n in range(5)]
    for number, ca in enumerate(cas):
        leaf = ca.issues("leaf")
        about = Wanted(leaf.certificate, ca.certificate, (), (), (ca.certificate,))
        until = NOW - 1 if number == 1 else NOW + 3600
        assert cache.learn(ca.crl(until=until), about, evidence(ca), NOW) == ""
        cache.crls([cas[0].issues("x").certificate])  # the first one is in use
    assert [crl.issuer for crl in cache.every_crl] == [cas[n].certificate.subject for n in (0, 3, 4)]
    leaves = [ROOT.issues(f"leaf {n}") for n in range(3)]
    for leaf in leaves:
        assert learn(cache, ROOT.answers(leaf.certificate, ROOT), wanted(leaf)) == ""
    assert cache.answers([leaves[0].certificate]) == () and len(cache.every_answer) == 2


def test_what_is_too_large_for_all_is_not_kept() -> None:
    cache = Cache(most_bytes=100)
    assert learn(cache, ROOT.crl()) and cache.every_crl == ()


def test_purging_says_how_many_went() -> None:
    cache = Cache()
    learn(cache, ROOT.crl())
    learn(cache, ROOT.answers(LEAF.certificate, ROOT))
    assert (cache.purge_crls(), cache.purge_crls(), cache.purge_answers()) == (1, 0, 1)
    assert cache.crls([LEAF.certificate]) == () and cache.answers([LEAF.certificate]) == ()


def test_an_answer_to_show_others_is_fresh_and_good() -> None:
    cache = Cache()
    ask = lambda now: cache.fresh_answer(LEAF.certificate, ROOT.certificate, now)  # noqa: E731
    assert ask(NOW) is None
    answer = ROOT.answers(LEAF.certificate, ROOT)
    learn(cache, answer)
    assert ask(NOW) == answer and ask(NOW + 4000) is None
    learn(cache, ROOT.answers(LEAF.certificate, ROOT, "revoked", since=NOW - 5))
    assert ask(NOW) is None


def test_sources_of_the_configuration_come_before_those_of_the_certificate() -> None:
    source = Source(ROOT.certificate, ("http://ours/",), ("file:///ours.crl",))
    found = wanted_of(LEAF.certificate, (ROOT.certificate,), [source, Source(FORGER.certificate, ("x",))])
    assert found.ocsp_uris == ("http://ours/", "http://ocsp.example.org/")
    assert found.crl_uris == ("file:///ours.crl", "http://crl.example.org/")
    assert found.configured == {"http://ours/", "file:///ours.crl"}
