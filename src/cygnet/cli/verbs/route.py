"""`cygnet route NAME`: install the trap (or shunt) of a connection."""

from __future__ import annotations

import argparse

from cygnet.cli.daemon import run_dir_argument
from cygnet.cli.request import perform


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the connection, or one of its children")
    parser.set_defaults(timeout=10.0)
    run_dir_argument(parser)


def run(options: argparse.Namespace) -> int:
    return perform(options, "install", {"child": options.name}, "the trap may be installed already")
