"""RFC 5685 §7.2: gateways in REDIRECT and REDIRECTED_FROM."""

from __future__ import annotations

import pytest

from cygnet.values.errors import PeerError
from cygnet.wire.ikev2.gateway import Gateway
from cygnet.wire.ikev2.numbers import GatewayType

BYTES = {
    "192.0.2.80": bytes.fromhex("0104c0000250"),
    "2001:db8::80": bytes.fromhex("0210 20010db8000000000000000000000080"),
    "gw2.example.org": b"\x03\x0fgw2.example.org",
}


@pytest.mark.parametrize("text", BYTES)
def test_known_bytes_become_a_gateway_and_the_same_bytes_again(text: str) -> None:
    gateway, nonce = Gateway.decode(BYTES[text])
    assert str(gateway) == text and nonce == b""
    assert gateway == Gateway.parse(text)
    assert gateway.encode() == BYTES[text]


def test_what_stands_behind_the_gateway_is_the_nonce() -> None:
    gateway = Gateway.parse("192.0.2.80")
    assert Gateway.decode(gateway.encode(bytes(32))) == (gateway, bytes(32))


@pytest.mark.parametrize("text", BYTES)
def test_every_truncation_is_refused(text: str) -> None:
    for length in range(len(BYTES[text])):
        with pytest.raises(PeerError):
            Gateway.decode(BYTES[text][:length])


@pytest.mark.parametrize(
    "data",
    [b"\x01\x05\xc0\x00\x02\x50\x00", b"\x02\x04\xc0\x00\x02\x50", b"\x04\x04\xc0\x00\x02\x50", b"\x03\x00",
     b"\x03\x0310.", b"\x03\x03a b", b"\x03\x04\xff\xfe\xfd\xfc", b"\x03\xfe" + b"a" * 254],
)  # fmt: skip
def test_what_is_no_gateway_is_refused(data: bytes) -> None:
    with pytest.raises(PeerError):
        Gateway.decode(data)


@pytest.mark.parametrize("text", ["", "a b", "1.2.3", "ä.example.org", "x" * 254])
def test_words_that_are_no_gateway_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="neither an IP address nor a host name"):
        Gateway.parse(text)


def test_a_gateway_of_another_type_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="4 bytes of identity"):
        Gateway(GatewayType(9), b"abcd")
