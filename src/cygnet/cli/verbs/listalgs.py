"""`cygnet listalgs`: the algorithms that the daemon can do."""

from __future__ import annotations

import argparse

from cygnet.cli import show


def arguments(parser: argparse.ArgumentParser) -> None:
    show.arguments(parser, named=False)


def run(options: argparse.Namespace) -> int:
    return show.show(options, "listalgs")
