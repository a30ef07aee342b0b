"""Measure, print one table, keep the figures: python -m bench [--seconds N] [NAME ...]"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module

from bench import report
from cygnet.lab.host import LabError
from cygnet.lab.lab import check_prerequisites
from tests.peers.charon import missing

#: name -> what it is; module bench.NAME has ``rows(seconds) -> list[Row]``
PARTS = {
    "throughput": "packets through the userspace plane",
    "interference": "whether traffic and negotiations delay each other",
    "tunnels": "tunnels a second, CPU and memory of a tunnel",
    "storm": "thousands of tunnels at once, and the way back after trouble",
    "startup": "how long starting and asking takes",
}
#: what the parts read of the environment
QUICK = {"TUNNELS": "4", "STORM": "8", "RECOVERING": "0"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each traffic run")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="everything once and small, to see whether it runs",
    )
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], help=", ".join(PARTS))
    options = parser.parse_args()
    try:
        check_prerequisites()
    except LabError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 4
    if reason := missing():
        print(f"bench: {reason}", file=sys.stderr)
        return 1
    if options.quick:
        os.environ.update(QUICK)
        options.seconds = 1.0
    rows = []
    for part in options.part or PARTS:
        print(f"measuring {part}: {PARTS[part]}", file=sys.stderr, flush=True)
        rows += import_module(f"bench.{part}").rows(options.seconds)
    print(report.table(rows))
    print(f"\nkept in {report.save(rows)}; other work on the machine disturbs figures, ratios less")
    return 0


if __name__ == "__main__":
    sys.exit(main())
