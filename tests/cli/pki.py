"""Runs `cygnet pki` in this process, and the two tools that judge what it makes."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from cygnet.cli.main import main

needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
needs_pki = [
    pytest.mark.interop,
    pytest.mark.skipif(not shutil.which("pki"), reason="strongSwan's pki is not installed (strongswan-pki)"),
]


@dataclass
class Done:
    status: int
    out: bytes
    err: str


class Tool:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self._patch, self.folder = monkeypatch, folder

    def run(self, *words: str | Path, stdin: bytes = b"") -> Done:
        out, err = io.BytesIO(), io.StringIO()
        with self._patch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
            patch.setattr(sys, "stdout", text := io.TextIOWrapper(_Kept(out), write_through=True))
            patch.setattr(sys, "stderr", err)
            status = main(["pki", *map(str, words)])
            text.flush()
        return Done(status, out.getvalue(), err.getvalue())

    def make(self, name: str, *words: str | Path, stdin: bytes = b"") -> Path:
        """What it writes, in a file."""
        done = self.run(*words, stdin=stdin)
        assert done.status == 0, done.err
        path = self.folder / name
        path.write_bytes(done.out)
        return path

    def refused(self, *words: str | Path, stdin: bytes = b"") -> str:
        """The one line that a wrong command line is answered with."""
        done = self.run(*words, stdin=stdin)
        assert done.status == 2 and not done.out, done
        assert done.err.count("\n") == 1 and done.err.startswith("cygnet pki"), done.err
        return done.err

    def failed(self, *words: str | Path, stdin: bytes = b"") -> str:
        done = self.run(*words, stdin=stdin)
        assert done.status == 1 and not done.out, done
        assert done.err.count("\n") == 1, done.err
        return done.err


class _Kept(io.RawIOBase):
    """A stdout that is no file and stays open."""

    def __init__(self, into: io.BytesIO) -> None:
        self._into = into

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        return self._into.write(data)

    def fileno(self) -> int:
        import os

        self._null = os.open(os.devnull, os.O_WRONLY) if not hasattr(self, "_null") else self._null
        return self._null

    def close(self) -> None:
        import os

        if hasattr(self, "_null"):
            os.close(self._null)
            del self._null
        super().close()


def openssl(*words: str | Path, stdin: bytes = b"") -> str:
    done = subprocess.run(["openssl", *map(str, words)], input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode("utf-8", "replace")


def strongswan(*words: str | Path, stdin: bytes = b"", status: int = 0) -> bytes:
    done = subprocess.run(["pki", *map(str, words)], input=stdin, capture_output=True, check=False)
    assert done.returncode == status, done.stderr.decode()
    return done.stdout
