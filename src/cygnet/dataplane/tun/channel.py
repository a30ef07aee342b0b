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
        self._put_back: list[tuple[Any, ...]] = []

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

    def receive(self) -> tuple[list[tuple[Any, ...]], bool]:
        """(the messages that are there, whether the other end is still there)."""
        alive = True
        while True:
            try:
                data = self._socket.recv(_READ)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data:
                alive = False
                break
            self._received += data
        ahead, self._put_back = self._put_back, []
        return ahead + self._messages(), alive

    def put_back(self, messages: list[tuple[Any, ...]]) -> None:
        """Have the next ``receive`` return these first: they came along with an earlier one."""
        self._put_back = messages

    def _messages(self) -> list[tuple[Any, ...]]:
        found, at = [], 0
        view = self._received
        while len(view) - at >= _LENGTH.size:
            end = at + _LENGTH.size + _LENGTH.unpack_from(view, at)[0]
            if end > len(view):
                break
            found.append(pickle.loads(view[at + _LENGTH.size : end]))
            at = end
        del self._received[:at]
        return found

    def close(self) -> None:
        self._socket.close()
