"""``include PATTERN`` of all three files: which files, read once each, in bounded number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from cygnet.config.diagnostics import quoted
from cygnet.config.files import MAX_DEPTH, MAX_FILES, MAX_PROBLEMS, FileSystem, beside, has_wildcard
from cygnet.config.tree import SourceLine
from cygnet.values.errors import ConfigError, Place


def unescape_pattern(text: str) -> tuple[str, int]:
    """The pattern at the start of ``text`` and how much of it that took.

    In double quotes, or up to a blank, ``#`` or ``}``; a backslash takes any of ``"#} ``
    literally.
    """
    if text.startswith('"'):
        end = text.find('"', 1)
        return (text[1:], len(text)) if end < 0 else (text[1:end], end + 1)
    out: list[str] = []
    position = 0
    while position < len(text) and text[position] not in "#} \t\r\n":
        if text[position] == "\\" and text[position + 1 : position + 2] in ('"', "#", "}", " "):
            position += 1
        out.append(text[position])
        position += 1
    return "".join(out), position


@dataclass(slots=True)
class Includes:
    """Opens files for one grammar and remembers what went wrong with them."""

    fs: FileSystem
    errors: list[ConfigError] = field(default_factory=list)
    warnings: list[ConfigError] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)  #: from the first file to the one being read
    _read: int = 0
    _given_up: bool = False

    def _refuse(self, error: ConfigError) -> None:
        """Remember an error; where there are too many, the last one says that no more is read."""
        self.errors.append(error)
        if len(self.errors) >= MAX_PROBLEMS:
            self._given_up = True
            reason = "too many problems with included files: no more are read"
            self.errors.append(ConfigError(error.place, "include", reason, error.source))

    def root(self, path: str) -> str | OSError:
        """The text of the file that it begins with, or why it cannot be read."""
        self._open = [path]
        try:
            return _without_mark(self.fs.read(path))
        except OSError as why:
            return why

    def open(self, line: SourceLine, pattern: str, column: int) -> Iterator[tuple[str, str]]:
        """Path and text of each file that ``pattern`` names, in order of the path.

        The file counts as open until the iteration goes on.
        """
        if self._given_up:
            return
        if not pattern:
            self._refuse(line.error(column, "include", "a file name or pattern must follow"))
            return
        if len(self._open) > MAX_DEPTH:
            reason = f"files include each other more than {MAX_DEPTH} deep; {quoted(pattern)} is not read"
            self._refuse(line.error(column, "include", reason))
            return
        pattern = beside(line.file, pattern)
        paths = self.fs.glob(pattern)
        if not paths:
            reason = f"no file matches {quoted(pattern)}"
            if not has_wildcard(pattern):  # conf.d/*.conf of an empty directory is nothing to mention
                self.warnings.append(line.error(column, "include", reason))
            return
        for path in paths:
            if self._given_up:
                return
            text = self._text(path, line, column)
            if text is not None:
                self._open.append(path)
                yield path, text
                self._open.pop()

    def _text(self, path: str, line: SourceLine, column: int) -> str | None:
        if path in self._open:
            chain = " -> ".join([*self._open[self._open.index(path) :], path])
            reason = f"files include each other: {chain}"
        elif self._read >= MAX_FILES:
            reason = f"more than {MAX_FILES} files are included; {quoted(path)} is not read"
        else:
            self._read += 1
            try:
                return _without_mark(self.fs.read(path))
            except OSError as why:
                reason = f"cannot read {quoted(path)}: {why.strerror or why}"
        self._refuse(line.error(column, "include", reason))
        return None


def _without_mark(text: str) -> str:
    """Without the byte order mark that some editors put in front of UTF-8."""
    return text.removeprefix("\ufeff")


def unreadable(path: str, why: OSError) -> ConfigError:
    """The error for a file that could not be read at all; it has no line."""
    return ConfigError(Place(path, 0, 0), "", f"cannot read the file: {why.strerror or why}")
