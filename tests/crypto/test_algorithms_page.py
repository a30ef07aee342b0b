"""docs/generated/algorithms.md follows from the tables."""

from __future__ import annotations

from tools.algorithms import TARGET, document

from cygnet.crypto.keywords import KEYWORDS


def test_the_page_is_what_the_tables_say() -> None:
    assert TARGET.read_text() == document(), "run: python tools/algorithms.py"


def test_the_page_names_every_keyword() -> None:
    page = document()
    missing = [
        word
        for word in KEYWORDS
        if f"`{word}`" not in page
        and not any(f"`{word.replace(bits, '{bits}', 1)}`" in page for bits in ("128", "192", "256"))
    ]
    assert missing == []
