"""Writing for people: colours only on a terminal that wants them (https://no-color.org)."""

from __future__ import annotations

import os
import re
import sys
from typing import TextIO

RED, YELLOW, BOLD = "31", "33", "1"

_WORDS = {"error:": RED, "warning:": YELLOW}
_DIAGNOSTIC = re.compile(r"(?<=: )(error:|warning:)(?= )")
_CARET = re.compile(r"(?m)^( +\| +)(\^~*)$")


def colours(stream: TextIO) -> bool:
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def paint(text: str, colour: str, stream: TextIO) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m" if colours(stream) else text


def diagnostics(text: str, stream: TextIO) -> str:
    """What is wrong with a configuration, with the word and the caret standing out."""
    if not colours(stream):
        return text
    text = _DIAGNOSTIC.sub(lambda m: paint(m[1], _WORDS[m[1]], stream), text)
    return _CARET.sub(lambda m: m[1] + paint(m[2], RED, stream), text)


def say(text: str) -> None:
    """A line of the result, at once: `up` is watched while it happens."""
    print(text, flush=True)


def note(text: str) -> None:
    """A line about the result, on stderr."""
    print(text, file=sys.stderr, flush=True)
