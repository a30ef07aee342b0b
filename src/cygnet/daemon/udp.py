"""The UDP sockets of IKE: ports 500 and 4500, IPv4 and IPv6.

Replies leave from the address that was asked (packet info), whatever the routes say. On every
port but 500 an IKE message has four zero bytes before it (RFC 3948 §2.2), as in strongSwan.
Port 4500 is shared with the data plane's ESP socket; see dataplane/tun/sockets.py.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from cygnet.boundary.effects import Send
from cygnet.boundary.events import Datagram
from cygnet.daemon.log import Journal
from cygnet.dataplane.tun.sockets import (
    NON_ESP_MARKER,
    is_ike,
    open_pair,
    open_udp,
    raise_buffers,
    receive,
    send,
)
from cygnet.values.endpoint import IKE_PORT, Endpoint
from cygnet.values.errors import DataPlaneError

LEAST_ESP = 8  #: bytes: SPI and sequence number; a NAT keep-alive (RFC 3948 §2.3) is one byte
#: bytes of receive buffer: some thousand first messages of a peer that begins all of its tunnels at once,
#: where the system's default holds some ninety
BUFFER = 4 << 20
FAMILIES = ((4, socket.AF_INET), (6, socket.AF_INET6))


@dataclass(slots=True)
class Sockets:
    """``ike`` by (IP version, port); ``esp`` by IP version, for the data plane."""

    ports: tuple[int, int]  #: of IKE and of IKE behind NAT, 500 and 4500
    ike: dict[tuple[int, int], socket.socket] = field(default_factory=dict)
    esp: dict[int, socket.socket] = field(default_factory=dict)

    def close(self) -> None:
        for sock in (*self.ike.values(), *self.esp.values()):
            sock.close()


def open_sockets(port: int, port_nat_t: int, mark: int, journal: Journal) -> Sockets:
    """Bind what this machine has: without IPv6 in the kernel it is IPv4 only. Raises DataPlaneError.

    A port of 0 lets the system choose one.
    """
    port, port_nat_t = port or _free_port(), port_nat_t or _free_port()
    found = Sockets((port, port_nat_t))
    try:
        for version, family in FAMILIES:
            try:
                plain = open_udp(family, port, mark=mark)
                found.ike[version, port] = plain
                found.ike[version, port_nat_t], found.esp[version] = open_pair(family, port_nat_t, mark=mark)
            except (DataPlaneError, OSError) as error:
                if version == 6 and error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                    journal.say("net", "no IPv6 on this machine, answering on IPv4 only")
                    continue
                raise
    except DataPlaneError as error:
        found.close()
        if error.errno == errno.EADDRINUSE:
            text = f"{error.text}: does another IKE daemon (charon, pluto) run?"
            raise DataPlaneError(error.operation, error.errno, text) from error
        raise
    _raise_buffers(found.ike.values(), journal)
    return found


def _raise_buffers(sockets: Collection[socket.socket], journal: Journal) -> None:
    """As far as the system lets us; without CAP_NET_ADMIN that is net.core.rmem_max."""
    for sock in sockets:
        raise_buffers(sock, BUFFER)
    got = min(sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) for sock in sockets) // 2
    short = f", of {BUFFER >> 10} that were asked for (net.core.rmem_max)" if got < BUFFER else ""
    journal.say("net", f"receive buffers of IKE hold {got >> 10} KB{short}", 1 if short else 2)


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("", 0))
        return int(sock.getsockname()[1])


StrayEsp = Callable[[Endpoint, Endpoint, bytes], None]


def _drop(local: Endpoint, remote: Endpoint, packet: bytes) -> None:
    """What a plane does that takes no packets from the network."""


class UdpTransport:
    """Sends what the engine wants sent, and hands it what comes in."""

    def __init__(self, sockets: Sockets, journal: Journal) -> None:
        self._sockets, self._journal = sockets, journal
        self._stray_esp: StrayEsp = _drop
        self.ports = sockets.ports

    def start(
        self,
        loop: asyncio.AbstractEventLoop,
        deliver: Callable[[Datagram], None],
        stray_esp: StrayEsp = _drop,
    ) -> None:
        """``stray_esp`` takes ESP that GRO mixed into a train of IKE; it must not be lost."""
        self._stray_esp = stray_esp
        for sock in self._sockets.ike.values():
            loop.add_reader(sock, self._readable, sock, deliver)

    def stop(self, loop: asyncio.AbstractEventLoop) -> None:
        for sock in self._sockets.ike.values():
            loop.remove_reader(sock)
        self._sockets.close()

    def send(self, effect: Send) -> None:
        """Never raises: what cannot be sent is lost, as any datagram may be."""
        sock = self._sockets.ike.get((effect.local.address.version, effect.local.port))
        if sock is None:
            self._journal.say("net", f"no socket to send from {effect.local} to {effect.remote}")
            return
        marked = effect.local.port != IKE_PORT and not effect.keepalive
        data = NON_ESP_MARKER + effect.data if marked else effect.data
        try:
            send(sock, effect.local.address, effect.remote, data, effect.dscp)
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            self._journal.say("net", f"error writing to socket: {why} ({effect.local} to {effect.remote})")

    def _readable(self, sock: socket.socket, deliver: Callable[[Datagram], None]) -> None:
        try:
            for local, remote, data in receive(sock):
                self._take(local, remote, data, deliver)
        except OSError as error:
            self._journal.say("net", f"error reading from socket: {error.strerror}")

    def _take(
        self, local: Endpoint, remote: Endpoint, data: bytes, deliver: Callable[[Datagram], None]
    ) -> None:
        if local.port == IKE_PORT:
            deliver(Datagram(local, remote, data))
        elif is_ike(data):
            deliver(Datagram(local, remote, data[len(NON_ESP_MARKER) :]))
        elif len(data) >= LEAST_ESP:
            self._stray_esp(local, remote, data)
