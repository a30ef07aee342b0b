"""Bytes that must never be printed."""

from __future__ import annotations

import hmac


class Secret:
    """Key material, a PSK or a password. Its repr and str show only its length.

    Equality is in constant time. ``reveal()`` is the one way to the bytes, so that every
    use of a secret can be found by name.
    """

    __slots__ = ("_bytes",)

    def __init__(self, value: bytes) -> None:
        self._bytes = bytes(value)

    def reveal(self) -> bytes:
        return self._bytes

    def __len__(self) -> int:
        return len(self._bytes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._bytes, other._bytes)

    def __hash__(self) -> int:
        return hash((Secret, self._bytes))

    def __repr__(self) -> str:
        return f"Secret({len(self._bytes)} bytes)"

    __str__ = __repr__
