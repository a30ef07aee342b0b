"""The example of docs/configuration.md loads as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

from tests.config.reading import loaded

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_example_loads_without_a_complaint() -> None:
    blocks = re.findall(r"(?:^    .*\n|^\n)+", PAGE.read_text(), re.MULTILINE)
    example = next(dedent(block) for block in blocks if "conn oregon" in block)
    conf, secrets = example.split("# /etc/ipsec.secrets\n")
    found = loaded(conf.strip("\n") + "\n", secrets)
    assert found.ok and not found.warnings
    assert [c.name for c in found.config.connections] == ["oregon"]
