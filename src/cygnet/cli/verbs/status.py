"""`cygnet status [NAME]`: shunts, traps and SAs, as `ipsec status` prints them."""

from __future__ import annotations

import argparse

from cygnet.cli import show


def arguments(parser: argparse.ArgumentParser) -> None:
    show.arguments(parser)


def run(options: argparse.Namespace) -> int:
    return show.show(options, "status")
