"""`cygnet daemon [OPTIONS]`: become the daemon, in the foreground (for systemd and containers)."""

from __future__ import annotations

import os
import sys

from cygnet.cli.daemon import command


def run_with(words: list[str]) -> int:
    """Does not return: the process keeps its pid, which is what a supervisor watches."""
    sys.stdout.flush()
    os.execv(sys.executable, command(words))
