"""RFC 7296 §3.6. Certificates by hash and URL: IKE_AUTH between two engines.

The left end initiates. Who says N(HTTP_CERT_LOOKUP_SUPPORTED) has ``hash_and_url``; who sends a URL has a
``ca`` section with certuribase `BASE`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cygnet.boundary.effects import Fetch, FetchKind
from cygnet.crypto.bundle import Bundle
from cygnet.crypto.x509 import Certificate
from cygnet.engine.ikev2 import certificates
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.model.config import Authority, AuthRound, Config, Strict
from cygnet.testing.pair import Host, Page, Pair
from cygnet.wire.ikev2.cert import CertPayload
from cygnet.wire.ikev2.numbers import CertEncoding
from cygnet.wire.ikev2.payload import Payload
from tests.certs import NOW, Holder, authority
from tests.exchange.certified import World, world
from tests.exchange.ikev2.story import both_clean, matching

BASE = "http://certs.example.org/"


def at(base: str, of: Holder) -> str:
    return base + of.certificate.sha1.hex()


def sender(config: Config, base: str = BASE) -> Config:
    return replace(config, authorities=(Authority("root", "cacert", cert_uri_base=base),))


def looks_up(config: Config, **settings: Any) -> Config:
    return replace(config, settings=replace(config.settings, hash_and_url=True, **settings))


def pair(of: World, base: str = BASE, left: bool = True, right: bool = True, **settings: Any) -> Pair:
    """Both ends would send URLs; which of them look up is said."""
    ours, theirs = (sender(config, base) for config in of.configs())
    both = Pair(looks_up(ours, **settings) if left else ours, looks_up(theirs) if right else theirs, unix=NOW)
    both.left.web = {at(base, of.right): of.right.certificate.der}
    both.right.web = {at(base, of.left): of.left.certificate.der}
    return both


def up(pair: Pair, host: Host | None = None) -> str:
    host = host or pair.left
    ref = host.up("oregon")
    assert pair.run(60, lambda: ref in host.finished)
    pair.run(1)
    return host.finished[ref].reason


def questions(host: Host) -> list[Fetch]:
    return [effect for effect in host.effects if isinstance(effect, Fetch)]


def sends(monkeypatch: pytest.MonkeyPatch, *payloads: CertPayload, initiator: bool = True) -> None:
    """One end sends these certificate payloads instead of its own."""
    real = certificates.along

    def along(sa: IkeSaV2, round: AuthRound, certificate: Certificate) -> list[Payload]:
        return [*payloads] if sa.initiator is initiator else real(sa, round, certificate)

    monkeypatch.setattr(certificates, "along", along)


def test_both_ends_look_each_other_up_while_the_exchange_waits() -> None:
    of = world()
    both = pair(of)
    for host in both.hosts:
        host.web = {uri: Page(bytes(data), delay=1.5) for uri, data in host.web.items() if data}  # type: ignore[arg-type]
    both.left.up("oregon")
    both.run(1)
    (sa,) = both.right.ike_sas
    assert sa.waiting == f"the peer's certificate from {at(BASE, of.left)}"
    both.run(5)
    matching(both)
    assert both.left.fetched == [at(BASE, of.right)] and both.right.fetched == [at(BASE, of.left)]
    (question,) = questions(both.left)
    assert question.kind is FetchKind.CERTIFICATE and question.configured, "a URL that our ca section makes"
    assert 'fetched certificate "CN=far"' in "\n".join(both.left.lines())


def test_what_was_fetched_for_a_peer_that_authenticated_is_not_fetched_again() -> None:
    both = pair(world())
    assert up(both) == ""
    both.left.down("oregon")
    both.run(1)
    for host in both.hosts:
        host.web.clear()
    assert up(both) == ""
    assert len(both.left.fetched) == len(both.right.fetched) == 1


@pytest.mark.parametrize("left", [True, False])
def test_a_peer_that_does_not_look_up_gets_the_certificate_itself(left: bool) -> None:
    both = pair(world(), left=left, right=not left)
    assert up(both) == ""
    asked, other = (both.left, both.right) if left else (both.right, both.left)
    assert len(asked.fetched) == 1 and not other.fetched


def test_nothing_is_fetched_for_a_peer_that_sends_a_url_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    of = world()
    sends(monkeypatch, CertPayload(CertEncoding.HASH_URL, of.left.certificate.sha1 + BASE.encode()))
    both = pair(of, left=False, right=False)
    up(both)
    assert not both.left.fetched and not both.right.fetched
    both_clean(both)


def test_a_certificate_that_is_here_is_not_fetched() -> None:
    of = world()
    ours, theirs = of.configs()
    (_, file) = ours.certificates[0], theirs.certificates[0]
    ours = replace(ours, certificates=(*ours.certificates, replace(file, source="far")))
    both = Pair(looks_up(ours), sender(theirs), unix=NOW)
    assert up(both) == ""
    assert not both.left.fetched


def test_a_chain_is_named_certificate_by_certificate() -> None:
    root = authority("Root")
    sub = root.issues("Sub", ca=True)
    of = world(root=sub)
    of.left_cas = of.right_cas = (root, sub)
    ours, theirs = of.configs()
    ours = replace(ours, certificates=tuple(c for c in ours.certificates if c.der != sub.certificate.der))
    theirs = sender(theirs)
    both = Pair(looks_up(ours), theirs, unix=NOW)
    both.left.web = {at(BASE, one): one.certificate.der for one in (of.right, sub)}
    assert up(both) == ""
    assert set(both.left.fetched) == {at(BASE, of.right), at(BASE, sub)}


def bundled(monkeypatch: pytest.MonkeyPatch, **of_crl: Any) -> Pair:
    """The right end's certificate, its intermediate and both CRLs are in a bundle; the left end is strict."""
    root = authority("Root")
    sub = root.issues("Sub", ca=True)
    of = world(root=root)
    of.right = sub.issues("far", serial=77)
    data = Bundle(b"", (of.right.certificate, sub.certificate), (sub.crl(**of_crl), root.crl())).encode()
    both = pair(of, right=False, strict_crl=Strict.YES)
    both.left.web = {BASE: data}
    named = CertPayload(CertEncoding.HASH_URL_BUNDLE, Bundle.parse(data).sha1 + BASE.encode())
    sends(monkeypatch, named, initiator=False)
    return both


