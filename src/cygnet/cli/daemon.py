"""Finding the daemon: its socket, its pid, whether it lives, and how it is started."""

from __future__ import annotations

import argparse
import fcntl
import os
import sys

from cygnet.control.vici.client import Client

RUN_DIR = "/run/cygnet"


def run_dir_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--run-dir",
        metavar="DIR",
        default=os.environ.get("CYGNET_RUN_DIR") or RUN_DIR,
        help="where the daemon's control socket is (default: $CYGNET_RUN_DIR or " + RUN_DIR + ")",
    )


def connect(run_dir: str) -> Client:
    """Raises NotRunning, NotPermitted."""
    return Client(os.path.join(run_dir, "cygnet.vici"))


def running_pid(run_dir: str) -> int:
    """The daemon's pid; 0 where none runs. Its lock tells, not the file's being there.

    Raises PermissionError where the file is not ours to read.
    """
    try:
        fd = os.open(os.path.join(run_dir, "cygnet.pid"), os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return 0
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.read(fd, 32).strip()
        return int(text) if text.isdigit() else 0
    finally:
        os.close(fd)
    return 0


def command(arguments: list[str]) -> list[str]:
    """The daemon as a program with its arguments."""
    return [sys.executable, "-m", "cygnet.daemon", *arguments]


def arguments_of(pid: int) -> list[str]:
    """With what arguments a running daemon was started; none where that cannot be told."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = [os.fsdecode(word) for word in file.read().split(b"\0")[:-1]]
    except OSError:
        return []
    if "cygnet.daemon" not in words:
        return []
    return [word for word in words[words.index("cygnet.daemon") + 1 :] if word != "--background"]
