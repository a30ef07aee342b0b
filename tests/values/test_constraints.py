"""leftauth and rightauth beyond ``pubkey``."""

from __future__ import annotations

import pytest

from cygnet.values.constraints import Constraints, parse


def test_kinds_lengths_and_hashes() -> None:
    found = parse("rsa-2048-ecdsa-256-sha256-sha384")
    assert found.takes("RSA", 2048) and not found.takes("RSA", 1024)
    assert found.takes("ECDSA", 256) and not found.takes("Ed25519", 256)
    assert found.takes_hash("sha256") and not found.takes_hash("sha1") and found.takes_hash("")
    assert found.ike_hashes == ("sha256", "sha384")


def test_what_stands_behind_ike_is_of_the_signature_in_ike_alone() -> None:
    found = parse("pubkey-sha384-ike:rsa/pss-sha256")
    assert found.hashes == ("sha384",) and found.ike_hashes == ("sha256",) and found.pss
    assert parse("ike:pubkey-sha512") == Constraints(ike_hashes=("sha512",))


def test_nothing_asks_for_nothing() -> None:
    assert parse("") == parse("pubkey") == Constraints()
    assert Constraints().takes("RSA", 512) and Constraints().takes_hash("md5")


@pytest.mark.parametrize("text", ["rsa-2048-sha257", "pubkey-2048", "gost", "ike:foo"])
def test_other_words_are_named(text: str) -> None:
    with pytest.raises(ValueError, match="is none of"):
        parse(text)
