"""Types of values that are text, numbers and words. Addresses and proposals have their own files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar

from cygnet.config.diagnostics import BadValue, did_you_mean, not_one_of, quoted
from cygnet.config.keywords import foreign
from cygnet.config.keywords.row import Type

T = TypeVar("T")

_TIME = re.compile(r"(\d+)([smhd]?)", re.ASCII)
_SPACED_TIME = re.compile(r"(\d+)\s*([smhd]?)", re.ASCII)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_BOOLS = {
    "yes": True, "true": True, "enabled": True, "1": True,
    "no": False, "false": False, "disabled": False, "0": False,
}  # fmt: skip
#: Times and counters of charon are 32 and 64 bit.
MAX_TIME = 2**32 - 1
MAX_COUNT = 2**64 - 1


_NOTHING: Mapping[str, str] = MappingProxyType({})


def words(table: Mapping[str, T], elsewhere: Mapping[str, str] = _NOTHING) -> Type[T]:
    """One of the words of ``table``, exactly as written there. ``elsewhere``: what other
    implementations write, and the word that is meant by it."""

    def parse(text: str) -> T:
        if text not in table:
            raise not_one_of(text, table, elsewhere.get(text.lower(), ""))
        return table[text]

    return Type(", ".join(table), parse)


def one_of(*accepted: str, elsewhere: Mapping[str, str] = _NOTHING) -> Type[str]:
    return words({word: word for word in accepted}, elsewhere)


def number(text: str, low: int, high: int) -> int:
    """A decimal number in low..high."""
    if not (text.isascii() and text.isdigit()):
        raise BadValue(text, f"{quoted(text)} is not a whole number")
    if len(text) > 20 or not low <= int(text) <= high:
        raise BadValue(text, f"{quoted(text)} is not in {low}..{high}")
    return int(text)


def integer(low: int, high: int, *named: tuple[str, int]) -> Type[int]:
    """A whole number, or one of the names that stand for one (``%forever``)."""
    names = dict(named)

    def parse(text: str) -> int:
        if text in names:
            return names[text]
        try:
            return number(text, low, high)
        except BadValue as why:
            if not names:
                raise
            known = ", ".join(names)
            raise BadValue(text, f"{why.reason} and not {known}{did_you_mean(text, names)}") from None

    limit = f"{low}..{high}" if high < MAX_TIME else "a whole number"
    return Type(", ".join([limit, *names]), parse)


def seconds(text: str, form: re.Pattern[str] = _TIME) -> int:
    """A time; ``form`` has the number and the unit as its groups."""
    match = form.fullmatch(text)
    if not match or len(match[1]) > 10:
        raise BadValue(text, f"{quoted(text)} is not a time: a whole number, then s, m, h or d (20s, 9m, 3h)")
    found = int(match[1]) * _SECONDS[match[2]]
    if found > MAX_TIME:
        raise BadValue(text, f"{quoted(text)} is longer than {MAX_TIME} seconds")
    return found


def braces_seconds(text: str) -> int:
    """A time as files with braces have it, where blanks may stand before the unit."""
    return seconds(text, _SPACED_TIME)


def braces_bool(text: str) -> bool:
    """A yes or no as files with braces have it."""
    if text.lower() not in _BOOLS:
        raise not_one_of(text, _BOOLS)
    return _BOOLS[text.lower()]


def _percent(text: str) -> int:
    if not text.endswith("%"):
        raise BadValue(text, f"{quoted(text)} is not a percentage: a whole number, then % (100%)")
    return number(text[:-1], 0, 10_000)


def _binary(text: str) -> int:
    if not re.fullmatch(r"[01]{1,6}", text):
        raise BadValue(text, f"{quoted(text)} is not a DSCP: up to six binary digits (101110)")
    return int(text, 2)


def _mark(text: str) -> str:
    value, slash, mask = text.partition("/")
    if value not in ("%unique", "%unique-dir"):
        _hex_or_decimal(value)
    if slash:
        _hex_or_decimal(mask)
    return text


def _hex_or_decimal(text: str) -> int:
    try:
        value = int(text, 0)
    except ValueError:
        value = -1
    if not 0 <= value <= 0xFFFFFFFF or "_" in text:
        raise BadValue(text, f"{quoted(text)} is not a 32 bit number (42, 0x2a) nor %unique, %unique-dir")
    return value


YES_NO = words({"yes": True, "no": False}, foreign.YES_NO)
TEXT: Type[str] = Type("text", str)
TIME = Type("time: N, Ns, Nm, Nh or Nd", seconds)
PERCENT = Type("N%", _percent)
COUNT = integer(0, MAX_COUNT)
DSCP = Type("up to six binary digits", _binary)
MARK = Type("value[/mask], %unique, %unique-dir", _mark)


def _words(text: str) -> tuple[str, ...]:
    found = tuple(word.strip() for word in text.split(","))
    if not all(found):
        raise BadValue(text, f"{quoted(text)} has an empty place between its commas")
    return found


def _oids(text: str) -> tuple[str, ...]:
    for oid in (found := _words(text)):
        if not re.fullmatch(r"[0-2](\.\d+)+", oid):
            raise BadValue(oid, f"{quoted(oid)} is no object identifier, such as 1.3.6.1.4.1.36906.1")
    return found


WORDS = Type("text, several with commas between", _words)
OIDS = Type("object identifiers (1.2.3), with commas between", _oids)
