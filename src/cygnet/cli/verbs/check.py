"""`cygnet check [FILE]`: what `start` would say about the configuration, without starting.

Runs the daemon's own program, so that both can never differ.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from cygnet.cli import exits
from cygnet.cli.daemon import command
from cygnet.cli.terminal import diagnostics


def run_with(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="cygnet check", description=__doc__, allow_abbrev=False)
    parser.add_argument("file", nargs="?", help="ipsec.conf (default: /etc/ipsec.conf)")
    parser.add_argument("--secrets", metavar="FILE", help="ipsec.secrets")
    parser.add_argument("--strongswan-conf", metavar="FILE", help="strongswan.conf")
    parser.add_argument("--swanctl-conf", metavar="FILE", help="swanctl.conf")
    parser.add_argument("--json", action="store_true", help="as JSON")
    try:
        options = parser.parse_args(words)
    except SystemExit as stop:
        return int(stop.code or 0)
    del options
    done = subprocess.run(command(["--check", *words]), stdout=subprocess.PIPE, check=False)
    text = done.stdout.decode("utf-8", "replace")
    sys.stdout.write(diagnostics(text, sys.stdout))
    return done.returncode if done.returncode >= 0 else exits.FAILED
