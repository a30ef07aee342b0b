"""The grammar of strongswan.conf (and swanctl.conf): nested sections in braces.

    charon {
        retransmit_timeout = 4.0      a value goes to the end of the line or to a }
        dns1 = "10.0.0.1"             "..." keeps spaces, takes \\n \\r \\t and \\ at a line's end
        include charon.d/*.conf       relative to this file, read as if it stood here
    }
    charon-nm : charon, x.y {         takes what these sections have and it has not
    }

Sections of the same name merge; of the same key the last value wins; ``key =`` unsets it.
What cannot be read is reported, and reading goes on with the next line.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from cygnet.config.diagnostics import quoted
from cygnet.config.files import FileSystem
from cygnet.config.includes import Includes, unescape_pattern, unreadable
from cygnet.config.tree import Section, Setting, SourceLine
from cygnet.values.errors import ConfigError

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SAME_LINE = re.compile(r"[ \t\r]*")
_NAME = re.compile(r"[^#{}=\"\r\n\t ,:]+")
_INCLUDE = re.compile(r"include[ \t]+(?![= \t])")
_OPEN = re.compile(r"(?P<refs>[ \t\r]*:[^\n{}#=]*)?(?:[ \t\r\n]|#[^\n]*\n)*\{")
_EQUALS = re.compile(r"[ \t\r]*=")
_BARE = re.compile(r"[^#}\"\r\n\t ]+")
_STRING_STOP = re.compile(r'["\\]')
_SECRET = re.compile(r"\b(?:secrets\s*\{|(?:secret|pin)\w*\s*=)")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\n": ""}
#: Sections within sections; our own bound.
MAX_NESTING = 50
#: Levels of sections that take what others have: connections.NAME.children.NAME and one more.
MAX_RESOLVED = 5


@dataclass
class _Text:
    """One file's text, and the line that a position is in."""

    path: str
    text: str

    @cached_property
    def starts(self) -> list[int]:
        return [0, *(m.end() for m in re.finditer("\n", self.text))]

    def line(self, position: int) -> tuple[SourceLine, int]:
        """The line around a position, and its column there."""
        number = bisect_right(self.starts, position)
        start = self.starts[number - 1]
        end = self.text.find("\n", start)
        line = self.text[start : end if end >= 0 else len(self.text)]
        return SourceLine(self.path, number, line), position - start + 1


class _Unreadable(Exception):
    def __init__(self, position: int, reason: str) -> None:
        super().__init__(reason)
        self.position, self.reason = position, reason


@dataclass(slots=True)
class Braces:
    """A parsed file: its nameless root section, and what could not be read."""

    root: Section
    references: dict[int, list[Setting]] = field(default_factory=dict)  #: by id of the section
    errors: list[ConfigError] = field(default_factory=list)
    warnings: list[ConfigError] = field(default_factory=list)
    missing: bool = False  #: there is no such file


@dataclass(slots=True)
class _Parser:
    includes: Includes
    result: Braces
    stack: list[Section]

    def file(self, source: _Text) -> None:
        depth, position = len(self.stack), 0
        while True:
            position = _end(_BLANK, source.text, position)
            if position >= len(source.text):
                break
            try:
                position = self.statement(source, position, depth)
            except _Unreadable as why:
                self.result.errors.append(self.error(source, why))
                self.stack[-1].broken = True
                newline = source.text.find("\n", why.position)
                position = newline if newline >= 0 else len(source.text)
        for section in self.stack[depth:]:
            section.broken = True
            self.result.errors.append(
                section.error(f"section {quoted(section.name)} is not closed by a '}}'")
            )
        del self.stack[depth:]

    def error(self, source: _Text, why: _Unreadable) -> ConfigError:
        line, column = self.line(source, why.position)
        if not line.text:
            return ConfigError(
                line.place(column), "", "a section or a setting of 'secrets' cannot be read here"
            )
        return line.error(column, "", why.reason)

    def line(self, source: _Text, position: int, name: str = "") -> tuple[SourceLine, int]:
        """The line around a position and the column there, without what may be a secret in its text.

        ``name``: that of the section that begins there.
        """
        line, column = source.line(position)
        if name == "secrets" or any(section.name == "secrets" for section in self.stack):
            return SourceLine(line.file, line.number, ""), column
        if secret := _SECRET.search(line.text):
            return SourceLine(line.file, line.number, line.text[: secret.end()] + " ..."), column
        return line, column

    def statement(self, source: _Text, position: int, depth: int) -> int:
        text = source.text
        if text[position] == "}":
            if len(self.stack) == depth:
                raise _Unreadable(position, "this '}' closes no section")
            self.stack.pop()
            return position + 1
        if include := _INCLUDE.match(text, position):
            return self.include(source, include.end())
        name = _NAME.match(text, position)
        if not name:
            raise _Unreadable(
                position, f"a section's or setting's name was expected, not {quoted(text[position])}"
            )
        if opening := _OPEN.match(text, name.end()):
            self.open(source, name, opening)
            return opening.end()
        if equals := _EQUALS.match(text, name.end()):
            return self.setting(source, name, equals.end())
        raise _Unreadable(name.start(), f"'=' or '{{' must follow {quoted(name.group())}")

    def include(self, source: _Text, start: int) -> int:
        line, column = source.line(start)
        pattern, length = unescape_pattern(source.text[start : start + len(line.text) - column + 1])
        for path, text in self.includes.open(line, pattern, column):
            self.file(_Text(path, text))
        return start + length

    def open(self, source: _Text, name: re.Match[str], opening: re.Match[str]) -> None:
        if len(self.stack) > MAX_NESTING:
            raise _Unreadable(name.start(), f"more than {MAX_NESTING} sections within each other")
        line, column = self.line(source, name.start(), name.group())
        section = self.stack[-1].sections.setdefault(name.group(), Section("", name.group(), line, column))
        self.stack.append(section)
        for reference in re.finditer(r"[^\s,:]+", opening["refs"] or ""):
            at = opening.start("refs") + reference.start()
            where, at_column = source.line(at)
            setting = Setting(name.group(), reference.group(), where, column, at_column)
            self.result.references.setdefault(id(section), []).append(setting)

    def setting(self, source: _Text, name: re.Match[str], position: int) -> int:
        line, column = self.line(source, name.start())
        words: list[str] = []
        value_column = len(line.text) + 1
        while True:
            position = _end(_SAME_LINE, source.text, position)
            if position >= len(source.text) or source.text[position] in "#}\n":
                break
            if not words and source.line(position)[0].number == line.number:
                value_column = source.line(position)[1]
            if source.text[position] == '"':
                word, position = _string(source.text, position)
            else:
                bare = _BARE.match(source.text, position)
                word = bare.group() if bare else ""
                position += len(word)
            words.append(word)
        if words and words[-1].endswith("@") and source.text[position : position + 1] == "#":
            reason = (
                f"'#' begins a comment, so the value ends at {quoted(words[-1])}; \"@#...\" is an identity"
            )
            self.result.warnings.append(ConfigError(line.place(column), name.group(), reason))
        value = " ".join(words) if words else None
        self.stack[-1].settings.append(Setting(name.group(), value, line, column, value_column))
        return position


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position


