"""Exported keys are for their owner alone."""

from __future__ import annotations

from pathlib import Path

from cygnet.boundary.effects import ExportKeys
from cygnet.daemon.keys import KeyTables


def test_tables_are_appended_with_mode_0600(tmp_path: Path) -> None:
    directory = tmp_path / "keys"
    for _ in range(2):
        KeyTables(directory).add(ExportKeys("ikev1", "0011,2233"))
    path = directory / "ikev1_decryption_table"
    assert path.read_text() == "0011,2233\n0011,2233\n"
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {p.stat().st_mode & 0o777 for p in directory.iterdir()} == {0o600}
