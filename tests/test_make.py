"""Every target of the Makefile works from a clean clone, in its shortest form.

``test`` is what runs this; all others run here, one after the other, as a newcomer would have them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.rooted import needs_lab

pytestmark = [*needs_lab, pytest.mark.interop, pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parent.parent

#: target -> its variables, and what it prints when it has done something; ``check`` has ``lint`` in it
SHORTEST = {
    "dev": ([], "installing the Python packages"),
    "lint": ([], "no issues found"),
    "check": (["TESTS=tests/values", "WORKERS=1"], r"\d+ passed"),
    "fuzz": (["FUZZ=1", "TESTS=tests/fuzz/test_keywords.py"], r"\d+ passed"),
    "soak": (["LIVES=2"], "2 lives of a week each"),
    "demo": ([], "oregon"),
    "install": ([], ""),
    "uninstall": ([], ""),
    "bench": (["BENCH=--quick"], "daemon start to auto=start tunnel"),
    "clean": ([], ""),
}
RUN_BY_CI = {"test"}


def clone(to: Path) -> Path:
    """What is committed, and nothing that was made from it; but the types that were looked at already."""
    subprocess.run(["git", "clone", "-q", "--no-hardlinks", str(ROOT), str(to)], check=True)
    if (ROOT / ".mypy_cache").exists():
        shutil.copytree(ROOT / ".mypy_cache", to / ".mypy_cache")
    return to


def test_no_target_is_left_out() -> None:
    text = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):(?!.* = )", text, re.MULTILINE))
    assert targets == set(SHORTEST) | RUN_BY_CI


def test_every_target_works_from_a_clean_clone(tmp_path: Path) -> None:
    work = clone(tmp_path / "clone")
    places = [f"DESTDIR={tmp_path / 'image'}"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CYGNET", "PYTEST"))}
    for target, (words, says) in SHORTEST.items():
        done = subprocess.run(
            ["make", target, *words, *(places if "install" in target else [])],
            cwd=work, env=kept, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"make {target}: {said[-3000:]}"
        assert re.search(says, said), f"make {target}: {said[-3000:]}"
    assert not (work / ".venv").exists()
