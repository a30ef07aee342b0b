"""Characters that look like quotes and blanks and are none: what copying from a web page leaves."""

from __future__ import annotations

_LOOKALIKES = {
    "\N{LEFT DOUBLE QUOTATION MARK}": "a typographic quote",
    "\N{RIGHT DOUBLE QUOTATION MARK}": "a typographic quote",
    "\N{DOUBLE LOW-9 QUOTATION MARK}": "a typographic quote",
    "\N{LEFT SINGLE QUOTATION MARK}": "a typographic quote",
    "\N{RIGHT SINGLE QUOTATION MARK}": "a typographic quote",
    "\N{NO-BREAK SPACE}": "a no-break space",
    "\N{NARROW NO-BREAK SPACE}": "a no-break space",
    "\N{FIGURE SPACE}": "a no-break space",
    "\N{IDEOGRAPHIC SPACE}": "a wide space",
    "\N{ZERO WIDTH SPACE}": "an invisible space",
    "\N{ZERO WIDTH NO-BREAK SPACE}": "an invisible byte order mark",
    "\N{EN DASH}": "a dash that is no hyphen",
    "\N{EM DASH}": "a dash that is no hyphen",
    "\N{NON-BREAKING HYPHEN}": "a dash that is no hyphen",
    "\N{MINUS SIGN}": "a minus sign that is no hyphen",
    "\N{FULLWIDTH EQUALS SIGN}": "a wide equals sign",
}


def lookalike(text: str) -> str:
    """The first such character in ``text``, in words and with its number; empty where there is none."""
    if text.isascii():
        return ""
    found = next((c for c in text if c in _LOOKALIKES), "")
    return f"{_LOOKALIKES[found]} (U+{ord(found):04X})" if found else ""


def position(text: str) -> int:
    """Where in ``text`` (from 0) that character is; -1 where there is none."""
    return next((n for n, c in enumerate(text) if c in _LOOKALIKES), -1)
