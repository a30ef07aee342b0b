"""Real sockets on the loopback: source addresses, the non-ESP marker, what is not IKE."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest

from cygnet.boundary.effects import Send
from cygnet.boundary.events import Datagram
from cygnet.daemon.log import Journal
from cygnet.daemon.udp import BUFFER, Sockets, UdpTransport, open_sockets
from cygnet.dataplane.tun.sockets import SOL_UDP, UDP_SEGMENT
from cygnet.values.endpoint import Endpoint
from cygnet.values.errors import DataPlaneError
from tests.daemon.fakes import ListSink, until


def peer(address: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((address, 0))
    sock.settimeout(10)
    return sock


def opened() -> tuple[Sockets, UdpTransport, ListSink]:
    journal, sink = Journal(), ListSink()
    journal.use([sink])
    sockets = open_sockets(0, 0, 0, journal)
    return sockets, UdpTransport(sockets, journal), sink


def natt_port(sockets: Sockets) -> int:
    return int(sockets.esp[4].getsockname()[1])


@pytest.mark.parametrize(("theirs", "ours"), [("127.0.0.1", "127.0.0.9"), ("::1", "::1")])
def test_a_reply_leaves_from_the_address_that_was_asked(theirs: str, ours: str) -> None:
    async def story() -> None:
        sockets, transport, _ = opened()
        got: list[Datagram] = []
        transport.start(asyncio.get_running_loop(), got.append)
        port = natt_port(sockets)
        with peer(theirs) as them:
            them.sendto(b"\0\0\0\0hello", (ours, port))
            await until(lambda: got)
            (datagram,) = got
            assert datagram.data == b"hello"  # without its marker
            assert datagram.local == Endpoint.of(ours, port)
            transport.send(Send(datagram.local, datagram.remote, b"answer"))
            data, source = them.recvfrom(100)
            assert (data, source[:2]) == (b"\0\0\0\0answer", (ours, port))
            transport.send(Send(datagram.local, datagram.remote, b"\xff", keepalive=True))
            assert them.recv(100) == b"\xff"
        transport.stop(asyncio.get_running_loop())

    asyncio.run(story())


def test_keepalives_and_esp_on_the_ike_socket_never_reach_the_engine() -> None:
    async def story() -> None:
        sockets, transport, _ = opened()
        got: list[Datagram] = []
        esp: list[bytes] = []
        transport.start(
            asyncio.get_running_loop(), got.append, lambda local, remote, packet: esp.append(packet)
        )
        with peer("127.0.0.1") as them:
            # One send that arrives as one train: the program that tells IKE from ESP sees only its
            # beginning, so the ESP packet behind it comes to the IKE socket too.
            train = b"\0\0\0\0ike!" + b"\x01\x02\x03\x04esp!"
            segments = [(SOL_UDP, UDP_SEGMENT, struct.pack("@H", 8))]
            there = ("127.0.0.1", natt_port(sockets))
            them.sendmsg([train], segments, 0, there)
            for data in (b"\xff", b"", b"\0\0\0\0last"):
                them.sendto(data, there)
            await until(lambda: len(got) == 2)
            assert [d.data for d in got] == [b"ike!", b"last"]
            assert esp == [b"\x01\x02\x03\x04esp!"]  # not lost, and not IKE
        transport.stop(asyncio.get_running_loop())

    asyncio.run(story())


def test_what_cannot_be_sent_is_logged_and_lost() -> None:
    async def story() -> None:
        sockets, transport, sink = opened()
        transport.send(Send(Endpoint.of("127.0.0.1", 9), Endpoint.of("127.0.0.1", 9), b"x"))
        assert "no socket to send from 127.0.0.1[9]" in sink.text
        local = Endpoint.of("127.0.0.1", natt_port(sockets))
        transport.send(Send(local, Endpoint.of("127.0.0.1", 9), bytes(70000)))
        assert "error writing to socket: Message too long" in sink.text
        transport.stop(asyncio.get_running_loop())

    asyncio.run(story())


def test_a_port_that_another_daemon_has_is_named_with_a_guess_who_it_is() -> None:
    journal = Journal()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("", 0))
        with pytest.raises(DataPlaneError, match="does another IKE daemon"):
            open_sockets(other.getsockname()[1], 0, 0, journal)


@pytest.mark.parametrize(
    ("address", "level", "want", "got"),
    [
        ("127.0.0.1", socket.IPPROTO_IP, socket.IP_RECVTOS, socket.IP_TOS),
        ("::1", socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, socket.IPV6_TCLASS),
    ],
)
def test_a_packet_has_the_dscp_that_was_asked_for(address: str, level: int, want: int, got: int) -> None:
    sockets, transport, _ = opened()
    with peer(address) as them:
        them.setsockopt(level, want, 1)
        local = Endpoint.of(address, natt_port(sockets))
        to = Endpoint.of(address, them.getsockname()[1])
        for dscp in (0b101110, 0):
            transport.send(Send(local, to, b"x", dscp=dscp))
            _, ancillary, _, _ = them.recvmsg(100, 100)
            assert [(lev, kind, data[0]) for lev, kind, data in ancillary] == [(level, got, dscp << 2)]
    sockets.close()


def test_a_burst_of_a_thousand_first_messages_is_not_lost() -> None:
    async def story() -> None:
        sockets, transport, sink = opened()
        sockets_of_ike = list(sockets.ike.values())
        got: list[Datagram] = []
        with peer("127.0.0.1") as them:
            for _ in range(1000):  # all before anything is read
                them.sendto(bytes(4) + b"x" * 500, ("127.0.0.1", natt_port(sockets)))
            transport.start(asyncio.get_running_loop(), got.append)
            await until(lambda: len(got) == 1000)
        sizes = {s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2 for s in sockets_of_ike}
        assert min(sizes) >= BUFFER or any("net.core.rmem_max" in line.text for line in sink.lines)
        transport.stop(asyncio.get_running_loop())

    asyncio.run(story())
