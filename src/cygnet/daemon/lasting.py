"""The one secret that outlives a restart: crash tokens and session tickets are made with it.

32 random bytes in a file for its owner alone, made at the first start. Whoever reads it can
end tunnels of this host by a forged crash token (RFC 6290) and open its tickets (RFC 5723), so
a file that others could read or have written is not used.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from cygnet.values.secret import Secret

LENGTH = 32  #: bytes


class Unusable(Exception):
    """The file cannot be used; the text says why. The daemon runs on without it."""


def lasting_secret(path: Path) -> Secret:
    """The secret in ``path``, made there if there is none. Raises Unusable."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            _make(path)
        return _read(path)
    except OSError as error:
        raise Unusable(f"{path}: {error.strerror}") from error


def _make(path: Path) -> None:
    """Written beside and linked into place: a crash meanwhile leaves no half a secret."""
    if path.exists():
        return
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        os.write(file, os.urandom(LENGTH))
        os.fsync(file)
        os.link(draft, path)
    finally:
        os.close(file)
        draft.unlink(missing_ok=True)


def _read(path: Path) -> Secret:
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        found = os.fstat(file)
        if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
            raise Unusable(
                f"{path} must belong to the daemon's user and be readable by nobody else (mode 0600)"
            )
        value = os.read(file, LENGTH + 1)
    finally:
        os.close(file)
    if len(value) != LENGTH:
        raise Unusable(f"{path} has not {LENGTH} bytes: remove it, a new one is made at the next start")
    return Secret(value)
