"""`cygnet listcerts` and its sisters: certificates, keys and revocation data that are in force."""

from __future__ import annotations

import argparse

from cygnet.cli import show


def arguments(parser: argparse.ArgumentParser) -> None:
    show.arguments(parser, named=False)
    parser.add_argument("--utc", action="store_true", help="times in UTC, not in local time")


def run(options: argparse.Namespace) -> int:
    return show.show_list(options, options.verb)
