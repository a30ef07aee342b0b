"""CRLs that were fetched, kept in files for the next start (cachecrls=yes)."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def keep(directory: Path, name: str, der: bytes) -> None:
    """Written beside and renamed into place, so that nobody ever reads half of it. Raises OSError."""
    directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    draft = directory / f".{name}.{os.getpid()}"
    try:
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        with os.fdopen(file, "wb") as writer:
            writer.write(der)
        draft.rename(directory / name)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
