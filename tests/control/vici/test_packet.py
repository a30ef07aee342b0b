"""Packets and framing: known bytes, streams cut anywhere, limits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.control.vici.codec import ViciError
from cygnet.control.vici.packet import (
    CMD_REQUEST,
    CMD_UNKNOWN,
    EVENT,
    EVENT_CONFIRM,
    MAX_SEGMENT,
    Framer,
    Packet,
    decode_packet,
    encode_packet,
)

VERSION = b"\x00\x00\x00\x09\x00\x07version"


def test_a_request_is_its_length_type_and_name() -> None:
    assert encode_packet(Packet(CMD_REQUEST, "version", {})) == VERSION
    assert Framer().feed(VERSION) == [Packet(CMD_REQUEST, "version", {})]


def test_packets_come_out_whole_however_the_stream_is_cut() -> None:
    event = Packet(EVENT, "list-sa", {"a": {"b": "c"}})
    stream = VERSION + encode_packet(event) + encode_packet(Packet(EVENT_CONFIRM))
    for step in range(1, len(stream)):
        framer, found = Framer(), []
        for at in range(0, len(stream), step):
            found += framer.feed(stream[at : at + step])
        assert found == [Packet(CMD_REQUEST, "version", {}), event, Packet(EVENT_CONFIRM)]


def test_a_segment_over_the_limit_is_refused_before_it_is_collected() -> None:
    with pytest.raises(ViciError, match="longer than"):
        Framer().feed((MAX_SEGMENT + 1).to_bytes(4, "big"))


@pytest.mark.parametrize("body", [b"", b"\x08", b"\x00", b"\x00\x00", b"\x00\x05abc", b"\x02x"])
def test_broken_packets_are_refused(body: bytes) -> None:
    with pytest.raises(ViciError):
        decode_packet(body)


def test_what_is_no_name_or_too_long_cannot_be_encoded() -> None:
    with pytest.raises(ViciError):
        encode_packet(Packet(CMD_REQUEST, ""))
    with pytest.raises(ViciError, match="longer than"):
        encode_packet(Packet(EVENT, "e", {str(n): "x" * 65000 for n in range(9)}))
    assert encode_packet(Packet(CMD_UNKNOWN)) == b"\x00\x00\x00\x01\x02"


@given(st.binary(max_size=200))
def test_a_random_stream_gives_packets_or_a_vici_error(data: bytes) -> None:
    try:
        for packet in Framer().feed(data):
            assert Framer().feed(encode_packet(packet)) == [packet]
    except ViciError:
        pass
