"""What every grammar makes of its text: sections and settings that know where they stand.

A node keeps its source line (shared, one object a line), so that an error found long after
parsing, in a value that was inherited over three sections and two files, still points at the
character.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from cygnet.values.errors import ConfigError, Place


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One line of a file; ``number`` counts from 1, ``text`` is without its newline."""

    file: str
    number: int
    text: str

    def place(self, column: int = 1) -> Place:
        return Place(self.file, self.number, column)

    def error(self, column: int, keyword: str, reason: str, length: int = 0) -> ConfigError:
        return ConfigError(self.place(column), keyword, reason, self.text, length)


@dataclass(frozen=True, slots=True)
class Setting:
    """``key = value``. ``value`` None: written as ``key=``, which unsets what is inherited."""

    key: str
    value: str | None
    line: SourceLine
    column: int = 1  #: of the key
    value_column: int = 1

    @property
    def place(self) -> Place:
        return self.line.place(self.column)

    def error(self, reason: str, found: str = "") -> ConfigError:
        """An error about the value; the column is where ``found``, a part of it, stands."""
        column = self.value_column
        at = _find(self.line.text, found, column - 1)
        if at < 0:
            return self.line.error(column, self.key, reason)
        return self.line.error(at + 1, self.key, reason, len(found))

    def key_error(self, reason: str) -> ConfigError:
        """An error about the key itself."""
        return self.line.error(self.column, self.key, reason)


def _find(text: str, found: str, start: int) -> int:
    """Where ``found`` stands, as a word of its own if it does (sha2 in sha256-sha2); -1: nowhere."""
    if not found:
        return -1
    word = re.compile(rf"(?<!\w){re.escape(found)}(?!\w)").search(text, start)
    return word.start() if word else text.find(found, start)


@dataclass(slots=True)
class Section:
    """A section: ``kind`` and ``name`` ("conn", "oregon"), or in brace files only a name.

    ``settings`` are in file order, also those of later sections with the same name.
    ``broken`` is set where a line of it could not be read, so that what it says is not known.
    """

    kind: str
    name: str
    line: SourceLine
    column: int = 1
    settings: list[Setting] = field(default_factory=list)
    sections: dict[str, Section] = field(default_factory=dict)
    broken: bool = False

    @property
    def place(self) -> Place:
        return self.line.place(self.column)

    @property
    def title(self) -> str:
        return f"{self.kind} {self.name}".strip()

    def last(self, key: str) -> Setting | None:
        """The setting that counts: within a section the last one wins."""
        return next((s for s in reversed(self.settings) if s.key == key), None)

    def error(self, reason: str) -> ConfigError:
        return self.line.error(self.column, "", reason)


@dataclass(slots=True)
class Tree:
    """A parsed configuration, with everything in it that could not be read."""

    setup: Section | None = None
    conns: dict[str, Section] = field(default_factory=dict)
    cas: dict[str, Section] = field(default_factory=dict)
    errors: list[ConfigError] = field(default_factory=list)
    warnings: list[ConfigError] = field(default_factory=list)
    unreadable: bool = False  #: the file itself could not be read
    missing: bool = False  #: because there is none

    def all_sections(self) -> Iterator[Section]:
        if self.setup:
            yield self.setup
        yield from self.cas.values()
        yield from self.conns.values()
