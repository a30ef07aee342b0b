"""RFC 2408 §3.3. Data attributes, in the two forms TV (two bytes of value) and TLV."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cygnet.wire.reader import Reader
from cygnet.wire.writer import Writer

SHORT_FORM = 0x8000  #: the AF bit


@dataclass(frozen=True, slots=True)
class Attribute:
    """``type`` without the AF bit. ``short``: the TV form, whose value has two bytes."""

    type: int
    value: bytes
    short: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.type < SHORT_FORM:
            raise ValueError(f"attribute type {self.type} is not in 0..32767")
        if self.short and len(self.value) != 2:
            raise ValueError("a short attribute has a value of two bytes")

    @classmethod
    def of(cls, type: int, number: int) -> Attribute:
        """In the TV form if the number fits, else TLV with four bytes (RFC 2407 §4.5.1)."""
        if number <= 0xFFFF:
            return cls(type, number.to_bytes(2))
        return cls(type, number.to_bytes(4), short=False)

    @property
    def number(self) -> int:
        """The value as an unsigned number, whatever its form and length."""
        return int.from_bytes(self.value)

    @classmethod
    def decode(cls, reader: Reader) -> Attribute:
        head = reader.u16()
        if head & SHORT_FORM:
            return cls(head & ~SHORT_FORM, reader.take(2))
        return cls(head, reader.take(reader.u16()), short=False)

    def encode(self, writer: Writer) -> None:
        if self.short:
            writer.u16(self.type | SHORT_FORM).put(self.value)
        else:
            writer.u16(self.type).u16(len(self.value)).put(self.value)


def decode_attributes(reader: Reader) -> tuple[Attribute, ...]:
    """All that is left in ``reader``; each turn consumes at least four bytes."""
    found: list[Attribute] = []
    while reader.left:
        found.append(Attribute.decode(reader))
    return tuple(found)


def first(attributes: Iterable[Attribute], type: int) -> int | None:
    """The number of the first attribute of that type; None without one."""
    return next((a.number for a in attributes if a.type == type), None)
