"""IKE_AUTH with certificates between two engines."""

from __future__ import annotations

import pytest

from cygnet.testing.pair import Pair
from tests.exchange.certified import world
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
