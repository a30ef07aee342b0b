"""`cygnet restart [DAEMON OPTIONS]`: without options, with those the daemon was started with."""

from __future__ import annotations

import argparse

from cygnet.cli import exits
from cygnet.cli.daemon import arguments_of, run_dir_argument, running_pid
from cygnet.cli.verbs import start, stop


def run_with(words: list[str]) -> int:
    if "-h" not in words and "--help" not in words:
        parser = argparse.ArgumentParser(prog="cygnet restart", add_help=False, allow_abbrev=False)
        run_dir_argument(parser)
        known, others = parser.parse_known_args(words)
        pid = running_pid(known.run_dir)
        if pid and not others:
            words = arguments_of(pid) or words
        if pid and (status := stop.stop(known.run_dir)) != exits.OK:
            return status
    return start.run_with(words)
