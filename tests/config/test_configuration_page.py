"""What docs/configuration.md and docs/proposals.md say to write loads as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

from tests.config.reading import loaded

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_example_loads_without_a_complaint() -> None:
    blocks = re.findall(r"(?:^    .*\n|^\n)+", PAGE.read_text(), re.MULTILINE)
    example = next(dedent(block) for block in blocks if "conn oregon" in block)
    conf, secrets = example.split("# /etc/ipsec.secrets\n")
    found = loaded(conf.strip("\n") + "\n", secrets)
    assert found.ok and not found.warnings
    assert [c.name for c in found.config.connections] == ["oregon"]


ROW = re.compile(r"^\|[^|]+\| `([^`=]+)` \| `([^`=]+)` \|$", re.MULTILINE)
PROPOSALS = ROW.findall((PAGE.parent / "proposals.md").read_text())


@pytest.mark.parametrize(("ike", "esp"), PROPOSALS)
def test_a_proposal_of_the_table_can_be_written(ike: str, esp: str) -> None:
    found = loaded(f"conn x\n  right=192.0.2.1\n  authby=psk\n  auto=add\n  ike={ike}\n  esp={esp}\n")
    assert found.ok and not found.warnings


def test_the_table_has_rows() -> None:
    assert len(PROPOSALS) == 4
