"""Reader and writer: what is taken is checked, and nothing is left over."""

from __future__ import annotations

import pytest

from cygnet.values.errors import PeerError
from cygnet.wire.reader import Reader
from cygnet.wire.writer import Writer


def test_numbers_are_read_in_network_order() -> None:
    reader = Reader(bytes(range(1, 16)))
    assert (reader.u8(), reader.u16(), reader.u32(), reader.u64()) == (
        1,
        0x0203,
        0x04050607,
        0x08090A0B0C0D0E0F,
    )
    reader.done()


@pytest.mark.parametrize("read", ["u8", "u16", "u32", "u64"])
def test_reading_past_the_end_is_the_peers_error(read: str) -> None:
    with pytest.raises(PeerError, match=r"SA payload: . bytes wanted, 0 left") as caught:
        getattr(Reader(b"", "SA payload", malformed=16), read)()
    assert caught.value.notify == 16


def test_a_negative_length_is_refused() -> None:
    with pytest.raises(PeerError):
        Reader(b"abc").take(-1)
    with pytest.raises(PeerError):
        Reader(b"abc").sub(-1)


def test_a_sub_range_must_be_consumed_exactly() -> None:
    reader = Reader(b"abcdef")
    with pytest.raises(PeerError, match="inner: 1 bytes too many"), reader.sub(3, "inner") as inner:
        inner.u16()
    with pytest.raises(PeerError, match="2 bytes wanted, 1 left"), reader.sub(1, "inner") as inner:
        inner.u16()
    assert reader.rest() == b"ef"


def test_a_sub_range_cannot_reach_out_of_its_parent() -> None:
    with pytest.raises(PeerError, match="part of 4 bytes, 3 left"):
        Reader(b"abc").sub(4)
    inner = Reader(b"abcdef").sub(3)
    assert inner.rest() == b"abc"
    assert inner.left == 0


def test_an_error_inside_a_sub_range_is_not_replaced_by_its_leftover() -> None:
    with pytest.raises(ValueError, match="mine"), Reader(b"abc").sub(3):
        raise ValueError("mine")


def test_a_sized_block_counts_from_where_it_is_told() -> None:
    writer = Writer().u8(1)
    with writer.sized(since=0):
        writer.put(b"xyz")
    assert writer.bytes() == b"\x01\x00\x06xyz"


def test_a_number_that_does_not_fit_is_our_bug() -> None:
    with pytest.raises(OverflowError):
        Writer().u8(256)
