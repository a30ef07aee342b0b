"""`cygnet up NAME`: negotiate, showing each step as it happens."""

from __future__ import annotations

import argparse

from cygnet.cli.daemon import run_dir_argument
from cygnet.cli.request import perform, timeout_argument


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the connection, or one of its children")
    timeout_argument(parser)
    run_dir_argument(parser)


def run(options: argparse.Namespace) -> int:
    name = options.name
    left = f"the negotiation goes on and its SAs live on; 'cygnet down {name}' closes them"
    return perform(options, "initiate", {"child": name}, left)
