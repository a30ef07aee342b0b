"""RFC 2408 §3.1, RFC 7296 §3.1: the header both versions share."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cygnet.values.errors import PeerError
from cygnet.wire.header import FLAG_ENCRYPTED, ExchangeType, Header

MAIN_MODE = bytes.fromhex("1122334455667788000000000000000001100200000000000000001c")


def test_known_bytes_become_a_header_and_the_same_bytes_again() -> None:
    header = Header.decode(MAIN_MODE)
    assert header == Header(
        bytes.fromhex("1122334455667788"), bytes(8), 1, ExchangeType.ID_PROT, 0, 0, 28, major=1, minor=0
    )
    assert header.encode() == MAIN_MODE
    assert str(header.exchange) == "ID_PROT"


def test_every_truncation_is_dropped_silently() -> None:
    for length in range(len(MAIN_MODE)):
        with pytest.raises(PeerError) as caught:
            Header.decode(MAIN_MODE[:length])
        assert caught.value.notify == 0


@pytest.mark.parametrize("length", [0, 27, 29, 0xFFFFFFFF])
def test_a_length_that_disagrees_with_the_datagram_is_refused(length: int) -> None:
    with pytest.raises(PeerError, match="the message has 28"):
        Header.decode(MAIN_MODE[:24] + length.to_bytes(4))


def test_unknown_exchange_types_and_flags_survive() -> None:
    header = replace(Header.decode(MAIN_MODE), exchange=ExchangeType(240), flags=FLAG_ENCRYPTED | 0xE0)
    again = Header.decode(header.encode())
    assert again == header
    assert str(again.exchange) == "UNKNOWN_240"


def test_a_header_with_a_short_spi_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="8 bytes"):
        Header(b"1234", bytes(8), 0, ExchangeType.ID_PROT)
