"""Phase 1 with signatures between two engines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cygnet.boundary.events import Configure
from cygnet.model.config import AuthMethod, AuthRound, Config, IkeVersion, SendCert
from cygnet.testing.builders import psk
from cygnet.testing.network import Faults
from cygnet.testing.pair import Host, Pair
from cygnet.values.identity import Identity
from tests.certs import NOW, authority
from tests.exchange.certified import World, ca_files, key_file, world
from tests.exchange.ikev1.stories import assert_clean, assert_matching

V1 = IkeVersion.V1
FAST: dict[str, Any] = {"ike": "aes128-sha256-x25519"}


def pair_of(of: World, **changes: Any) -> Pair:
    return of.pair(V1, **FAST, **changes)


def up(pair: Pair, seconds: float = 60) -> str:
    """``up`` to its end: why it failed, empty where the tunnel is up."""
    ref = pair.left.up("oregon")
    assert pair.run(seconds, lambda: ref in pair.left.finished)
    pair.run(1)
    return pair.left.finished[ref].reason


MODES = pytest.mark.parametrize("aggressive", [False, True], ids=["main", "aggressive"])


@MODES
@pytest.mark.parametrize(
    ("key", "method"),
    [("rsa-2048", "RSA_SIG"), ("p256", "ECDSA_256"), ("p384", "ECDSA_384"), ("p521", "ECDSA_521")],
)
def test_both_ends_prove_themselves_with_keys_of_every_kind(key: str, method: str, aggressive: bool) -> None:
    pair = pair_of(world(key), aggressive=aggressive)
    assert up(pair) == ""
    assert_matching(pair)
    assert f"authentication of 'CN=far' with {method} successful" in pair.left.lines()
    assert f"authentication of 'CN=oregon' with {method} successful" in pair.right.lines()


def test_a_kind_of_key_that_ikev1_does_not_have_is_said_before_anything_is_sent() -> None:
    for key in ("ed25519", "bp256"):
        pair = pair_of(world(key))
        assert "IKEv1 has no signatures with a key of" in up(pair)
        assert not pair.right.ike_sas


def refused(of: World, reason: str, aggressive: bool = False) -> Pair:
    """The right end refuses the left one, says why itself, and nothing of it to the left."""
    pair = pair_of(of, aggressive=aggressive)
    assert up(pair, 400) != ""
    assert any(reason in line for line in pair.right.lines()), pair.right.lines()
    assert not any(reason in line for line in pair.left.lines())
    pair.run(60)
    assert_clean(pair.right)
    return pair


@MODES
def test_what_is_wrong_with_a_certificate_is_said_by_the_one_who_refuses_it(aggressive: bool) -> None:
    of = world()
    of.left = authority("Other").issues("oregon")
    refused(of, "no trusted certificate for 'CN=oregon'", aggressive)
    of = world()
    of.left = of.left_cas[0].issues("oregon", until=NOW - 86400)
    refused(of, "expired on 2027-01-14", aggressive)
    of = world()
    of.left_local = {"id": Identity.parse("@elsewhere.example.org")}
    of.right_remote = {"id": Identity.parse("@elsewhere.example.org")}
    refused(of, "not for 'elsewhere.example.org'", aggressive)
    of = world()
    of.right_remote = {"id": Identity.parse("CN=somebody")}
    refused(of, "no peer config found for 'CN=oregon'", aggressive)
    of = world("rsa-2048")
    of.right_remote |= {"method_detail": "rsa-3072"}
    refused(of, "RSA 3072 is wanted", aggressive)


@pytest.mark.parametrize("key", ["rsa-2048", "p256"])
def test_a_certificate_that_the_peer_has_no_key_for_proves_nothing(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The left end shows oregon's certificate and signs with its own key."""
    of = world(key)
    stolen, of.left = of.left, of.left_cas[0].issues("thief", key=key)
    of.left_local = {"id": Identity.parse("CN=oregon")}
    monkeypatch.setattr("cygnet.engine.ikev1.signatures.chain_along", lambda *_: [stolen.certificate])
    pair = pair_of(of)
    assert up(pair, 400) != ""
    assert any("signature validation failed" in line for line in pair.right.lines())


def test_an_intermediate_comes_along_and_its_absence_is_named() -> None:
    root = authority("Root")
    sub = root.issues("Sub", ca=True)
    of = world(root=root)
    of.left, of.left_cas = sub.issues("oregon"), (root, sub)
    pair = pair_of(of)
    assert up(pair) == ""
    assert 'sending issuer cert "CN=Sub"' in pair.left.lines()
    of.left_cas = (root,)
    refused(of, "CN=Sub")


