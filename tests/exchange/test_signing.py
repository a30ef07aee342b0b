"""A signature of ours that takes its time (a token, a busy machine), in either IKE version and role."""

from __future__ import annotations

import gc
from dataclasses import replace
from types import FunctionType, ModuleType
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from cygnet.boundary.effects import Sign
from cygnet.boundary.events import Signed
from cygnet.engine.signing import MOST_OPEN, PATIENCE, Desk, Signatures
from cygnet.model.config import (
    AuthMethod,
    AuthRound,
    CertificateFile,
    Config,
    IkeVersion,
    SecretKind,
    SharedSecret,
)
from cygnet.testing.network import Faults
from cygnet.testing.pair import Host, Page, Pair
from cygnet.values.identity import Identity
from cygnet.values.secret import Secret
from tests.certs import NOW, authority
from tests.exchange.certified import key_file, world
from tests.exchange.ikev2.story import both_clean, matching

V1, V2 = IkeVersion.V1, IkeVersion.V2
MODES: dict[str, dict[str, Any]] = {
    "ikev2": {"version": V2},
    "main": {"version": V1},
    "aggressive": {"version": V1, "aggressive": True},
}
EVERY = pytest.mark.parametrize("mode", MODES)
ENDS = pytest.mark.parametrize("slow", ["left", "right"])


def slow_pair(mode: str, slow: str, seconds: float | None = 6.0, faults: Faults | None = None) -> Pair:
    pair = Pair(*world().configs(**MODES[mode]), unix=NOW, **({"faults": faults} if faults else {}))
    host(pair, slow).signing = seconds
    return pair


def host(pair: Pair, end: str) -> Host:
    found: Host = getattr(pair, end)
    return found


def signatures(of: Host) -> int:
    return sum(isinstance(effect, Sign) for effect in of.effects)


@EVERY
@ENDS
def test_the_exchange_waits_for_it_and_says_so(mode: str, slow: str) -> None:
    pair = slow_pair(mode, slow)
    pair.left.up("oregon")
    pair.run(3)
    (sa,) = host(pair, slow).ike_sas
    assert sa.state == "CONNECTING" and sa.waiting == "our signature"
    pair.run(30)
    matching(pair)
    assert signatures(pair.left) == signatures(pair.right) == 1
    (sa,) = host(pair, slow).ike_sas
    assert sa.waiting == ""


@EVERY
def test_a_request_that_is_repeated_meanwhile_is_answered_once(mode: str) -> None:
    pair = slow_pair(mode, "right", 10)  # the peer sends again after 4 s, and 7.2 s later
    pair.left.up("oregon")
    pair.run(9)
    before = len(pair.right.effects)
    assert any("retransmit" in line for line in pair.left.lines())
    pair.run(30)
    assert len(pair.right.effects) > before
    matching(pair)
    assert signatures(pair.right) == 1


@EVERY
@ENDS
def test_on_a_network_that_doubles_and_loses_messages_it_comes_to_the_same(mode: str, slow: str) -> None:
    for seed in range(8):
        faults = Faults(duplicate=0.4, drop=0.15, jitter=0.3)
        pair = Pair(*world().configs(**MODES[mode]), seed=seed, unix=NOW, faults=faults)
        host(pair, slow).signing = 2.5
        ref = pair.left.up("oregon")
        assert pair.run(200, lambda p=pair, r=ref: r in p.left.finished), seed
        pair.run(60)
        assert len(pair.left.installed()) == len(pair.right.installed()) == 1, seed


@EVERY
@ENDS
def test_without_an_answer_it_ends(mode: str, slow: str) -> None:
    pair = slow_pair(mode, slow, None)
    ref = pair.left.up("oregon")
    assert pair.run(1200, lambda: ref in pair.left.finished)
    pair.run(200)
    both_clean(pair)
    assert any(f"longer than {PATIENCE:g}s" in line for line in host(pair, slow).lines())


@EVERY
@ENDS
def test_a_signing_that_fails_ends_the_authentication_with_the_reason(mode: str, slow: str) -> None:
    pair = slow_pair(mode, slow, 1)
    host(pair, slow).unsigned = "the token was removed"
    ref = pair.left.up("oregon")
    assert pair.run(1200, lambda: ref in pair.left.finished)
    pair.run(200)
    both_clean(pair)
    lines = host(pair, slow).lines(0) if mode == "ikev2" else host(pair, slow).lines()
    assert any("by our ECDSA 256 key: the token was removed" in line for line in lines), lines
    if (mode, slow) == ("aggressive", "right"):
        return  # nothing proves the notify, so that the initiator goes on waiting
    if slow == "right":
        assert any("AUTH" in line and "FAILED" in line for line in pair.left.lines())
    else:
        assert "the token was removed" in pair.left.finished[ref].reason


@EVERY
@ENDS
def test_down_while_it_waits_ends_it_and_the_late_signature_harms_nobody(mode: str, slow: str) -> None:
    pair = slow_pair(mode, slow)
    pair.left.up("oregon")
    pair.run(3)
    end = host(pair, slow)
    ref = end.down("oregon")
    pair.run(0.5)
    assert ref in end.finished and not end.ike_sas
    pair.run(100)  # an initiator of Aggressive Mode has not heard of it, and begins anew
    assert not end.installed() or (mode, slow) == ("aggressive", "right")
    assert not end.engine._services.part(Desk).open


