"""`cygnet start [DAEMON OPTIONS]`: start the daemon in the background, and wait until it is ready.

The daemon's stderr is a pipe to here until it says that it is ready (a zero byte): errors of the
configuration, and reasons for not starting, appear on this terminal.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from cygnet import __version__
from cygnet.cli import exits
from cygnet.cli.daemon import command, run_dir_argument, running_pid
from cygnet.cli.terminal import diagnostics, note

READY = b"\0"


def run_with(words: list[str]) -> int:
    if "-h" in words or "--help" in words:
        os.execv(sys.executable, command(["--background", *words]))
    parser = argparse.ArgumentParser(prog="cygnet start", add_help=False, allow_abbrev=False)
    run_dir_argument(parser)
    parser.add_argument("--log", default="")
    known, _ = parser.parse_known_args(words)
    if running_pid(known.run_dir):
        note(f"cygnet is already running ({known.run_dir}/cygnet.pid exists) -- skipping daemon start")
        return exits.OK
    note(f"Starting cygnet {__version__} IPsec...")
    log = [] if known.log else ["--log", default_log(known.run_dir)]
    return launch([*words, *log])


def default_log(run_dir: str) -> str:
    """syslog as charon does; a file where there is none, as in most containers."""
    return "syslog" if os.path.exists("/dev/log") else os.path.join(run_dir, "cygnet.log")


def launch(words: list[str]) -> int:
    """The exit status: 0 when the daemon is up, else the daemon's own."""
    with open(os.devnull, "rb+") as null:
        process = subprocess.Popen(
            command([*words, "--background"]),
            stdin=null,
            stdout=null,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    assert process.stderr is not None
    said = b""
    while READY not in said:
        data = os.read(process.stderr.fileno(), 65536)
        if not data:
            break
        said += data
    process.stderr.close()
    text, ready, _ = said.partition(READY)
    if text:
        note(diagnostics(text.decode("utf-8", "replace").rstrip("\n"), sys.stderr))
    if ready:
        process.returncode = 0  # it is no child to wait for any more
        return exits.OK
    status = process.wait()
    return status if status >= 0 else exits.FAILED
