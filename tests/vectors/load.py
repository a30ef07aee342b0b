"""Reads the vector files beside it.

A file begins with comments that name its sources. Each case is a title in brackets and then
``field = value`` lines; values are hex but for the names of algorithms and ``bits``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    title: str
    fields: dict[str, str]

    def text(self, field: str) -> str:
        return self.fields[field]

    def bytes(self, field: str) -> bytes:
        return bytes.fromhex(self.fields[field])

    def number(self, field: str) -> int:
        return int(self.fields[field], 16)


def cases(name: str) -> list[Case]:
    """The cases of one file. Raises on a line that is neither, so that no case is lost silently."""
    found: list[Case] = []
    for line in (HERE / name).read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        if title := re.fullmatch(r"\[(.+)\]", line):
            found.append(Case(title[1], {}))
        elif field := re.fullmatch(r"(\w+) =(?: (\S+))?", line):
            found[-1].fields[field[1]] = field[2] or ""
        else:
            raise ValueError(f"{name}: {line}")
    assert found, f"{name} has no cases"
    return found


def title(case: Case) -> str:
    """For pytest's ``ids``."""
    return case.title
