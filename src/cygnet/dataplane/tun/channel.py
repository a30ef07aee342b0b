"""The control channel between the daemon and its packet worker: whole messages, in order.

A stream socket pair with a length before each pickled message. Neither end ever waits for the
other: what does not fit into the socket is kept and sent when there is room, so that two busy
ends cannot block each other. Pickle is safe here: the other end is our own child process.
"""

from __future__ import annotations

import pickle
import socket
import struct
from collections import deque
from typing import Any

_LENGTH = struct.Struct("=I")
_READ = 1 << 16
_BUFFER = 1 << 20  #: bytes of socket buffer: some thousand SAs


class Channel:
    """One end. ``fileno`` for polling: readable always, writable while ``backlog``."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        self._socket = sock
        self._unsent: deque[bytes] = deque()
        self._received = bytearray()
        self._at = 0  #: where the next message begins in what was received

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def backlog(self) -> bool:
        return bool(self._unsent)

    def send(self, *message: Any) -> None:
        """Queue a message. Nothing is raised when the other end is gone: reading will tell."""
        data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        self._unsent.append(_LENGTH.pack(len(data)) + data)
        self.flush()

    def flush(self) -> None:
        """Send as much of the backlog as the socket takes."""
        while self._unsent:
            try:
                sent = self._socket.send(self._unsent[0], socket.MSG_NOSIGNAL)
            except BlockingIOError:
                return
            except OSError:
                self._unsent.clear()
                return
            if sent == len(self._unsent[0]):
                self._unsent.popleft()
            else:
                self._unsent[0] = self._unsent[0][sent:]

    def read(self) -> bool:
        """Take in what the other end sent; False: it is gone (what it said before is still there)."""
        while True:
            try:
                data = self._socket.recv(_READ)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if not data:
                return False
            self._received += data

    def next(self) -> tuple[Any, ...] | None:
        """The next message of those read; None: there is no whole one."""
        received, start = self._received, self._at + _LENGTH.size
        if len(received) >= start:
            end = start + _LENGTH.unpack_from(received, self._at)[0]
            if end <= len(received):
                self._at = end
                message: tuple[Any, ...] = pickle.loads(memoryview(received)[start:end])
                return message
        del received[: self._at]
        self._at = 0
        return None

    def receive(self) -> tuple[list[tuple[Any, ...]], bool]:
        """(the messages that are there, whether the other end is still there)."""
        alive = self.read()
        return list(iter(self.next, None)), alive

    def close(self) -> None:
        self._socket.close()
