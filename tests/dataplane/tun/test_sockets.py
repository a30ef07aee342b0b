"""The port that IKE and ESP share, over loopback."""

from __future__ import annotations

import errno
import select
import socket
from collections.abc import Iterator

import pytest

from cygnet.dataplane.tun.sockets import SOL_UDP, UDP_SEGMENT, open_pair, open_udp, receive, send
from cygnet.values.endpoint import Endpoint
from cygnet.values.errors import DataPlaneError

LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
ESP, IKE, KEEPALIVE = b"\0\0\1\0 esp", b"\0\0\0\0 ike", b"\xff"


@pytest.fixture(params=[socket.AF_INET, socket.AF_INET6], ids=["ipv4", "ipv6"])
def family(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def shared(family: int) -> Iterator[tuple[socket.socket, socket.socket, int]]:
    with socket.socket(family, socket.SOCK_DGRAM) as finder:
        finder.bind((LOOPBACK[socket.AddressFamily(family)], 0))
        port = finder.getsockname()[1]
    ike, esp = open_pair(family, port)
    yield ike, esp, port
    ike.close()
    esp.close()


def arriving(sock: socket.socket, count: int) -> list[bytes]:
    found: list[bytes] = []
    while len(found) < count:
        assert select.select([sock], [], [], 5)[0], f"{len(found)} of {count} came"
        found += [data for _, _, data in receive(sock)]
    return found


def test_each_datagram_goes_to_its_socket(
    family: int, shared: tuple[socket.socket, socket.socket, int]
) -> None:
    ike, esp, port = shared
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        for _ in range(5):
            for data in (ESP, IKE, KEEPALIVE):
                sender.sendto(data, (LOOPBACK[socket.AddressFamily(family)], port))
    assert arriving(ike, 10) == [IKE, KEEPALIVE] * 5
    assert arriving(esp, 5) == [ESP] * 5


def test_a_train_comes_out_as_its_datagrams(
    family: int, shared: tuple[socket.socket, socket.socket, int]
) -> None:
    _, esp, port = shared
    here = LOOPBACK[socket.AddressFamily(family)]
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        sender.bind((here, 0))
        sender.setsockopt(SOL_UDP, UDP_SEGMENT, 5)
        sender.sendto(b"aaaaabbbbbcc", (here, port))
        source = Endpoint.of(here, sender.getsockname()[1])
    assert select.select([esp], [], [], 5)[0]
    assert list(receive(esp)) == [
        (Endpoint.of(here, port), source, data) for data in (b"aaaaa", b"bbbbb", b"cc")
    ]


def test_a_reply_leaves_from_the_address_that_was_asked() -> None:
    ike = open_udp(socket.AF_INET, 0)
    with ike, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(5)
        peer.sendto(b"question", ("127.0.0.77", ike.getsockname()[1]))
        assert select.select([ike], [], [], 5)[0]
        ((local, remote, data),) = receive(ike)
        assert (str(local.address), data) == ("127.0.0.77", b"question")
        send(ike, local.address, remote, b"answer")
        assert peer.recvfrom(100) == (b"answer", ("127.0.0.77", local.port))


def test_a_taken_port_is_refused_though_it_could_be_shared(
    family: int, shared: tuple[socket.socket, socket.socket, int]
) -> None:
    with pytest.raises(DataPlaneError) as refused:
        open_pair(family, shared[2])
    assert refused.value.errno == errno.EADDRINUSE