@EVERY
def test_who_goes_away_while_it_waits_leaves_nothing(mode: str) -> None:
    pair = slow_pair(mode, "right", 8)
    pair.left.up("oregon")
    pair.run(3)
    pair.left.vanish()
    pair.hosts.remove(pair.left)
    pair.run(400)
    assert all(sa.state == "ESTABLISHED" for sa in pair.right.ike_sas)
    assert pair.right.snapshot.half_open == 0


@EVERY
def test_the_number_that_is_waited_for_is_bounded(mode: str) -> None:
    pair = slow_pair(mode, "left")
    pair.left.engine._services.part(Desk).open |= set(range(MOST_OPEN))
    ref = pair.left.up("oregon")
    assert pair.run(400, lambda: ref in pair.left.finished)
    assert "signatures are waited for already" in pair.left.finished[ref].reason
    assert not signatures(pair.left)


def test_each_of_several_rounds_is_signed_for() -> None:
    """RFC 4739: two certificates each, and every signature takes a while."""
    of = world()
    second = of.left_cas[0].issues("user")
    door = of.left_cas[0].issues("door")
    ours, theirs = (_second(c, h) for c, h in zip(of.configs(), (second, door), strict=True))
    ours, theirs = _expects(ours, "CN=door"), _expects(theirs, "CN=user")
    pair = Pair(ours, theirs, unix=NOW)
    pair.left.signing = pair.right.signing = 1.5
    pair.left.up("oregon")
    pair.run(20)
    matching(pair)
    assert signatures(pair.left) == signatures(pair.right) == 2


def _second(config: Config, holder: Any) -> Config:
    (connection,) = config.connections
    another = AuthRound(AuthMethod.PUBKEY, holder.certificate.subject, certs=("second",))
    return replace(
        config,
        connections=(replace(connection, local=(*connection.local, another)),),
        certificates=(*config.certificates, CertificateFile(holder.certificate.der, "second")),
        keys=(*config.keys, key_file(holder)),
    )


def _expects(config: Config, name: str) -> Config:
    (connection,) = config.connections
    another = AuthRound(AuthMethod.PUBKEY, Identity.parse(name))
    return replace(config, connections=(replace(connection, remote=(*connection.remote, another)),))


def test_with_a_ppk_both_signatures_are_made_one_after_the_other() -> None:
    ours, theirs = world().configs(ppk_id="hub")
    ppk = SharedSecret(SecretKind.PPK, (Identity.parse("hub"),), Secret(bytes(32)))
    pair = Pair(*(replace(c, secrets=(ppk,)) for c in (ours, theirs)), unix=NOW)
    pair.left.signing = pair.right.signing = 1
    ref = pair.left.up("oregon")
    pair.run(20)
    matching(pair)
    assert signatures(pair.left) == 2 and signatures(pair.right) == 1
    assert sum("using PPK" in line for line in pair.left.lines(ref=ref)) == 1


@EVERY
def test_revocation_data_and_a_signature_are_waited_for_one_after_the_other(mode: str) -> None:
    root = authority("Root")
    crl = "http://crl.example.org/root.crl"
    pair = Pair(*world(root=root, crls=[crl]).configs(**MODES[mode]), unix=NOW)
    for end in pair.hosts:
        end.web[crl] = Page(root.crl().der, delay=1.5)
        end.signing = 1.5
    pair.left.up("oregon")
    pair.run(30)
    matching(pair)
    for end in pair.hosts:
        assert signatures(end) == 1 and end.fetched == [crl]


def test_a_handshake_that_is_over_keeps_no_signatures() -> None:
    pair = slow_pair("ikev2", "left", 0)
    pair.left.up("oregon")
    pair.run(5)
    (sa,) = pair.left.engine._registry.ike_sas.values()
    assert not sa.part(Signatures).made


def test_an_answer_that_nobody_waits_for_is_ignored() -> None:
    pair = slow_pair("ikev2", "left", 0)
    pair.left.handle(Signed(12345, b"x"))
    pair.left.up("oregon")
    pair.run(5)
    matching(pair)


def test_the_engine_holds_no_private_key() -> None:
    """Whatever can be reached from it: neither the library's keys nor their bytes."""
    of = world()
    pair = Pair(*of.configs(), unix=NOW)
    pair.left.up("oregon")
    pair.run(5)
    matching(pair)
    number = of.left.key.private_numbers().private_value.to_bytes(32)
    seen: set[int] = set()
    todo: list[Any] = [pair.left.engine]
    while todo:
        one = todo.pop()
        if isinstance(one, FunctionType):
            todo += one.__closure__ or ()
        if id(one) in seen or isinstance(one, type | ModuleType | FunctionType):
            continue
        seen.add(id(one))
        assert not isinstance(one, ec.EllipticCurvePrivateKey)
        if isinstance(one, bytes):
            assert number not in one
        todo += gc.get_referents(one)
    assert {id(pair.left.config), id(pair.left.config.keys[0].spki)} <= seen
