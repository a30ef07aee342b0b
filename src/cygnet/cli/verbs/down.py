"""`cygnet down TARGET`: close an IKE_SA with all its CHILD_SAs, or one CHILD_SA."""

from __future__ import annotations

import argparse

from cygnet.cli.daemon import run_dir_argument
from cygnet.cli.request import perform, timeout_argument


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = """\
targets:
  NAME      the first IKE_SA of that name
  NAME[]    the same; NAME[*] every IKE_SA of that name
  NAME{}    the first CHILD_SA of that name; NAME{*} every one
  [3]  {7}  by the number that status shows
  [*]  {*}  all of them
"""
    parser.add_argument("target", help="NAME, NAME{}, NAME[], [n], {n}, [*] or {*}")
    timeout_argument(parser)
    run_dir_argument(parser)


def run(options: argparse.Namespace) -> int:
    return perform(options, "terminate", {"target": options.target}, "the SAs are being closed")
