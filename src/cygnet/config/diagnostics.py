"""What a person sees of a ConfigError.

    /etc/ipsec.conf:14:17: keyexchange: 'ikev3' is not one of ike, ikev1, ikev2; did you mean 'ikev2'?
       14 |     keyexchange=ikev3
          |                 ^~~~~

Files may hold anything, so what is printed from them is made printable first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import lru_cache

from cygnet.values.errors import ConfigError

#: What the caret underlines: the word at the column, up to what separates words in a value.
_WORD = re.compile(r"[^\s,\"=]+")
#: Longest piece of a value that an error repeats.
_QUOTE_LIMIT = 60
#: Longest piece of a source line that is shown.
_LINE_LIMIT = 160


class BadValue(ValueError):
    """A value that its keyword does not take. ``found`` is the part of it that is wrong.

    ``further``: what else is wrong with it.
    """

    def __init__(self, found: str, reason: str, further: Sequence[BadValue] = ()) -> None:
        super().__init__(reason)
        self.found, self.reason, self.further = found, reason, further

    def each(self) -> tuple[BadValue, ...]:
        return (self, *self.further)


def printable(text: str) -> str:
    """Text without anything that moves the cursor, and without what no terminal can encode."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def quoted(text: str) -> str:
    """A piece of somebody's file, in quotes, of bounded length."""
    text = text if len(text) <= _QUOTE_LIMIT else text[: _QUOTE_LIMIT - 3] + "..."
    return f"'{printable(text)}'"


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that was likely meant; empty where none is near."""
    return _nearest(word[:_QUOTE_LIMIT].lower(), tuple(known))


@lru_cache(1024)  # one slip in a section that thousands inherit is looked up once
def _nearest(word: str, known: tuple[str, ...]) -> str:
    found = get_close_matches(word, known, n=1, cutoff=0.7)
    return found[0] if found else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?``, or nothing."""
    near = nearest(word, known)
    return f"; did you mean '{near}'?" if near else ""


def not_one_of(found: str, accepted: Iterable[str], meant: str = "") -> BadValue:
    """``meant``: the accepted word that is called ``found`` elsewhere, where that is known."""
    accepted = list(accepted)
    hint = f"; did you mean '{meant}'?" if meant else did_you_mean(found, accepted)
    return BadValue(found, f"{quoted(found)} is not one of {', '.join(accepted)}{hint}")


def render(error: ConfigError, severity: str = "") -> str:
    """The error with its place, and the source line with a caret below where there is one.

    ``severity`` ("error", "warning") comes behind the place, as compilers print it.
    """
    place = error.place
    head = f"{place.file}:{place.line}:{place.column}: " if place.line else f"{place.file}: "
    head += f"{severity}: " if severity else ""
    head += f"{error.keyword}: {error.reason}" if error.keyword else error.reason
    if not error.source:
        return printable(head)
    number = f"{place.line:5} | "
    source, column = _window(error.source, place.column)
    word = _WORD.match(source, column - 1)
    length = len(word.group()) if word else 1
    tail = "~" * (min(length, error.length or length) - 1)
    caret = " " * (column - 1) + "^" + tail
    return f"{printable(head)}\n{number}{printable(source)}\n{' ' * (len(number) - 2)}| {caret}"


def _window(source: str, column: int) -> tuple[str, int]:
    """What of a long line is shown around the column, and the column in that."""
    if len(source) <= _LINE_LIMIT:
        return source, column
    start = max(0, min(column - 1, len(source)) - _LINE_LIMIT // 2)
    dots = "..." if start else ""
    shown = dots + source[start : start + _LINE_LIMIT]
    return shown, min(column, len(source) + 1) - start + len(dots)


def in_file_order(errors: Iterable[ConfigError]) -> list[ConfigError]:
    """Errors as somebody reads the files: by file in order of appearance, then by line."""
    errors = list(errors)
    files = {file: n for n, file in enumerate(dict.fromkeys(e.place.file for e in errors))}
    return sorted(errors, key=lambda e: (files[e.place.file], e.place.line, e.place.column))