def test_a_bundle_brings_the_chain_and_its_crls(monkeypatch: pytest.MonkeyPatch) -> None:
    both = bundled(monkeypatch)
    assert up(both) == ""
    (question,) = questions(both.left)
    assert (question.uri, question.kind, question.configured) == (BASE, FetchKind.BUNDLE, False)


def test_a_crl_in_a_bundle_revokes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "CN=far was revoked (superseded)" in up(bundled(monkeypatch, revoked={77: "superseded"}))


@pytest.mark.parametrize(
    ("page", "says"),
    [
        (Page(error="the server says 404"), "the server says 404"),
        (Page(delay=1e9), "no answer within 10s"),
        (b"\x30\x03\x02\x01\x05", "failed: "),
        (authority("Another").certificate.der, "its hash is"),
    ],
    ids=["missing", "silent", "junk", "another certificate"],
)
def test_what_cannot_be_had_fails_and_says_from_where(page: bytes | Page, says: str) -> None:
    of = world()
    both = pair(of)
    both.left.web = {at(BASE, of.right): page}
    reason = up(both)
    assert f"the peer's certificate could not be fetched from {at(BASE, of.right)}: " in reason, reason
    assert says in "\n".join(both.left.lines()), both.left.lines()
    both.run(40)
    both_clean(both)
    assert not any("fetched from" in line for line in both.right.lines()), "the peer learns no reason"


@pytest.mark.parametrize(
    "uri",
    ["https://certs.example.org/", "file:///etc/passwd", "ldap://x/", "http://a b/", "http://" + "x" * 1100],
)
def test_only_short_http_urls_are_looked_up(uri: str) -> None:
    both = pair(world(), base=uri)
    reason = up(both)
    assert reason and not both.left.fetched and not both.right.fetched


def test_a_peer_cannot_have_more_than_a_few_urls_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    named = [CertPayload(CertEncoding.HASH_URL, bytes([n]) * 20 + BASE.encode()) for n in range(20)]
    sends(monkeypatch, *named)
    both = pair(world())
    both.left.web.clear()
    assert up(both)
    assert len(both.right.fetched) == 8


def test_a_peer_that_is_gone_meanwhile_leaves_nothing() -> None:
    of = world()
    both = pair(of)
    both.right.web = {at(BASE, of.left): Page(delay=1e9)}
    both.left.up("oregon")
    both.run(1)
    both.left.vanish()
    both.run(60)
    assert not both.right.ike_sas and both.right.snapshot.half_open == 0
