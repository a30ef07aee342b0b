"""Whole configurations: each folder of golden/ is an /etc, ``expected.txt`` what is made of it.

After a change that is meant: ``python -m tests.config.test_golden``, then read the difference.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from cygnet.config.files import MemoryFiles
from cygnet.config.load import load
from tests.config.dump import dump

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(p.name for p in GOLDEN.iterdir() if p.is_dir())


def made_of(case: str) -> str:
    folder = GOLDEN / case
    texts = {
        f"/etc/{path.relative_to(folder)}": path.read_bytes().decode("utf-8", "surrogateescape")
        for path in folder.rglob("*")
        if path.is_file() and path.name != "expected.txt"
    }
    local = {"10.31.1.185", "hub.example.com"}
    return dump(load(MemoryFiles(texts), is_local=local.__contains__))


@pytest.mark.parametrize("case", CASES)
def test_a_configuration_becomes_what_the_golden_file_says(case: str) -> None:
    assert made_of(case) == (GOLDEN / case / "expected.txt").read_text()


def test_there_are_golden_cases() -> None:
    assert len(CASES) >= 10


if __name__ == "__main__":
    for name in CASES:
        (GOLDEN / name / "expected.txt").write_text(made_of(name))
