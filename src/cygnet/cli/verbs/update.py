"""`cygnet update`: read the files again; connections that did not change keep their SAs."""

from __future__ import annotations

import argparse

from cygnet.cli import reread


def arguments(parser: argparse.ArgumentParser) -> None:
    reread.arguments(parser, apply=True)


def run(options: argparse.Namespace) -> int:
    return reread.reread(options, "update", "Updating cygnet IPsec configuration...")
