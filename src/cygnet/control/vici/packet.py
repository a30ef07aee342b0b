"""vici packets and their framing (vici README, "Transport protocol" and "Packet layer").

On the stream each packet has its length before it (u32, network order). A packet is a type, a
name for some types, and a message for some.
"""

from __future__ import annotations

from typing import NamedTuple

from cygnet.control.vici.codec import Message, ViciError, blob, decode, encode, text

(
    CMD_REQUEST,
    CMD_RESPONSE,
    CMD_UNKNOWN,
    EVENT_REGISTER,
    EVENT_UNREGISTER,
    EVENT_CONFIRM,
    EVENT_UNKNOWN,
    EVENT,
) = range(8)

NAMED = frozenset({CMD_REQUEST, EVENT_REGISTER, EVENT_UNREGISTER, EVENT})
WITH_MESSAGE = frozenset({CMD_REQUEST, CMD_RESPONSE, EVENT})

MAX_SEGMENT = 512 * 1024  #: bytes; strongSwan's limit, larger ones end the connection


class Packet(NamedTuple):
    type: int
    name: str = ""
    message: Message | None = None


def encode_packet(packet: Packet) -> bytes:
    """The packet with its length before it."""
    body = bytes((packet.type,))
    if packet.type in NAMED:
        name = blob(packet.name)
        if not 0 < len(name) <= 0xFF:
            raise ViciError(f"{packet.name!r} cannot be the name of a command or event")
        body += bytes((len(name),)) + name
    if packet.type in WITH_MESSAGE:
        body += encode(packet.message or {})
    if len(body) > MAX_SEGMENT:
        raise ViciError(f"packet of {len(body)} bytes is longer than {MAX_SEGMENT}")
    return len(body).to_bytes(4, "big") + body


def decode_packet(body: bytes) -> Packet:
    """One segment's content; untrusted. Raises ViciError."""
    if not body:
        raise ViciError("empty packet")
    kind, rest, name = body[0], body[1:], ""
    if kind > EVENT:
        raise ViciError(f"unknown packet type {kind}")
    if kind in NAMED:
        if not rest or not rest[0] or 1 + rest[0] > len(rest):
            raise ViciError("the packet's name is cut off or empty")
        name, rest = text(rest[1 : 1 + rest[0]]), rest[1 + rest[0] :]
    if kind in WITH_MESSAGE:
        return Packet(kind, name, decode(rest))
    if rest:
        raise ViciError(f"{len(rest)} bytes after a packet that carries no message")
    return Packet(kind, name)


class Framer:
    """Cuts a byte stream into packets. Holds at most one incomplete segment."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[Packet]:
        """The packets that ``data`` completes; untrusted. After a ViciError the stream is lost."""
        self._held += data
        found, at = [], 0
        while len(self._held) - at >= 4:
            length = int.from_bytes(self._held[at : at + 4], "big")
            if length > MAX_SEGMENT:
                raise ViciError(f"segment of {length} bytes is longer than {MAX_SEGMENT}")
            if len(self._held) - at - 4 < length:
                break
            found.append(decode_packet(bytes(self._held[at + 4 : at + 4 + length])))
            at += 4 + length
        del self._held[:at]
        return found
