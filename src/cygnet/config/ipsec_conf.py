"""The grammar of ipsec.conf: text to Tree, without knowing a single keyword.

    config setup            sections start in the first column,
        uniqueids=yes       settings are indented
    conn oregon
        also=base           several bare words join with one space; "..." keeps spaces and
        leftid="a b"        takes \\n \\r \\t and \\ at the end of a line
        rightsubnet=        an empty value unsets an inherited one
    include conf.d/*.conf   relative to the including file

Sections of the same name merge. Where strongSwan's parser gives up at the first thing it
cannot read, this one reports it, marks the section as broken and goes on with the next line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from cygnet.config.diagnostics import did_you_mean, quoted
from cygnet.config.files import FileSystem
from cygnet.config.includes import Includes, unescape_pattern, unreadable
from cygnet.config.lookalikes import lookalike
from cygnet.config.tree import Section, Setting, SourceLine, Tree

_VERSION = re.compile(r"[ \t]*version(?![\w-])")  # of FreeS/WAN; strongSwan skips it too
_INCLUDE = re.compile(r"[ \t]*include(?:[ \t]+(?!=)|[ \t\r]*$)")
_SECTION = re.compile(r"(config|conn|ca)(?![^ \t\r#\"])")
_TOKEN = re.compile(r"[ \t\r]*(?:(?P<comment>#)|(?P<eq>=)|(?P<quote>\")|(?P<word>(?:@#)?[^\"#= \t\r]+))")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
#: A line that begins like this is not the rest of a string: a quote is missing above it.
_LOOKS_LIKE_CONFIGURATION = re.compile(r"[ \t]+\w+[ \t]*=|(?:config setup|conn|ca)\b|[ \t]*include[ \t]")

KINDS = ("config setup", "conn", "ca")


@dataclass(frozen=True, slots=True)
class _Token:
    """A word, a string or ``=`` (``text`` None), and its column."""

    text: str | None
    column: int


@dataclass(slots=True)
class _Lines:
    """The lines of one file; a quoted string may take the next ones too."""

    file: str
    texts: list[str]
    next: int = 0

    def take(self) -> SourceLine:
        text = self.texts[self.next]
        self.next += 1
        return SourceLine(self.file, self.next, text)


class _Unreadable(Exception):
    """A line that is not in the grammar: the column and why."""

    def __init__(self, column: int, reason: str) -> None:
        super().__init__(reason)
        self.column, self.reason = column, reason


@dataclass(slots=True)
class _Parser:
    includes: Includes
    tree: Tree = field(default_factory=Tree)
    section: Section | None = None  #: that settings go into, across files as strongSwan does

    def file(self, path: str, text: str) -> None:
        lines = _Lines(path, text.split("\n"))
        while lines.next < len(lines.texts):
            line = lines.take()
            try:
                self.line(line, lines)
            except _Unreadable as why:
                self.tree.errors.append(line.error(why.column, "", why.reason))
                if self.section:
                    self.section.broken = True

    def line(self, line: SourceLine, lines: _Lines) -> None:
        text = line.text
        if _VERSION.match(text):
            return
        if include := _INCLUDE.match(text):
            self.include(line, include.end())
            return
        tokens = _tokens(line, lines)
        if not tokens:
            return
        if text[0] in " \t":
            self.setting(line, tokens)
        else:
            self.header(line, tokens)

    def include(self, line: SourceLine, start: int) -> None:
        pattern, length = unescape_pattern(line.text[start:])
        rest = line.text[start + length :].strip()
        if rest and not rest.startswith("#"):
            raise _Unreadable(line.text.index(rest, start) + 1, "include takes one file name or pattern")
        for path, text in self.includes.open(line, pattern, start + 1):
            self.file(path, text)

    def header(self, line: SourceLine, tokens: list[_Token]) -> None:
        """A line that starts in the first column: a section, or a mistake."""
        first, rest = tokens[0], tokens[1:]
        if what := lookalike(line.text[0]):
            raise _Unreadable(1, f"the line begins with {what}: only blanks and tabs indent a setting")
        if not _SECTION.match(line.text):
            if any(t.text is None for t in rest):
                raise _Unreadable(1, "a setting must be indented; only sections start in the first column")
            self.section = Section("", first.text or "", line, broken=True)  # its settings have no home
            word = first.text or "="
            known = ["config", "conn", "ca", "include"]
            reason = f"{quoted(word)} is not one of {', '.join(KINDS)}, include{did_you_mean(word, known)}"
            raise _Unreadable(1, reason)
        self.section = Section("", "", line, broken=True)
        words = [t.text for t in rest]
        if None in words:
            raise _Unreadable(rest[words.index(None)].column, "a section's name cannot have a '='")
        if first.text == "config":
            if words != ["setup"]:
                raise _Unreadable(1, "'config' must be followed by 'setup' and nothing else")
            self.section = self.tree.setup = self.tree.setup or Section("config", "setup", line)
            return
        if not words or not words[0]:
            raise _Unreadable(len(line.text) + 1, f"a name must follow '{first.text}'")
        if len(words) > 1:
            raise _Unreadable(rest[1].column, f"a {first.text} has one name, not several words")
        if not words[0].isprintable():
            raise _Unreadable(
                rest[0].column, "a name cannot have control characters or bytes that are not UTF-8"
            )
        sections = self.tree.conns if first.text == "conn" else self.tree.cas
        name, kind = words[0], first.text or ""
        self.section = sections.setdefault(name, Section(kind, name, line))

    def setting(self, line: SourceLine, tokens: list[_Token]) -> None:
        key = tokens[0]
        if not key.text:
            raise _Unreadable(key.column, "a setting must begin with its keyword")
        if len(tokens) == 1:
            raise _Unreadable(key.column, f"{quoted(key.text)} has no '=' and no value")
        if tokens[1].text is not None:
            raise _Unreadable(tokens[1].column, f"'=' must follow {quoted(key.text)}")
        values = tokens[2:]
        words = [t.text for t in values]
        if None in words:
            column = values[words.index(None)].column
            raise _Unreadable(column, f"{key.text}: a value with '=' or '#' in it must be in double quotes")
        if self.section is None:
            warning = f"{quoted(key.text)} is ignored: it stands before any section"
            self.tree.warnings.append(line.error(key.column, "", warning))
            return
        value = " ".join(w for w in words if w is not None) if words else None
        column = values[0].column if values else tokens[1].column + 1
        self.section.settings.append(Setting(key.text, value, line, key.column, column))


def _tokens(line: SourceLine, lines: _Lines) -> list[_Token]:
    """What stands on the line up to a comment; more lines are taken where a string spans them."""
    tokens: list[_Token] = []
    text, position, first = line.text, 0, True
    while match := _TOKEN.match(text, position):
        position = match.end()
        column = match.start(match.lastgroup or 0) + 1 if first else 1
        if match["comment"]:
            break
        if match["quote"]:
            string, text, position, spans = _string(text, position, lines)
            tokens.append(_Token(string, column + 1))
            first = first and not spans
        else:
            tokens.append(_Token(match["word"], column))
    return tokens


def _string(text: str, position: int, lines: _Lines) -> tuple[str, str, int, bool]:
    """A quoted string from behind its quote: its value, then the text and position to go on at,
    and whether that is another line."""
    out: list[str] = []
    start, column, first = lines.next, position, text
    while True:
        joined = False
        while position < len(text):
            char = text[position]
            position += 1
            if char == '"':
                return "".join(out), text, position, lines.next != start
            if char == "\\" and position < len(text.rstrip("\r")):
                out.append(_ESCAPES.get(text[position], text[position]))
                position += 1
            elif char == "\\":
                joined = True
                break
            else:
                out.append(char)
        else:
            out.append("\n")
        if lines.next >= len(lines.texts) or (not joined and _is_configuration(lines.texts[lines.next])):
            lines.next = start  # read the lines that the string would have swallowed
            raise _Unreadable(_opening(first, column), "the closing double quote is missing")
        text, position = lines.take().text, 0


def _is_configuration(text: str) -> bool:
    return bool(_LOOKS_LIKE_CONFIGURATION.match(text))


def _opening(text: str, position: int) -> int:
    """The column of the quote that opened the string which starts at ``position`` (from 0)."""
    return position if text[position - 1 : position] == '"' else 1


def parse(fs: FileSystem, path: str) -> Tree:
    """Read ``path`` with all its includes. Never raises on what the files contain."""
    parser = _Parser(Includes(fs))
    tree, text = parser.tree, parser.includes.root(path)
    if isinstance(text, OSError):
        tree.unreadable, tree.missing = True, isinstance(text, FileNotFoundError)
        tree.errors.append(unreadable(path, text))
    else:
        parser.file(path, text)
    tree.errors += parser.includes.errors
    tree.warnings += parser.includes.warnings
    return tree
