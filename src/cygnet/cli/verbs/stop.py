"""`cygnet stop`: end the daemon and with it every tunnel."""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import signal

from cygnet.cli import exits
from cygnet.cli.daemon import run_dir_argument, running_pid
from cygnet.cli.terminal import note

PATIENCE = 11.0  #: seconds until it is killed, as strongSwan's script waits
AFTER_KILL = 5.0


def arguments(parser: argparse.ArgumentParser) -> None:
    run_dir_argument(parser)


def run(options: argparse.Namespace) -> int:
    return stop(options.run_dir)


def stop(run_dir: str) -> int:
    """0 also when none was running: that it does not run is what was asked for."""
    pid = running_pid(run_dir)
    if not pid:
        note("cygnet is not running")
        return exits.OK
    note("Stopping cygnet IPsec...")
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return exits.OK
    try:
        if not _end(process, signal.SIGTERM, PATIENCE):
            note("cygnet did not stop in time, killing it")
            if not _end(process, signal.SIGKILL, AFTER_KILL):
                return exits.FAILED
            for name in ("cygnet.vici", "cygnet.pid"):
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(run_dir, name))
    finally:
        os.close(process)
    return exits.OK


def _end(process: int, number: signal.Signals, patience: float) -> bool:
    """Signal the process of a pidfd; whether it ended in time. Raises PermissionError."""
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(process, number)
    poll = select.poll()
    poll.register(process, select.POLLIN)
    return bool(poll.poll(patience * 1000))
