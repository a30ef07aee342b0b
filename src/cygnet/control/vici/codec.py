"""vici messages: bytes <-> nested dicts of text (strongSwan's vici README, "Message format").

A message is a tree of sections; leaves are values or lists of values. Values are blobs on the
wire and ``str`` here, decoded as UTF-8 with surrogate escapes, so that any blob survives the
round trip; ``blob(value)`` gives its bytes.

Everything read is untrusted: depth, sizes and nesting are checked before anything is kept, and
only ViciError is raised.
"""

from __future__ import annotations

from typing import TypeAlias

Value: TypeAlias = "str | list[str] | Message"
Message: TypeAlias = dict[str, Value]

SECTION_START, SECTION_END, KEY_VALUE, LIST_START, LIST_ITEM, LIST_END = 1, 2, 3, 4, 5, 6

MAX_DEPTH = 16  #: sections within sections; real messages have four
MAX_VALUE = 0xFFFF  #: the length field has 16 bits
MAX_NAME = 0xFF


class ViciError(Exception):
    """The other end of the control socket broke the protocol."""


def blob(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape")


def text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def encode(message: Message) -> bytes:
    """Raises ViciError for what the format cannot hold (names over 255, values over 65535 bytes)."""
    out = bytearray()
    _encode_section(message, out)
    return bytes(out)


def _name(kind: int, name: str) -> bytes:
    data = blob(name)
    if len(data) > MAX_NAME:
        raise ViciError(f"name of {len(data)} bytes is longer than {MAX_NAME}")
    return bytes((kind, len(data))) + data


def _value(value: str) -> bytes:
    data = blob(value)
    if len(data) > MAX_VALUE:
        raise ViciError(f"value of {len(data)} bytes is longer than {MAX_VALUE}")
    return len(data).to_bytes(2, "big") + data


def _encode_section(section: Message, out: bytearray) -> None:
    for name, value in section.items():
        if isinstance(value, dict):
            out += _name(SECTION_START, name)
            _encode_section(value, out)
            out.append(SECTION_END)
        elif isinstance(value, list):
            out += _name(LIST_START, name)
            for item in value:
                out.append(LIST_ITEM)
                out += _value(item)
            out.append(LIST_END)
        else:
            out += _name(KEY_VALUE, name) + _value(value)


def decode(data: bytes) -> Message:
    """A whole message; untrusted. Raises ViciError."""
    root: Message = {}
    sections = [root]
    items: list[str] | None = None
    at = 0
    while at < len(data):
        kind = data[at]
        at += 1
        if (kind in (LIST_ITEM, LIST_END)) != (items is not None):
            raise ViciError(f"element {kind} {'outside' if items is None else 'inside'} a list")
        if kind == SECTION_START:
            name, at = _take(data, at, 1)
            section: Message = {}
            _put(sections[-1], name, section)
            sections.append(section)
            if len(sections) > MAX_DEPTH:
                raise ViciError(f"sections nested deeper than {MAX_DEPTH}")
        elif kind == SECTION_END:
            sections.pop()
            if not sections:
                raise ViciError("a section ends that never began")
        elif kind == KEY_VALUE:
            name, at = _take(data, at, 1)
            value, at = _take(data, at, 2)
            _put(sections[-1], name, text(value))
        elif kind == LIST_START:
            name, at = _take(data, at, 1)
            items = []
            _put(sections[-1], name, items)
        elif kind == LIST_ITEM and items is not None:
            value, at = _take(data, at, 2)
            items.append(text(value))
        elif kind == LIST_END:
            items = None
        else:
            raise ViciError(f"unknown element type {kind}")
    if len(sections) != 1 or items is not None:
        raise ViciError("the message ends inside a section or list")
    return root


def _put(section: Message, name: bytes, value: Value) -> None:
    key = text(name)
    if key in section:
        raise ViciError(f"{key!r} stands twice in one section")
    section[key] = value


def _take(data: bytes, at: int, width: int) -> tuple[bytes, int]:
    """A blob with a length field of ``width`` bytes before it, and where it ends."""
    start = at + width
    if start > len(data):
        raise ViciError("the message is cut off in a length")
    end = start + int.from_bytes(data[at:start], "big")
    if end > len(data):
        raise ViciError("the message is cut off in a name or value")
    return data[start:end], end