def _string(text: str, start: int) -> tuple[str, int]:
    """The string whose opening quote is at ``start``, and the position behind it."""
    out: list[str] = []
    position = start + 1
    while position < len(text):
        stop = _STRING_STOP.search(text, position)
        if not stop:
            break
        out.append(text[position : stop.start()].replace("\r", ""))
        position = stop.end()
        if stop.group() == '"':
            return "".join(out), position
        escaped = text[position : position + 1]
        if text.startswith("\r\n", position):
            escaped, position = "\n", position + 1
        out.append(_ESCAPES.get(escaped, escaped))
        position += 1
    raise _Unreadable(start, "the closing double quote is missing")


def parse(fs: FileSystem, path: str) -> Braces:
    """Read ``path`` with its includes. Never raises on what they contain; a missing file is empty."""
    root = Section("", "", SourceLine(path, 0, ""))
    parser = _Parser(Includes(fs), Braces(root), [root])
    text = parser.includes.root(path)
    if isinstance(text, FileNotFoundError):
        parser.result.missing = True
    elif isinstance(text, OSError):
        parser.result.errors.append(unreadable(path, text))
    else:
        parser.file(_Text(path, text))
    parser.result.errors += parser.includes.errors
    parser.result.warnings += parser.includes.warnings
    return parser.result


def find(braces: Braces, path: str) -> Iterator[Section]:
    """The sections that speak for a dotted path, most important first: it, then its references."""
    yield from _at(braces, tuple(path.split(".")), {})


def resolved(braces: Braces, name: str) -> Section | None:
    """The section of that name with all that it and its sections take from elsewhere.

    In ``settings`` what counts most comes last. None: there is no such section.
    """
    return _resolved(braces, (name,), {})


_Known = dict[tuple[str, ...], "list[Section]"]


def _resolved(braces: Braces, names: tuple[str, ...], known: _Known) -> Section | None:
    found = _at(braces, names, known)
    if not found:
        return None
    first = found[0]
    settings = [setting for section in reversed(found) for setting in section.settings]
    broken = any(section.broken for section in found)
    whole = Section(first.kind, first.name, first.line, first.column, settings, broken=broken)
    if len(names) < MAX_RESOLVED:
        for name in dict.fromkeys(name for section in found for name in section.sections):
            below = _resolved(braces, (*names, name), known)
            if below is not None:
                whole.sections[name] = below
    return whole


def _at(braces: Braces, names: tuple[str, ...], known: _Known) -> list[Section]:
    """The sections at a path, each once. A path that leads to itself leads nowhere there."""
    if names in known:
        return known[names]
    known[names] = []
    candidates = [braces.root]
    for name in names:
        found: dict[int, Section] = {}
        for section in candidates:
            if own := section.sections.get(name):
                _expand(braces, own, found, known)
        candidates = list(found.values())
    known[names] = candidates
    return candidates


def _expand(braces: Braces, section: Section, found: dict[int, Section], known: _Known) -> None:
    """It and, behind it, what it refers to."""
    if id(section) in found:
        return
    found[id(section)] = section
    for reference in braces.references.get(id(section), ()):
        for other in _at(braces, tuple((reference.value or "").split(".")), known):
            found.setdefault(id(other), other)
