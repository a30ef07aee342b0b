"""The delay line, with pipes in place of devices and times in place of a clock."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from cygnet.lab import wire
from cygnet.lab.wire import Direction


@pytest.fixture
def line() -> Iterator[tuple[socket.socket, Direction, socket.socket]]:
    """(what is put in, a direction of 50 ms, what comes out)"""
    put, source = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sink, out = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in (put, source, sink, out):
        end.setblocking(False)
    yield put, Direction(source.fileno(), sink.fileno(), 0.05), out
    for end in (put, source, sink, out):
        end.close()


def arrived(out: socket.socket) -> list[bytes]:
    packets = []
    while True:
        try:
            packets.append(out.recv(100))
        except BlockingIOError:
            return packets


def test_packets_arrive_after_the_delay_in_their_order(
    line: tuple[socket.socket, Direction, socket.socket],
) -> None:
    put, direction, out = line
    put.send(b"one")
    direction.take(now=10.0)
    put.send(b"two")
    direction.take(now=10.02)
    direction.deliver(now=10.049)
    assert arrived(out) == []
    direction.deliver(now=10.05)
    assert arrived(out) == [b"one"]
    direction.deliver(now=11.0)
    assert arrived(out) == [b"two"]


def test_what_the_cable_cannot_hold_is_dropped(
    line: tuple[socket.socket, Direction, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "QUEUE_LIMIT", 2)
    put, direction, out = line
    for packet in (b"1", b"2", b"3"):
        put.send(packet)
    direction.take(now=0.0)
    direction.deliver(now=1.0)
    assert arrived(out) == [b"1", b"2"]
