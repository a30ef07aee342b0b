"""Strict DER (ITU-T X.690 §10): tags, lengths, and the few primitive types that certificates are made of.

Everything here is fed by strangers. There is one way to write a thing in DER, and what is written in
another is refused: indefinite lengths, lengths in more bytes than they need, padded integers, bytes
left over. A ``Tlv`` keeps ``whole``, the bytes as they came, for hashes, signatures and comparisons.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cygnet.values.errors import CygnetError

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
ENUMERATED = 0x0A
SEQUENCE, SET = 0x30, 0x31


def context(number: int, constructed: bool = False) -> int:
    """The tag ``[number]``; ``constructed`` where it holds other elements."""
    return (0xA0 if constructed else 0x80) | number


class DerError(CygnetError):
    """Bytes that are no strict DER, or not of the type that has to stand there."""


@dataclass(frozen=True, slots=True)
class Tlv:
    tag: int  #: the identifier octet: class, constructed bit, number below 31
    value: bytes
    whole: bytes  #: tag, length and value


def read(data: bytes, at: int = 0) -> tuple[Tlv, int]:
    """The element that begins at ``at``, and where the next one would."""
    if len(data) - at < 2:
        raise DerError("cut off in the middle of an element")
    tag, length = data[at], data[at + 1]
    if tag & 0x1F == 0x1F:
        raise DerError("tag number above 30")
    start = at + 2
    if length >= 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4 or len(data) - start < count:
            raise DerError("length of a length is not one of 1 to 4")
        length = int.from_bytes(data[start : start + count])
        if length < 0x80 or length >> (8 * (count - 1)) == 0:
            raise DerError("length in more bytes than it needs")
        start += count
    end = start + length
    if end > len(data):
        raise DerError("element longer than what holds it")
    return Tlv(tag, data[start:end], data[at:end]), end


def only(data: bytes, tag: int | None = None) -> Tlv:
    """The one element that ``data`` is; nothing may follow it."""
    found, end = read(data)
    if end != len(data):
        raise DerError("bytes left over")
    if tag is not None and found.tag != tag:
        raise DerError(f"tag {found.tag:#04x} where {tag:#04x} has to be")
    return found


def elements(data: bytes) -> Iterator[Tlv]:
    """The elements that ``data`` (the value of a SEQUENCE or SET) is made of."""
    at = 0
    while at < len(data):
        found, at = read(data, at)
        yield found


def sequence(data: bytes) -> list[Tlv]:
    """The elements of the one SEQUENCE that ``data`` is."""
    return list(elements(only(data, SEQUENCE).value))


class Fields:
    """The elements of a SEQUENCE, one after the other, some of them optional."""

    __slots__ = ("_at", "_found")

    def __init__(self, found: list[Tlv]) -> None:
        self._found, self._at = found, 0

    @classmethod
    def of(cls, data: bytes, tag: int = SEQUENCE) -> Fields:
        return cls(list(elements(only(data, tag).value)))

    def optional(self, *tags: int) -> Tlv | None:
        """The next element if its tag is one of ``tags``; else it stays the next."""
        if self._at < len(self._found) and self._found[self._at].tag in tags:
            self._at += 1
            return self._found[self._at - 1]
        return None

    def need(self, *tags: int) -> Tlv:
        found = self.optional(*tags)
        if found is None:
            raise DerError(f"no element of tag {'/'.join(f'{t:#04x}' for t in tags)}")
        return found

    def end(self) -> None:
        if self._at != len(self._found):
            raise DerError("an element that does not belong here")


def integer(value: bytes) -> int:
    """The value of an INTEGER or ENUMERATED."""
    if not value or (len(value) > 1 and (value[0], value[1] >> 7) in ((0, 0), (0xFF, 1))):
        raise DerError("integer empty or padded")
    return int.from_bytes(value, signed=True)


def natural(value: bytes, limit: int = 1 << 31) -> int:
    """An INTEGER of at least 0 and below ``limit``."""
    number = integer(value)
    if not 0 <= number < limit:
        raise DerError("number out of its range")
    return number


def boolean(value: bytes) -> bool:
    if value not in (b"\0", b"\xff"):
        raise DerError("boolean that is neither 00 nor FF")
    return value != b"\0"


def bits(value: bytes, dirty: bool = False) -> tuple[bytes, int]:
    """The bytes of a BIT STRING, and how many of the bits of the last one are unused. These are zero (X.690
    §11.2.1), or with ``dirty`` whatever they are, where a widespread encoder leaves them set."""
    if not value or value[0] > 7 or (len(value) == 1 and value[0]):
        raise DerError("bit string without its first byte")
    if not dirty and len(value) > 1 and value[-1] & ((1 << value[0]) - 1):
        raise DerError("bit string with unused bits that are set")
    return value[1:], value[0]


def named_bits(value: bytes) -> frozenset[int]:
    """The numbers of the bits that are set in a BIT STRING, 0 the first."""
    data, _ = bits(value)
    if len(data) > 8:
        raise DerError("too many named bits")
    return frozenset(n for n in range(8 * len(data)) if data[n // 8] >> (7 - n % 8) & 1)


def oid(value: bytes) -> str:
    """An OBJECT IDENTIFIER in dotted digits."""
    if not value or value[-1] & 0x80 or len(value) > 64:
        raise DerError("object identifier empty, cut off or too long")
    arcs: list[int] = []
    arc, fresh = 0, True
    for byte in value:
        if fresh and byte == 0x80:
            raise DerError("object identifier with a padded arc")
        arc, fresh = arc << 7 | byte & 0x7F, not byte & 0x80
        if fresh:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, [first, arcs[0] - 40 * first, *arcs[1:]]))


def encode(tag: int, *parts: bytes) -> bytes:
    """The element of that tag whose value is ``parts``, one after the other."""
    value = b"".join(parts)
    length = len(value)
    if length < 0x80:
        return bytes((tag, length)) + value
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size) + value


def encode_oid(dotted: str) -> bytes:
    """The OBJECT IDENTIFIER, whole. ValueError where the text is none."""
    arcs = [int(arc) for arc in dotted.split(".")]
    if len(arcs) < 2 or arcs[0] > 2 or min(arcs) < 0 or (arcs[0] < 2 and arcs[1] > 39):
        raise ValueError(f"'{dotted}' is no object identifier")
    out = bytearray()
    for arc in (40 * arcs[0] + arcs[1], *arcs[2:]):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        out += bytes(reversed(groups))
    return encode(OID, bytes(out))
