"""How ends sign by strongswan.conf: rsa_pss, signature_authentication(_constraints). The left initiates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cygnet.engine.ikev2 import signatures
from cygnet.engine.ikev2.features import SIGNATURE_HASHES
from cygnet.model.config import Config
from cygnet.testing.pair import Pair
from tests.certs import NOW
from tests.exchange.certified import World, world
from tests.exchange.ikev2.story import matching


def settled(config: Config, **settings: Any) -> Config:
    return replace(config, settings=replace(config.settings, **settings))


def up(
    of: World, left: dict[str, Any] | None = None, right: dict[str, Any] | None = None
) -> tuple[Pair, str]:
    ours, theirs = of.configs()
    pair = Pair(settled(ours, **(left or {})), settled(theirs, **(right or {})), unix=NOW)
    ref = pair.left.up("oregon")
    assert pair.run(60, lambda: ref in pair.left.finished)
    pair.run(1)
    return pair, pair.left.finished[ref].reason


def signed(pair: Pair) -> tuple[str, str]:
    """How each end has signed."""
    lines = (line for host in pair.hosts[::-1] for line in host.lines() if "(myself) with" in line)
    found = {line.split("'")[1]: line.partition("(myself) with ")[2] for line in lines}
    return found["CN=oregon"], found["CN=far"]


def test_rsa_pss_makes_it_the_default_of_one_end() -> None:
    pair, reason = up(world("rsa-2048"), left={"rsa_pss": True})
    assert reason == ""
    ours, theirs = signed(pair)
    assert "PSS" in ours and "PSS" not in theirs
    matching(pair)


def test_rsa_pss_is_nothing_to_other_keys() -> None:
    pair, reason = up(world("p256"), left={"rsa_pss": True})
    assert reason == "" and "ECDSA" in signed(pair)[0]


@pytest.mark.parametrize("end", ["left", "right"])
@pytest.mark.parametrize(("key", "way"), [("rsa-2048", "SHA1"), ("p256", "SHA256")])
def test_without_rfc_7427_at_one_end_both_sign_the_old_way(end: str, key: str, way: str) -> None:
    of = world(key)
    pair, reason = up(of, **{end: {"signature_authentication": False}})
    assert reason == ""
    assert all(way in one.upper().replace("-", "").replace("_", "") for one in signed(pair)), signed(pair)


@pytest.mark.parametrize("key", ["ed25519", "bp256"])
def test_without_rfc_7427_some_keys_cannot_sign(key: str) -> None:
    pair, reason = up(world(key), left={"signature_authentication": False})
    assert reason and not pair.left.established()


def test_a_signature_that_was_not_announced_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer signs by RFC 7427 although nothing was said of it."""
    real = signatures.choose
    monkeypatch.setattr(signatures, "choose", lambda key, _, wishes: real(key, SIGNATURE_HASHES, wishes))
    pair, reason = up(world("p256"), left={"signature_authentication": False})
    assert "signature_authentication = no switches off" in reason
    assert not pair.left.established()


@pytest.mark.parametrize(
    ("detail", "carry", "good"),
    [
        ("ecdsa-sha384", True, False),
        ("ecdsa-sha384-sha256", True, True),
        ("ike:pubkey-sha384", False, False),
    ],
)
def test_hashes_of_rightauth_are_for_the_signature_too(detail: str, carry: bool, good: bool) -> None:
    of = world("p256")
    of.left_remote["method_detail"] = detail
    _, reason = up(of, left={"signature_constraints": carry})
    assert (reason == "") is good, reason


def test_without_constraints_hashes_of_rightauth_are_for_the_chain_alone() -> None:
    of = world("p384")
    of.left_remote["method_detail"] = "ecdsa-sha256"
    _, reason = up(of, left={"signature_constraints": True})
    assert "sha256" in reason, "a P-384 key signs over SHA-384"
    _, reason = up(of, left={"signature_constraints": False})
    assert reason == ""
