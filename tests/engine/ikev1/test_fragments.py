"""Cisco's fragmentation: cutting, putting together, and its bounds."""

from __future__ import annotations

import pytest

from cygnet.engine.ikev1.fragments import Reassembly, room, split
from cygnet.values.errors import PeerError
from cygnet.wire.header import HEADER_LENGTH, ExchangeType, Header
from cygnet.wire.ikev1.fragment import Fragment
from cygnet.wire.ikev1.message import assemble, encode_chain
from cygnet.wire.ikev1.numbers import PayloadType

HEADER = Header(b"i" * 8, b"r" * 8, 0, ExchangeType.ID_PROT, major=1)
MESSAGE = assemble(HEADER, PayloadType.ID, bytes(range(256)) * 8)


def feed(reassembly: Reassembly, datagram: bytes) -> bytes | None:
    return reassembly.add(Header.decode(datagram), datagram[HEADER_LENGTH:])


def piece(id: int, number: int, data: bytes, last: bool = False) -> bytes:
    return assemble(HEADER, PayloadType.FRAGMENT, encode_chain([Fragment(id, number, last, data)]))


@pytest.mark.parametrize("size", [100, 300, 1000, len(MESSAGE) - 1])
def test_a_message_is_cut_to_size_and_put_together_again(size: int) -> None:
    pieces = split(MESSAGE, size, 7)
    assert len(pieces) > 1
    assert max(map(len, pieces)) <= size
    reassembly = Reassembly(10_000)
    assert [feed(reassembly, p) for p in pieces] == [None] * (len(pieces) - 1) + [MESSAGE]
    assert reassembly.note == (
        f"received fragment #{len(pieces)}, reassembled fragmented IKE message ({len(MESSAGE)} bytes)"
    )


def test_what_fits_is_not_cut() -> None:
    assert split(MESSAGE, len(MESSAGE), 7) == [MESSAGE]


def test_fragments_keep_the_header_of_the_message_but_are_not_encrypted() -> None:
    encrypted = assemble(HEADER, PayloadType.ID, bytes(500), encrypted=True)
    header = Header.decode(split(encrypted, 300, 7)[0])
    assert (header.spi_i, header.exchange, header.flags) == (HEADER.spi_i, HEADER.exchange, 0)
    assert header.next_payload == PayloadType.FRAGMENT


def test_order_and_repetitions_do_not_matter() -> None:
    pieces = split(MESSAGE, 300, 7)
    reassembly = Reassembly(10_000)
    for datagram in (*pieces[1:], *pieces[1:]):
        assert feed(reassembly, datagram) is None
    assert reassembly.note == f"received duplicate fragment #{len(pieces)}"
    assert feed(reassembly, pieces[0]) == MESSAGE


def test_a_fragment_of_another_message_replaces_what_is_there() -> None:
    reassembly = Reassembly(10_000)
    feed(reassembly, piece(1, 1, b"old"))
    feed(reassembly, piece(2, 1, b"new "))
    assert feed(reassembly, piece(2, 2, b"message", last=True)) == b"new message"


def test_too_much_is_refused_and_forgotten() -> None:
    reassembly = Reassembly(1000)
    feed(reassembly, piece(1, 1, bytes(900)))
    with pytest.raises(PeerError, match="too large"):
        feed(reassembly, piece(1, 2, bytes(900)))
    assert feed(reassembly, piece(1, 1, b"x", last=True)) == b"x"


@pytest.mark.parametrize(
    ("size", "version", "marker", "left"),
    [
        (1280, 4, False, 1252),
        (1280, 4, True, 1248),
        (1280, 6, True, 1228),
        (0, 4, False, 548),
        (0, 6, False, 1232),
    ],
)
def test_room_is_what_the_headers_below_leave(size: int, version: int, marker: bool, left: int) -> None:
    assert room(size, version, marker) == left
