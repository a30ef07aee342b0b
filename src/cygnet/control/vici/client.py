"""The client end of the control socket, synchronous and quick to import: what the CLI uses.

One command at a time: register for its events, send it, hand every event to the caller as it
comes, return the response.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from types import TracebackType

from cygnet.control.vici.codec import Message, ViciError
from cygnet.control.vici.packet import (
    CMD_REQUEST,
    CMD_RESPONSE,
    CMD_UNKNOWN,
    EVENT,
    EVENT_CONFIRM,
    EVENT_REGISTER,
    EVENT_UNKNOWN,
    Framer,
    Packet,
    encode_packet,
)

EventHandler = Callable[[str, Message], None]


class NotRunning(Exception):
    """Nobody listens on the control socket."""


class NotPermitted(Exception):
    """The control socket belongs to somebody else."""


class Unsupported(Exception):
    """The daemon does not know the command or event."""


_CONNECT_ERRORS: dict[type[OSError], type[Exception]] = {
    FileNotFoundError: NotRunning,
    ConnectionRefusedError: NotRunning,
    PermissionError: NotPermitted,
    BlockingIOError: TimeoutError,  # it does not accept connections
}


class Client:
    """A connection to the daemon. Use it in a ``with`` statement."""

    def __init__(self, path: str, timeout: float | None = 10.0) -> None:
        """Raises NotRunning or NotPermitted. ``timeout``: seconds without a byte, None: none."""
        self._framer = Framer()
        self._waiting: list[Packet] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # Blocking, as a connect that does not wait fails when many others wait to be accepted.
        patience = struct.pack("@ll", int(timeout or 0), 0)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, patience)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            meaning = _CONNECT_ERRORS.get(type(error))
            if meaning is None:
                raise
            raise meaning(path) from error
        self._socket.settimeout(timeout)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def patience(self, seconds: float | None) -> None:
        """How long to wait for the next packet, in seconds; None: for ever."""
        self._socket.settimeout(seconds)

    def request(
        self,
        command: str,
        message: Message | None = None,
        on_event: EventHandler | None = None,
        events: tuple[str, ...] = (),
    ) -> Message:
        """Send ``command``; the response's message.

        Raises Unsupported, NotRunning (the daemon went away), TimeoutError, ViciError.
        """
        for name in events:
            self._ask(Packet(EVENT_REGISTER, name), EVENT_CONFIRM, EVENT_UNKNOWN)
        return self._ask(Packet(CMD_REQUEST, command, message or {}), CMD_RESPONSE, CMD_UNKNOWN, on_event)

    def _ask(self, packet: Packet, yes: int, no: int, on_event: EventHandler | None = None) -> Message:
        try:
            self._socket.sendall(encode_packet(packet))
        except (BrokenPipeError, ConnectionResetError) as error:
            raise NotRunning("the daemon closed the connection") from error
        while True:
            answer = self._next()
            if answer.type == yes:
                return answer.message or {}
            if answer.type == no:
                raise Unsupported(packet.name)
            if answer.type != EVENT:
                raise ViciError(f"packet of type {answer.type} is no answer to type {packet.type}")
            if on_event is not None:
                on_event(answer.name, answer.message or {})

    def _next(self) -> Packet:
        while not self._waiting:
            try:
                data = self._socket.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                raise NotRunning("the daemon closed the connection")
            self._waiting = self._framer.feed(data)
        return self._waiting.pop(0)
