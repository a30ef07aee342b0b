"""`cygnet reload`: read the files again, and treat every connection as new."""

from __future__ import annotations

import argparse

from cygnet.cli import reread


def arguments(parser: argparse.ArgumentParser) -> None:
    reread.arguments(parser, apply=True)


def run(options: argparse.Namespace) -> int:
    return reread.reread(options, "reload", "Reloading cygnet IPsec configuration...")
