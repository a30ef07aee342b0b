"""Writes what ``reader`` reads. Lengths that stand before their content are filled in behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Writer:
    """An appending buffer. Numbers out of range are our own bug: OverflowError."""

    __slots__ = ("_data",)

    def __init__(self) -> None:
        self._data = bytearray()

    def __len__(self) -> int:
        return len(self._data)

    def put(self, data: bytes) -> Writer:
        self._data += data
        return self

    def u8(self, value: int) -> Writer:
        self._data += value.to_bytes(1)
        return self

    def u16(self, value: int) -> Writer:
        self._data += value.to_bytes(2)
        return self

    def u32(self, value: int) -> Writer:
        self._data += value.to_bytes(4)
        return self

    def u64(self, value: int) -> Writer:
        self._data += value.to_bytes(8)
        return self

    def set_u8(self, offset: int, value: int) -> None:
        """Overwrite a byte that is already there."""
        self._data[offset : offset + 1] = value.to_bytes(1)

    def set_u32(self, offset: int, value: int) -> None:
        self._data[offset : offset + 4] = value.to_bytes(4)

    @contextmanager
    def sized(self, since: int) -> Iterator[Writer]:
        """Two bytes here will hold the length from offset ``since`` to the end of the block."""
        at = len(self._data)
        self.u16(0)
        yield self
        self._data[at : at + 2] = (len(self._data) - since).to_bytes(2)

    def bytes(self) -> bytes:
        return bytes(self._data)
