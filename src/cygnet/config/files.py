"""Where configuration text comes from: given from outside, so that parsing stays pure.

Paths are POSIX paths as written in the configuration. The daemon and the command line bring
the real file system; tests bring a dictionary (``MemoryFiles``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from posixpath import normpath
from typing import Protocol

#: Nested includes, as strongSwan's readers allow.
MAX_DEPTH = 10
#: Our own bound: files read for one configuration, so that includes which multiply end.
MAX_FILES = 1000
#: Include errors after which no more files are read: in a circle of patterns each file has some.
MAX_PROBLEMS = 100

WILDCARDS = frozenset("*?[")


class FileSystem(Protocol):
    """What a configuration is read from.

    ``read`` raises OSError where a file cannot be read; bytes that are not UTF-8 come as
    surrogate escapes (``errors="surrogateescape"``), so that a secret keeps every byte; ``read_bytes``
    is for what is no text.
    ``glob`` returns the sorted paths that match, none where nothing does.
    """

    def read(self, path: str) -> str: ...

    def read_bytes(self, path: str) -> bytes: ...

    def glob(self, pattern: str) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class MemoryFiles:
    """A file system made of a mapping from path to text; ``more``: files that are no text."""

    texts: Mapping[str, str]
    more: Mapping[str, bytes] = field(default_factory=dict)

    def read(self, path: str) -> str:
        if path not in self.texts:
            raise FileNotFoundError(2, "No such file or directory", path)
        return self.texts[path]

    def read_bytes(self, path: str) -> bytes:
        return self.more[path] if path in self.more else self.read(path).encode("utf-8", "surrogateescape")

    def glob(self, pattern: str) -> list[str]:
        pattern = normpath(pattern)
        depth = pattern.count("/")  # as in glob(7), a wildcard does not match a slash
        return sorted(
            p for p in (*self.texts, *self.more) if p.count("/") == depth and fnmatchcase(p, pattern)
        )


def beside(including: str, pattern: str) -> str:
    """An include pattern as a path: relative ones count from the including file's directory."""
    return str(PurePosixPath(including).parent / pattern)


def has_wildcard(pattern: str) -> bool:
    return not WILDCARDS.isdisjoint(pattern)
