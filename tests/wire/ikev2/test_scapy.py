"""Messages read and written by scapy's IKEv2 layer: a second opinion about every field."""

from __future__ import annotations

import pytest

scapy_ikev2 = pytest.importorskip("scapy.contrib.ikev2")

from cygnet.wire.header import ExchangeType, Header  # noqa: E402
from cygnet.wire.ikev2.auth import AuthPayload  # noqa: E402
from cygnet.wire.ikev2.delete import DeletePayload  # noqa: E402
from cygnet.wire.ikev2.identification import IdIPayload, IdRPayload  # noqa: E402
from cygnet.wire.ikev2.message import Message  # noqa: E402
from cygnet.wire.ikev2.notify import NotifyPayload  # noqa: E402
from cygnet.wire.ikev2.notify_types import NotifyType  # noqa: E402
from cygnet.wire.ikev2.payload import Payload  # noqa: E402
from cygnet.wire.ikev2.ts import TsIPayload  # noqa: E402
from tests.wire.ikev2.samples import INIT  # noqa: E402
from tests.wire.ikev2.test_payloads import KNOWN  # noqa: E402


def layers(packet: object) -> list[str]:
    names = []
    while packet is not None and packet.__class__.__name__ != "NoPayload":
        names.append(packet.__class__.__name__)
        packet = packet.payload  # type: ignore[attr-defined]
    return names


def message(*payloads: Payload) -> Message:
    return Message(b"initiato", b"responde", ExchangeType.INFORMATIONAL, 3, True, False, payloads)


def test_scapy_reads_our_ike_sa_init() -> None:
    packet = scapy_ikev2.IKEv2(INIT.encode())
    assert (packet.init_SPI, packet.resp_SPI, packet.exch_type, packet.id) == (b"initiato", bytes(8), 34, 0)
    assert packet.length == len(INIT.encode()) and int(packet.flags) == 0x08
    assert layers(packet)[:4] == ["IKEv2", "IKEv2_SA", "IKEv2_KE", "IKEv2_Nonce"]
    proposal = packet[scapy_ikev2.IKEv2_SA].prop
    assert (proposal.proposal, proposal.proto, proposal.SPIsize, proposal.trans_nb) == (1, 1, 0, 8)
    transform = proposal.trans
    found = []
    while transform and transform.__class__.__name__ != "NoPayload":
        found.append((transform.transform_type, transform.transform_id, transform.key_length))
        transform = transform.payload
    assert found[:3] == [(1, 12, 128), (1, 12, 256), (3, 12, None)]
    assert packet[scapy_ikev2.IKEv2_KE].group == 14
    assert packet[scapy_ikev2.IKEv2_KE].ke == bytes(range(256))
    assert packet[scapy_ikev2.IKEv2_Nonce].nonce == bytes(range(32))
    notify = packet[scapy_ikev2.IKEv2_Notify]
    assert (notify.type, notify.notify) == (16388, b"s" * 20)


def test_scapy_reads_our_other_payloads() -> None:
    ours = message(
        *(
            v
            for v, _ in KNOWN
            if isinstance(v, IdIPayload | IdRPayload | AuthPayload | TsIPayload | DeletePayload)
        )
    )
    packet = scapy_ikev2.IKEv2(ours.encode())
    assert packet[scapy_ikev2.IKEv2_IDi].ID == b"moon.example"
    assert packet[scapy_ikev2.IKEv2_AUTH].auth_type == 2
    assert packet[scapy_ikev2.IKEv2_TSi].number_of_TSs == 2
    assert packet[scapy_ikev2.IKEv2_Delete].proto == 1


def test_we_read_what_scapy_writes() -> None:
    packet = (
        scapy_ikev2.IKEv2(init_SPI=b"scapyspi", exch_type=34, flags="Initiator")
        / scapy_ikev2.IKEv2_Nonce(nonce=b"n" * 20)
        / scapy_ikev2.IKEv2_Notify(type=16390, notify=b"cookie")
    )
    data = bytes(packet)
    ours = Message.decode(data, Header.decode(data))
    assert (ours.spi_i, ours.exchange, ours.from_initiator) == (b"scapyspi", ExchangeType.IKE_SA_INIT, True)
    assert ours.payloads[1] == NotifyPayload(NotifyType.COOKIE, b"cookie")
    assert ours.encode() == data