def test_what_an_earlier_peer_has_shown_does_not_help_the_next() -> None:
    root = authority("Root")
    sub = root.issues("Sub", ca=True)
    of = world(root=root)
    of.left, of.left_cas = sub.issues("oregon"), (root, sub)
    pair = pair_of(of)
    assert up(pair) == ""
    assert pair.left.down("oregon")
    pair.run(60)
    without = replace(pair.left.config, certificates=pair.left.config.certificates[:2])
    pair.left.handle(Configure(without))
    assert up(pair, 400) != ""
    missing = "CN=Sub, the issuer of CN=oregon, is not in the chain and not known here"
    assert any(missing in line for line in pair.right.lines())


def test_certificates_are_sent_when_they_are_asked_for_always_or_never() -> None:
    for send, sent in ((SendCert.IF_ASKED, True), (SendCert.ALWAYS, True), (SendCert.NEVER, False)):
        of = world()
        of.left_local = {"send_cert": send}
        pair = pair_of(of)
        assert (up(pair, 400) == "") == sent
        assert ('sending end entity cert "CN=oregon"' in pair.left.lines()) == sent


def with_psk(config: Config, name: str) -> Config:
    """Its connection as another one, with a pre-shared key and addresses as identities."""
    (connection,) = config.connections
    other = replace(
        connection, name=name, local=(AuthRound(AuthMethod.PSK),), remote=(AuthRound(AuthMethod.PSK),)
    )
    return replace(config, connections=(other, connection), secrets=(psk(),))


def test_connections_with_keys_and_with_secrets_stand_side_by_side() -> None:
    ours, theirs = world().configs(V1, **FAST)
    pair = Pair(ours, with_psk(theirs, "shared"), unix=NOW)
    assert up(pair) == ""
    assert "authentication of 'CN=oregon' with ECDSA_256 successful" in pair.right.lines()
    secret = with_psk(ours, "oregon")
    secret = replace(secret, connections=secret.connections[:1])
    pair = Pair(secret, with_psk(theirs, "shared"), unix=NOW)
    assert up(pair) == ""
    assert pair.right.established("shared")


def test_a_peer_that_offers_another_method_is_told_so() -> None:
    ours, theirs = world().configs(V1, **FAST)
    secret = with_psk(ours, "oregon")
    pair = Pair(replace(secret, connections=secret.connections[:1]), theirs, unix=NOW)
    assert up(pair) != ""
    assert any("all with authentication PSK, not ECDSA_256" in line for line in pair.right.lines())


def test_of_several_connections_the_one_that_takes_the_certificate_is_switched_to() -> None:
    of = world()
    ours, theirs = of.configs(V1, **FAST)
    (right,) = theirs.connections
    picky = replace(right, name="picky", remote=(replace(right.remote[0], method_detail="ecdsa-384"),))
    pair = Pair(ours, replace(theirs, connections=(picky, right)), unix=NOW)
    assert up(pair) == ""
    assert pair.right.established("oregon")


def test_the_certificate_is_chosen_by_the_authorities_that_the_peer_asks_for() -> None:
    of = world()
    ours, theirs = of.configs(V1, **FAST)
    other_ca = authority("Other")
    second = other_ca.issues("oregon")

    files = (
        replace(ours.certificates[0], der=second.certificate.der),
        *ours.certificates,
        *ca_files(other_ca),
    )
    pair = Pair(replace(ours, certificates=files, keys=(*ours.keys, key_file(second))), theirs, unix=NOW)
    assert up(pair) == ""
    assert_matching(pair)


def test_reauthentication_keeps_the_tunnel() -> None:
    pair = pair_of(world(), reauth_time=600, over_time=60, rand_time=0)
    assert up(pair) == ""
    pair.run(2900)
    assert_matching(pair)
    assert len(pair.left.established()) == 1 and len(pair.left.installed()) == 1


@pytest.mark.parametrize("seed", range(12))
def test_a_bad_network_only_delays_it(seed: int) -> None:
    faults = Faults(drop=0.15, duplicate=0.1, reorder=0.1)
    pair = Pair(*world().configs(V1, **FAST, keyingtries=0), unix=NOW, seed=seed, faults=faults)
    assert up(pair, 600) == "" or established(pair.left)


def established(host: Host) -> bool:
    return bool(host.established())


def test_a_reload_brings_other_certificates() -> None:
    of = world()
    pair = pair_of(of)
    assert up(pair) == ""
    pair.left.down("oregon")
    pair.run(5)
    pair.right.handle(Configure(replace(pair.right.config, certificates=pair.right.config.certificates[:1])))
    assert up(pair, 400) != ""
