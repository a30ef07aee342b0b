"""NAT detection hashes, and what they say about either end."""

from __future__ import annotations

import hashlib
from ipaddress import ip_address

from cygnet.engine.ikev2.nat import detect, nat_hash, nat_notifies
from cygnet.values.endpoint import Endpoint
from cygnet.wire.header import ExchangeType
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType

SPI_I, SPI_R = b"initiato", b"responde"
HOST, NAT, SERVER = (Endpoint.of(a) for a in ("10.0.0.2", "198.51.100.1", "203.0.113.1"))


def sent(
    local: Endpoint, remote: Endpoint, fake: bool = False, more: tuple[NotifyPayload, ...] = ()
) -> Message:
    notifies = (*more, *nat_notifies(SPI_I, SPI_R, local, remote, fake))
    return Message(SPI_I, SPI_R, ExchangeType.IKE_SA_INIT, 0, True, False, notifies)


def test_the_hash_is_sha1_over_spis_address_and_port() -> None:
    octets = SPI_I + SPI_R + ip_address("10.0.0.2").packed + b"\x01\xf4"
    assert nat_hash(SPI_I, SPI_R, HOST) == hashlib.sha1(octets).digest()
    six = Endpoint.of("2001:db8::1", 4500)
    octets = SPI_I + SPI_R + ip_address("2001:db8::1").packed + b"\x11\x94"
    assert nat_hash(SPI_I, SPI_R, six) == hashlib.sha1(octets).digest()


def test_who_is_behind_a_nat() -> None:
    message = sent(HOST, SERVER)
    assert detect(message, SERVER, HOST) == (False, False)
    assert detect(message, SERVER, NAT) == (False, True)  # it came from another address than it says
    assert detect(message, Endpoint.of("10.77.0.1"), HOST) == (True, False)  # it was sent to another one
    assert detect(message, SERVER, HOST.with_port(1024)) == (False, True)


def test_one_of_several_source_hashes_is_enough() -> None:
    other = NotifyPayload(NotifyType.NAT_DETECTION_SOURCE_IP, nat_hash(SPI_I, SPI_R, NAT))
    assert detect(sent(HOST, SERVER, more=(other,)), SERVER, NAT) == (False, False)


def test_a_faked_source_looks_like_a_nat() -> None:
    assert detect(sent(HOST, SERVER, fake=True), SERVER, HOST) == (False, True)


def test_a_peer_that_says_nothing_does_not_do_nat_traversal() -> None:
    message = Message(SPI_I, SPI_R, ExchangeType.IKE_SA_INIT, 0, True, False)
    assert detect(message, SERVER, NAT) is None
