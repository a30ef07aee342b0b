"""The server's half of one vici connection, without I/O.

Packets are handled strictly in order, one command at a time (there is no sequence number in
vici): while a command is unanswered, later packets wait here, up to ``QUEUE`` of them.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from cygnet.control.vici.codec import Message, ViciError
from cygnet.control.vici.handlers.table import EVENTS
from cygnet.control.vici.packet import (
    CMD_REQUEST,
    CMD_RESPONSE,
    CMD_UNKNOWN,
    EVENT,
    EVENT_CONFIRM,
    EVENT_REGISTER,
    EVENT_UNKNOWN,
    EVENT_UNREGISTER,
    Framer,
    Packet,
    encode_packet,
)

QUEUE = 64  #: packets a client may send ahead; a real one sends one and waits


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    message: Message


class Session:
    def __init__(self) -> None:
        self._framer = Framer()
        self._waiting: deque[Packet] = deque()
        self._registered: set[str] = set()
        self._busy = False

    def receive(self, data: bytes) -> None:
        """Take in untrusted bytes. After a ViciError the connection must be closed."""
        self._waiting += self._framer.feed(data)
        if len(self._waiting) > QUEUE:
            raise ViciError(f"more than {QUEUE} packets sent ahead of their answers")

    def advance(self) -> Command | bytes | None:
        """The next thing to do: a command to carry out, bytes to send, or None: wait."""
        if self._busy or not self._waiting:
            return None
        packet = self._waiting.popleft()
        if packet.type == CMD_REQUEST:
            self._busy = True
            return Command(packet.name, packet.message or {})
        if packet.type == EVENT_REGISTER and packet.name in EVENTS:
            self._registered.add(packet.name)
        elif packet.type == EVENT_UNREGISTER and packet.name in self._registered:
            self._registered.remove(packet.name)
        elif packet.type in (EVENT_REGISTER, EVENT_UNREGISTER):
            return encode_packet(Packet(EVENT_UNKNOWN))
        else:
            raise ViciError(f"a client must not send packets of type {packet.type}")
        return encode_packet(Packet(EVENT_CONFIRM))

    def wants(self, event: str) -> bool:
        return event in self._registered

    def event(self, name: str, message: Message) -> bytes:
        """The event as bytes, or nothing where the client did not register for it."""
        return encode_packet(Packet(EVENT, name, message)) if name in self._registered else b""

    def answer(self, message: Message | None) -> bytes:
        """The response to the command that is open; None: there is no such command."""
        assert self._busy
        self._busy = False
        return encode_packet(Packet(CMD_UNKNOWN) if message is None else Packet(CMD_RESPONSE, "", message))
