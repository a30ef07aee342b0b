"""`cygnet version`: of cygnet (U, user space) and of the kernel (K), as `ipsec version` has it."""

from __future__ import annotations

import argparse
import os

from cygnet import __version__
from cygnet.cli import exits
from cygnet.cli.terminal import say


def arguments(parser: argparse.ArgumentParser) -> None:
    """It takes none."""


def run(options: argparse.Namespace) -> int:
    system = os.uname()
    say(f"{system.sysname} cygnet U{__version__}/K{system.release}")
    return exits.OK
