"""`cygnet rereadsecrets` and its sisters: read credentials again; connections are not touched."""

from __future__ import annotations

import argparse

from cygnet.cli import reread


def arguments(parser: argparse.ArgumentParser) -> None:
    reread.arguments(parser, apply=False)


def run(options: argparse.Namespace) -> int:
    return reread.reread(options, options.verb.removeprefix("reread"))
