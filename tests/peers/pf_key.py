"""A kernel's key management (RFC 2367, PF_KEY) as a program: it says yes to everything, and tells.

    python tests/peers/pf_key.py RECORD COMMAND...

COMMAND is run with PF_KEY sockets that end here. What it adds and deletes is written to RECORD,
one JSON object a line: SPI, addresses and keys of an SA. No packet is ever encrypted.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import signal
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from tests.peers import intercept

AF_KEY = 15
HEADER = struct.Struct("BBBBHxxII")  #: version, type, errno, satype, length in 8 bytes, seq, pid
GETSPI, UPDATE, ADD, DELETE = 1, 2, 3, 4
NAMES = {UPDATE: "add", ADD: "add", DELETE: "delete"}  #: UPDATE gives an SPI of GETSPI its keys
SA, SOURCE, DESTINATION, INTEG_KEY, ENCR_KEY = 1, 5, 6, 8, 9
AF_INET, AF_INET6 = 2, 10


def extensions(message: bytes) -> Iterator[tuple[int, bytes]]:
    at = HEADER.size
    while at + 4 <= len(message):
        length, kind = struct.unpack_from("HH", message, at)
        if length == 0:
            return
        yield kind, message[at : at + 8 * length]
        at += 8 * length


def described(message: bytes) -> dict[str, str]:
    """The SA that a message is about."""
    known: dict[str, str] = {}
    for kind, body in extensions(message):
        if kind == SA:
            known["spi"] = body[4:8].hex()
        elif kind in (SOURCE, DESTINATION):
            known["source" if kind == SOURCE else "destination"] = address(body[8:])
        elif kind in (INTEG_KEY, ENCR_KEY):
            (bits,) = struct.unpack_from("H", body, 4)
            known["integ_key" if kind == INTEG_KEY else "encr_key"] = body[8 : 8 + bits // 8].hex()
    return known


def address(sockaddr: bytes) -> str:
    (family,) = struct.unpack_from("H", sockaddr)
    if family == AF_INET6:
        return socket.inet_ntop(socket.AF_INET6, sockaddr[8:24])
    return socket.inet_ntop(socket.AF_INET, sockaddr[4:8])


def reply(message: bytes) -> bytes:
    """The message comes back, as from the kernel; GETSPI's with an SPI."""
    version, kind, _, satype, _, seq, pid = HEADER.unpack_from(message)
    body = message[HEADER.size :]
    if kind == GETSPI:
        spi = 0x100 + secrets.randbelow(1 << 31)
        body = struct.pack("=HH4sBBBBI", 2, SA, spi.to_bytes(4), 0, 0, 0, 0, 0)
        body += b"".join(b for k, b in extensions(message) if k in (SOURCE, DESTINATION))
    return HEADER.pack(version, kind, 0, satype, (HEADER.size + len(body)) // 8, seq, pid) + body


class Kernel:
    """What answers the sockets of one program."""

    def __init__(self, record: Path) -> None:
        self._record = record
        self._sockets: dict[int, socket.socket] = {}
        self.poll = select.poll()

    def accept(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sockets[sock.fileno()] = sock
        self.poll.register(sock, select.POLLIN)

    def __contains__(self, fd: int) -> bool:
        return fd in self._sockets

    def take(self, fd: int) -> None:
        """All messages that wait at one socket."""
        sock = self._sockets[fd]
        with contextlib.suppress(BlockingIOError):
            while message := sock.recv(65536):
                note(message, self._record)
                sock.send(reply(message))
            self.poll.unregister(fd)
            self._sockets.pop(fd).close()

    def catch_up(self) -> None:
        for fd in list(self._sockets):
            self.take(fd)


def serve(listener: int, record: Path) -> None:
    """Until the last socket is closed after the program has ended."""
    kernel = Kernel(record)
    kernel.poll.register(listener, select.POLLIN)
    while True:
        for fd, events in kernel.poll.poll():
            if fd != listener:
                if fd in kernel:
                    kernel.take(fd)
            elif events & select.POLLIN:
                intercept.answer(listener, kernel.accept, kernel.catch_up)
            else:
                return  # nobody has the filter any more


def note(message: bytes, record: Path) -> None:
    if (what := NAMES.get(message[1])) is not None:
        with record.open("a") as file:
            file.write(json.dumps({"what": what, **described(message)}) + "\n")


def main(record: str, *argv: str) -> int:
    os.umask(0o077)
    pid, listener = intercept.start(argv, AF_KEY)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGTERM))
    serve(listener, Path(record))
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
