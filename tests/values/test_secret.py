"""A secret shows its length and nothing else."""

from __future__ import annotations

from cygnet.values.secret import Secret


def test_no_way_of_printing_shows_the_bytes() -> None:
    secret = Secret(b"swordfish")
    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r:>40}", f"{[secret]}"]
    assert all("swordfish" not in text and "9 bytes" in text for text in shown)


def test_secrets_compare_by_value() -> None:
    assert Secret(b"a") == Secret(b"a")
    assert Secret(b"a") != Secret(b"b")
    assert Secret(b"a") != b"a"
    assert len({Secret(b"a"), Secret(b"a")}) == 1
