"""`cygnet statusall [NAME]`: status with the daemon's state, connections, counters and times."""

from __future__ import annotations

import argparse

from cygnet.cli import show


def arguments(parser: argparse.ArgumentParser) -> None:
    show.arguments(parser)


def run(options: argparse.Namespace) -> int:
    return show.show(options, "statusall")
