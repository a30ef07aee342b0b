"""The control channel between daemon and worker."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from cygnet.dataplane.tun.channel import Channel
from tests.dataplane.packets import CBC, SHA256, pair


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    channels = Channel(one), Channel(other)
    yield channels
    for channel in channels:
        channel.close()


def test_messages_arrive_whole_and_in_order(ends: tuple[Channel, Channel]) -> None:
    near, far = ends
    spec = pair(CBC, SHA256).out
    near.send("install_sa", spec)
    near.send("stop")
    assert far.receive() == ([("install_sa", spec), ("stop",)], True)
    assert far.receive() == ([], True)


def test_neither_end_waits_when_the_other_does_not_read(ends: tuple[Channel, Channel]) -> None:
    near, far = ends
    for number in range(3000):
        near.send("report", number, bytes(2000))
    assert near.backlog
    found: list[int] = []
    while near.backlog or len(found) < 3000:
        messages, _ = far.receive()
        found += [message[1] for message in messages]
        near.flush()
    assert found == list(range(3000))


def test_a_message_that_came_in_pieces_is_put_together(ends: tuple[Channel, Channel]) -> None:
    near, far = ends
    big = bytes(range(256)) * 20000
    near.send("big", big)
    messages: list[tuple[object, ...]] = []
    while not messages:
        near.flush()
        messages = far.receive()[0]
    assert messages == [("big", big)]


def test_what_was_said_before_the_end_is_still_heard(ends: tuple[Channel, Channel]) -> None:
    near, far = ends
    near.send("last words")
    near.close()
    assert far.receive() == ([("last words",)], False)
    far.send("into the void")
    assert not far.backlog
