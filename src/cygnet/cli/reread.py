"""Verbs that have the daemon read its files again: update, reload, rereadsecrets, rereadall."""

from __future__ import annotations

import argparse
import sys

from cygnet.cli import exits
from cygnet.cli.daemon import connect, run_dir_argument
from cygnet.cli.request import printable
from cygnet.cli.terminal import diagnostics, note

PATIENCE = 120.0  #: seconds; a configuration of ten thousand connections takes some of them


def arguments(parser: argparse.ArgumentParser, apply: bool) -> None:
    if apply:
        parser.add_argument(
            "--apply", action="store_true", help="close what still runs without a configuration"
        )
    run_dir_argument(parser)


def reread(options: argparse.Namespace, what: str, headline: str = "") -> int:
    apply = "yes" if getattr(options, "apply", False) else "no"
    with connect(options.run_dir) as client:
        if headline:
            note(headline)
        client.patience(PATIENCE)
        answer = client.request("reload-settings", {"what": what, "apply": apply})
    text = printable(str(answer.get("text", "")))
    if text:
        note(diagnostics(text, sys.stderr))
    return exits.OK if answer.get("success") == "yes" else exits.USAGE
