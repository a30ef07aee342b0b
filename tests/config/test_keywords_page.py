"""docs/generated/keywords.md follows from the tables."""

from __future__ import annotations

from tools.keywords import TARGET, document

from cygnet.config.reader import KEYWORDS


def test_the_page_is_what_the_tables_say() -> None:
    assert TARGET.read_text() == document(), "run: python tools/keywords.py"


def test_the_page_names_every_keyword() -> None:
    page = document()
    names = {name for kind in KEYWORDS.values() for name in kind if not name.startswith("right")}
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []
