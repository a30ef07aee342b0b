"""The pid file, locked for as long as the daemon lives.

The lock and not the number says whether a daemon runs: it goes with the process however that
dies, so the file of a crashed daemon is never mistaken for a living one, even when its number
was given to another process.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path


class AlreadyRunning(Exception):
    """Another daemon holds the lock."""


class PidFile:
    def __init__(self, path: Path) -> None:
        """Take the lock and write our pid. Raises AlreadyRunning, OSError."""
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._fd)
            raise AlreadyRunning(str(path)) from error
        os.fchmod(self._fd, 0o644)
        os.ftruncate(self._fd, 0)
        os.write(self._fd, b"%d\n" % os.getpid())

    def remove(self) -> None:
        """Unlink first, so that nobody can lock a file that is about to go."""
        with contextlib.suppress(OSError):
            self.path.unlink()
        os.close(self._fd)
