"""Reading a request's arguments; what is wrong raises BadRequest with a text for the client."""

from __future__ import annotations

from cygnet.control.vici.codec import Message


class BadRequest(Exception):
    """A request that cannot be understood; becomes ``success = no`` with this text."""


def string(request: Message, key: str, default: str = "") -> str:
    value = request.get(key, default)
    if not isinstance(value, str):
        raise BadRequest(f"'{key}' must be a single value")
    if any(ord(c) < 32 for c in value):
        raise BadRequest(f"'{key}' contains control characters")
    return value


def integer(request: Message, key: str, default: int = 0, low: int = 0, high: int = 0xFFFFFFFF) -> int:
    value = string(request, key, str(default))
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 10 and low <= int(value) <= high):
        raise BadRequest(f"'{key}' must be a number from {low} to {high}, not '{value[:32]}'")
    return int(value)


def boolean(request: Message, key: str, default: bool = False) -> bool:
    value = string(request, key, "yes" if default else "no")
    if value not in ("yes", "no"):
        raise BadRequest(f"'{key}' must be yes or no, not '{value[:32]}'")
    return value == "yes"


def timeout(request: Message) -> float | None:
    """vici's ``timeout``: milliseconds, 0 waits without end (None), -1 answers at once (0)."""
    milliseconds = integer(request, "timeout", 0, -1, 0x7FFFFFFF)
    return None if milliseconds == 0 else max(milliseconds, 0) / 1000


def level(request: Message) -> int:
    """Up to which level log lines are streamed: -1 silent, 1 control flow."""
    return integer(request, "loglevel", 1, -1, 4)
