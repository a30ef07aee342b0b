"""The table and the JSON file."""

from __future__ import annotations

import json
import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Row:
    """One thing measured on both. ``ratio`` is cygnet's figure over charon's.

    ``target``: what docs/performance.md promises of the ratio, or of cygnet's own figure where
    charon has none; ``at_least`` says on which side of it the good is.
    """

    name: str
    unit: str
    cygnet: float | None
    charon: float | None
    target: float | None = None
    at_least: bool = False
    of_ratio: bool = True

    @property
    def ratio(self) -> float | None:
        return self.cygnet / self.charon if self.cygnet and self.charon else None

    @property
    def verdict(self) -> str:
        judged = self.ratio if self.of_ratio else self.cygnet
        if self.target is None or judged is None:
            return ""
        met = judged >= self.target if self.at_least else judged <= self.target
        sign = "≥" if self.at_least else "≤"
        unit = "×" if self.of_ratio else f" {self.unit}"
        return f"{'met' if met else 'MISSED'} ({sign} {self.target:.3g}{unit})"


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(rows: list[Row]) -> str:
    head = ("", "unit", "cygnet", "charon", "ratio", "target")
    lines = [head] + [
        (
            row.name,
            row.unit,
            _figure(row.cygnet),
            _figure(row.charon),
            f"{row.ratio:.2f}×" if row.ratio else "-",
            row.verdict,
        )
        for row in rows
    ]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    aligned = ["<", "<", ">", ">", ">", "<"]
    text = [
        "  ".join(
            f"{cell:{side}{width}}" for cell, side, width in zip(line, aligned, widths, strict=True)
        ).rstrip()
        for line in lines
    ]
    return "\n".join([text[0], "-" * len(text[0].ljust(sum(widths) + 10)), *text[1:]])


def save(rows: list[Row]) -> Path:
    """bench/results/TIME.json: the rows and the machine they are of."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / time.strftime("%Y%m%d-%H%M%S.json")
    machine = {
        "cpu": _cpu(),
        "cores": _cores(),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }
    path.write_text(json.dumps({"machine": machine, "rows": [asdict(row) for row in rows]}, indent=1) + "\n")
    return path


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _cores() -> int:
    import os

    return len(os.sched_getaffinity(0))
