"""IKE_AUTH with certificates between two engines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cygnet.boundary.events import Configure
from cygnet.crypto.publickey import public_key
from cygnet.model.config import AuthMethod, AuthRound, CertificateFile, Config, SendCert
from cygnet.testing.builders import psk
from cygnet.testing.pair import Pair
from cygnet.values.identity import Identity
from tests.certs import NOW, Holder, authority
from tests.exchange.certified import World, key_file, world
from tests.exchange.ikev2.story import matching


def up(pair: Pair) -> str:
    """``up`` to its end: what it says, empty where the tunnel is up."""
    ref = pair.left.up("oregon")
    assert pair.run(60, lambda: ref in pair.left.finished)
    pair.run(1)
    return pair.left.finished[ref].reason


@pytest.mark.parametrize(
    ("key", "scheme"),
    [
        ("p256", "ECDSA-SHA256"),
        ("p384", "ECDSA-SHA384"),
        ("p521", "ECDSA-SHA512"),
        ("bp256", "ECDSA-SHA256"),
        ("rsa-2048", "RSA-SHA256"),
        ("ed25519", "Ed25519"),
        ("ed448", "Ed448"),
    ],
)
def test_both_ends_prove_themselves_with_keys_of_every_kind(key: str, scheme: str) -> None:
    pair = world(key).pair()
    assert up(pair) == ""
    matching(pair)
    assert f"authentication of 'CN=far' with {scheme} successful" in pair.left.lines()
    assert f"authentication of 'CN=oregon' with {scheme} successful" in pair.right.lines()


FAILED = "received AUTHENTICATION_FAILED notify error"


def refused(of: World, reason: str) -> Pair:
    """The right end refuses the left one, says why itself, and nothing of it to the left."""
    pair = of.pair()
    assert up(pair) != ""
    assert FAILED in pair.left.lines()
    assert any(reason in line for line in pair.right.lines(0)), pair.right.lines(0)
    assert not any(reason in line for line in pair.left.lines())
    assert not pair.right.ike_sas
    return pair


def test_a_certificate_of_another_ca_is_refused() -> None:
    of = world()
    of.left = authority("Other").issues("oregon")
    refused(of, "no trusted certificate for 'CN=oregon'")


def test_an_expired_one_is_refused_with_the_date() -> None:
    of = world()
    of.left = of.left_cas[0].issues("oregon", until=NOW - 86400)
    refused(of, "expired on 2027-01-14")


def test_one_that_is_not_yet_valid_is_refused() -> None:
    of = world()
    of.left = of.left_cas[0].issues("oregon", since=NOW + 86400)
    refused(of, "CN=oregon is valid only from 2027-01-16 on")


def test_an_identity_that_is_not_in_the_certificate_is_refused_with_the_names_that_are() -> None:
    of = world()
    of.left_local = {"id": Identity.parse("@elsewhere.example.org")}
    of.right_remote = {"id": Identity.parse("@elsewhere.example.org")}
    refused(
        of, "the peer's certificate is for CN=oregon, oregon.example.org, not for 'elsewhere.example.org'"
    )


def test_a_certificate_that_the_peer_has_no_key_for_proves_nothing() -> None:
    of = world()
    stolen = of.left_cas[0].issues("oregon")
    of.left.certificate = stolen.certificate
    ours, theirs = of.configs()
    other = of.left_cas[0].issues("thief")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cygnet.credentials.store.Store.key_of", lambda *_: public_key(key_file(other).spki))
        pair = Pair(ours, theirs, unix=NOW)
        assert up(pair) != ""
    assert any("signature validation failed" in line for line in pair.right.lines(0))


def test_an_end_without_a_key_says_so_and_sends_nothing() -> None:
    ours, theirs = world().configs()
    pair = Pair(replace(ours, keys=()), theirs, unix=NOW)
    assert "no private key found for the certificate CN=oregon" in up(pair)
    pair.run(60)
    assert not pair.right.ike_sas


def test_an_intermediate_comes_along_and_its_absence_is_named() -> None:
    root = authority("Root")
    sub = root.issues("Sub", ca=True)
    of = world(root=root)
    of.left = sub.issues("oregon")
    of.left_cas = (root, sub)
    pair = of.pair()
    assert up(pair) == ""
    assert 'sending issuer cert "CN=Sub"' in pair.left.lines()
    matching(pair)
    of.left_cas = (root,)
    refused(of, "CN=Sub")


def test_what_an_earlier_peer_has_shown_does_not_help_the_next() -> None:
    root = authority("Root")
    sub = root.issues("Sub", ca=True)
    of = world(root=root)
    of.left, of.left_cas = sub.issues("oregon"), (root, sub)
    pair = of.pair()
    assert up(pair) == ""
    without = replace(pair.left.config, certificates=pair.left.config.certificates[:2])
    assert pair.left.down("oregon")
    pair.run(5)
    pair.left.handle(Configure(without))
    assert up(pair) != ""
    alone = Pair(without, pair.right.config, unix=NOW)
    assert up(alone) != ""
    missing = "CN=Sub, the issuer of CN=oregon, is not in the chain and not known here"
    for host in (pair.right, alone.right):
        assert any(missing in line for line in host.lines(0)), host.lines(0)
    assert pair.right.lines(0)[-1] == alone.right.lines(0)[-1]


def test_certificates_are_sent_when_they_are_asked_for_always_or_never() -> None:
    for send, sent in ((SendCert.IF_ASKED, True), (SendCert.ALWAYS, True), (SendCert.NEVER, False)):
        of = world()
        of.left_local = {"send_cert": send}
        pair = of.pair()
        assert (up(pair) == "") == sent
        assert ('sending end entity cert "CN=oregon"' in pair.left.lines()) == sent


def test_a_peer_that_sends_none_is_known_by_its_certificate_here() -> None:
    of = world()
    of.left_local = {"send_cert": SendCert.NEVER}
    ours, theirs = of.configs()
    known = CertificateFile(of.left.certificate.der, "peer")
    pair = Pair(ours, replace(theirs, certificates=(*theirs.certificates, known)), unix=NOW)
    assert up(pair) == ""
    assert 'using trusted certificate "CN=oregon"' in pair.right.lines()


def test_raw_public_keys_need_no_ca() -> None:
    of = world()
    ours, theirs = of.configs()
    ours, theirs = bare(ours, of.left, of.right), bare(theirs, of.right, of.left)
    pair = Pair(ours, theirs, unix=NOW)
    assert up(pair) == ""
    matching(pair)
    stranger = authority("Stranger")
    pair = Pair(ours, bare(theirs, of.right, stranger), unix=NOW)
    assert up(pair) != ""
    assert any("signature validation failed" in line for line in pair.right.lines(0))


def bare(config: Config, own: Holder, peer: Holder) -> Config:
    (connection,) = config.connections
    connection = replace(
        connection,
        local=(replace(connection.local[0], certs=("mine",)),),
        remote=(replace(connection.remote[0], certs=("yours",)),),
    )
    files = tuple(
        CertificateFile(h.certificate.key.spki, name, bare=True)
        for name, h in (("mine", own), ("yours", peer))
    )
    return replace(config, connections=(connection,), certificates=files)


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"method_detail": "rsa-2048"}, "RSA 2048 is wanted"),
        ({"method_detail": "ecdsa-384"}, "ECDSA 384 is wanted"),
        ({"method_detail": "pubkey-sha384"}, "sha384 is wanted"),
        ({"method_detail": "ike:pubkey-sha384"}, "not over sha384"),
        ({"authorities": (Identity.parse("CN=Another"),)}, "is not of CN=Another"),
        ({"policies": ("1.2.3.4",)}, "polic"),
    ],
)
def test_what_the_configuration_wants_of_the_peers_certificate(wanted: dict[str, Any], reason: str) -> None:
    of = world()
    of.right_remote |= wanted
    refused(of, reason)


def test_what_it_wants_may_be_there() -> None:
    of = world("rsa-2048", policies=["1.2.3.4"])
    of.right_remote |= {
        "method_detail": "rsa-2048-sha256",
        "authorities": (Identity.parse("CN=Root"),),
        "policies": ("1.2.3.4",),
    }
    of.left_local = {"method_detail": "rsa/pss-sha256"}
    of.right_remote["method_detail"] = "rsa-2048"
    pair = of.pair()
    assert up(pair) == ""
    assert "authentication of 'CN=oregon' with RSA-PSS-SHA256 successful" in pair.right.lines()


def test_of_several_connections_the_one_that_takes_the_certificate_is_switched_to() -> None:
    of = world()
    ours, theirs = of.configs()
    (picky,) = theirs.connections
    other = replace(picky, name="other", remote=(replace(picky.remote[0], method_detail="rsa"),))
    pair = Pair(ours, replace(theirs, connections=(other, picky)), unix=NOW)
    assert up(pair) == ""
    assert "switched to peer config 'oregon'" in pair.right.lines()


def test_a_loose_identity_is_looked_for_in_the_certificate() -> None:
    of = world()
    of.left_remote = {"id": Identity.parse("@far.example.org"), "loose_id": True}
    pair = of.pair()
    assert up(pair) == ""
    of.left_remote = {"id": Identity.parse("@else.example.org"), "loose_id": True}
    pair = of.pair()
    assert up(pair) != ""


def test_a_peer_without_rfc_7427_gets_the_older_signatures() -> None:
    for key in ("rsa-2048", "p256", "p384", "p521"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("cygnet.engine.ikev2.features.SIGNATURE_HASHES", ())
            pair = world(key).pair()
            assert up(pair) == "", key
            matching(pair)


def test_rounds_with_a_certificate_and_a_secret() -> None:
    of = world()
    ours, theirs = of.configs()

    def second(config: Config) -> Config:
        (connection,) = config.connections
        extra = AuthRound(AuthMethod.PSK)
        return replace(
            config,
            connections=(
                replace(connection, local=(*connection.local, extra), remote=(*connection.remote, extra)),
            ),
            secrets=(psk(),),
        )

    pair = Pair(second(ours), second(theirs), unix=NOW)
    assert up(pair) == ""
    matching(pair)
