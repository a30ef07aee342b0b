"""Letting a packet by in the clear: what a route brought here and no policy protects.

It goes back to the system with our mark through a raw socket with its own header, so that it is
routed as if the tunnel's table did not exist.
"""

from __future__ import annotations

import contextlib
import socket
from ipaddress import IPv4Address, IPv6Address

_IPV6_HDRINCL = 36


class ClearPath:
    def __init__(self, mark: int) -> None:
        self._mark = mark
        self._sockets: dict[int, socket.socket] = {}

    def send(self, packet: bytes) -> None:
        """Errors are the packet's loss, as on any router."""
        version = packet[0] >> 4
        with contextlib.suppress(OSError):
            if version == 4:
                self._socket(4).sendto(packet, (str(IPv4Address(packet[16:20])), 0))
            else:
                self._socket(6).sendto(packet, (str(IPv6Address(packet[24:40])), 0))

    def _socket(self, version: int) -> socket.socket:
        sock = self._sockets.get(version)
        if sock is None:
            family = socket.AF_INET if version == 4 else socket.AF_INET6
            sock = socket.socket(family, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.IPPROTO_RAW)
            if version == 6:
                sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_HDRINCL, 1)
            if self._mark:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, self._mark)
            self._sockets[version] = sock
        return sock
