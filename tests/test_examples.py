"""Every example runs and ends well."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.mark.parametrize("version", ["ikev1", "ikev2"])
def test_two_engines_shake_hands_in_memory(version: str) -> None:
    result = subprocess.run(
        [sys.executable, EXAMPLES / "two_engines.py", version], capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "connection 'oregon' established successfully" in result.stdout
    assert "right: SPIs" in result.stdout
