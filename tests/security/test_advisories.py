"""The tests that docs/security.md names exist."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "security.md").read_text()


def test_every_test_that_the_page_names_is_there() -> None:
    table = PAGE[PAGE.index("## Published advisories") :]
    named, file = 0, ""
    for path, function in re.findall(r"`([\w/]+\.py)?(?:::(\w+))?`", table):
        if not path and not function:
            continue
        file = path or file
        text = (TESTS / file).read_text()
        assert not function or f"def {function}(" in text, f"{file}::{function}"
        named += bool(function)
    assert named > 25


def test_every_advisory_has_a_test() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| CVE-")]
    assert len(rows) > 18
    for row in rows:
        assert row.count("|") == 4 and ".py" in row.split("|")[3], row
