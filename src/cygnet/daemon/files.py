"""The real file system, as configuration parsing wants it (config/files.py)."""

from __future__ import annotations

import glob
from pathlib import Path


class RealFiles:
    def read(self, path: str) -> str:
        return Path(path).read_text(encoding="utf-8", errors="surrogateescape")

    def read_bytes(self, path: str) -> bytes:
        return Path(path).read_bytes()

    def glob(self, pattern: str) -> list[str]:
        return sorted(glob.glob(pattern))
