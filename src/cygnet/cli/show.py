"""Verbs that print what the daemon shows: status, statusall, listalgs, listcerts and its sisters."""

from __future__ import annotations

import argparse
import sys

from cygnet.cli import exits
from cygnet.cli.daemon import connect, run_dir_argument
from cygnet.cli.request import conclude, printable
from cygnet.control.vici.codec import Message


def arguments(parser: argparse.ArgumentParser, named: bool = True) -> None:
    if named:
        parser.add_argument("name", nargs="?", default="", help="only what has this name")
    parser.add_argument("--json", action="store_true", help="as JSON")
    run_dir_argument(parser)


def show(options: argparse.Namespace, what: str) -> int:
    name = getattr(options, "name", "")
    return _stream(options, "cygnet-status", {"what": what, "name": name, "json": _yes(options.json)})


def show_list(options: argparse.Namespace, what: str) -> int:
    request: Message = {"what": what, "utc": _yes(options.utc), "json": _yes(options.json)}
    return _stream(options, "cygnet-list", request)


def _stream(options: argparse.Namespace, command: str, request: Message) -> int:
    def write(_: str, event: Message) -> None:
        sys.stdout.write(printable(str(event.get("text", ""))))

    with connect(options.run_dir) as client:
        answer = client.request(command, request, write, events=("cygnet-text",))
    sys.stdout.flush()
    return conclude(answer) if answer else exits.OK


def _yes(value: bool) -> str:
    return "yes" if value else "no"
