"""Reads bytes that a peer wrote: every step is checked, and what is wrong raises PeerError.

A reader covers a range of one immutable buffer. ``sub(n)`` gives a reader of the next ``n``
bytes; used in a ``with`` it must be consumed exactly, so neither a field that says too much
nor one that says too little goes unnoticed::

    with reader.sub(length, "NOTIFY payload") as body:
        doi = body.u32()
        data = body.rest()
"""

from __future__ import annotations

from types import TracebackType

from cygnet.values.errors import PeerError


class Reader:
    """``what`` names the range in errors; ``malformed`` is the notify type that they carry
    (IKEv1: 16 PAYLOAD_MALFORMED, IKEv2: 7 INVALID_SYNTAX)."""

    __slots__ = ("_at", "_data", "_end", "malformed", "what")

    def __init__(
        self,
        data: bytes,
        what: str = "message",
        malformed: int = 7,
        start: int = 0,
        end: int | None = None,
    ) -> None:
        self._data = data
        self._at = start
        self._end = len(data) if end is None else end
        self.what = what
        self.malformed = malformed

    @property
    def left(self) -> int:
        """Bytes not yet read."""
        return self._end - self._at

    @property
    def at(self) -> int:
        """Offset of the next byte in the whole buffer."""
        return self._at

    def error(self, detail: str) -> PeerError:
        """The PeerError to raise for something wrong in this range."""
        return PeerError(self.malformed, f"{self.what}: {detail}")

    def take(self, n: int) -> bytes:
        if not 0 <= n <= self.left:
            raise self.error(f"{n} bytes wanted, {self.left} left")
        self._at += n
        return self._data[self._at - n : self._at]

    def u8(self) -> int:
        return self.take(1)[0]

    def u16(self) -> int:
        return int.from_bytes(self.take(2))

    def u32(self) -> int:
        return int.from_bytes(self.take(4))

    def u64(self) -> int:
        return int.from_bytes(self.take(8))

    def rest(self) -> bytes:
        """Everything that is left, which may be nothing."""
        return self.take(self.left)

    def sub(self, n: int, what: str = "") -> Reader:
        """A reader of the next ``n`` bytes; this one goes on behind them."""
        if not 0 <= n <= self.left:
            raise self.error(f"{what or 'part'} of {n} bytes, {self.left} left")
        self._at += n
        return Reader(self._data, what or self.what, self.malformed, self._at - n, self._at)

    def done(self) -> None:
        """Raises PeerError if bytes are left over."""
        if self.left:
            raise self.error(f"{self.left} bytes too many")

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.done()
