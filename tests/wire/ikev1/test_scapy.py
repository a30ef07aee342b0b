"""The same messages through scapy's ISAKMP layer, an implementation that is not ours."""

from __future__ import annotations

import pytest

from cygnet.values.iana import EncrId, IntegId, KeId, PrfId, Protocol, TransformType
from cygnet.values.proposal import Proposal, Transform
from cygnet.wire.header import ExchangeType, Header
from cygnet.wire.ikev1 import oakley
from cygnet.wire.ikev1.message import assemble, decode_chain, encode_chain, split
from cygnet.wire.ikev1.nonce import Nonce
from cygnet.wire.ikev1.numbers import OakleyAuth, PayloadType
from cygnet.wire.ikev1.sa import Sa
from cygnet.wire.ikev1.vendor_id import VendorId

isakmp = pytest.importorskip("scapy.layers.isakmp")
T = TransformType
PROPOSAL = Proposal(
    Protocol.IKE,
    (
        Transform(T.ENCR, EncrId.AES_CBC, 256),
        Transform(T.INTEG, IntegId.HMAC_SHA2_256_128),
        Transform(T.PRF, PrfId.HMAC_SHA2_256),
        Transform(T.KE, KeId.MODP_2048),
    ),
)


def test_scapy_reads_our_first_main_mode_message() -> None:
    sa = oakley.offer([PROPOSAL], OakleyAuth.PSK, 28800)
    assert sa is not None
    header = Header(b"\1" * 8, bytes(8), 0, ExchangeType.ID_PROT, major=1)
    datagram = assemble(header, PayloadType.SA, encode_chain([sa, VendorId(bytes(16))]))
    packet = isakmp.ISAKMP(datagram)
    assert (packet.init_cookie, packet.exch_type, packet.length) == (b"\1" * 8, 2, len(datagram))
    transform = packet[isakmp.ISAKMP_payload_SA].prop.trans
    text = repr(transform.transforms)
    for word in ("AES-CBC", "256", "SHA2-256", "2048", "PSK", "28800"):
        assert word in text, f"{word} not in {text}"
    assert packet[isakmp.ISAKMP_payload_VendorID].VendorID == bytes(16)


def test_we_read_what_scapy_builds() -> None:
    transforms = [
        ("Encryption", "AES-CBC"), ("KeyLength", 256), ("Hash", "SHA2-256"), ("GroupDesc", "2048MODPgr"),
        ("Authentication", "PSK"), ("LifeType", "Seconds"), ("LifeDuration", 28800),
    ]  # fmt: skip
    packet = (
        isakmp.ISAKMP(init_cookie=b"\1" * 8, exch_type=2)
        / isakmp.ISAKMP_payload_SA(
            prop=isakmp.ISAKMP_payload_Proposal(
                trans_nb=1, trans=isakmp.ISAKMP_payload_Transform(transform_count=1, transforms=transforms)
            )
        )
        / isakmp.ISAKMP_payload_Nonce(nonce=b"n" * 16)
    )
    header, body = split(bytes(packet))
    chain = decode_chain(header.next_payload, body)
    (offer,) = oakley.offers(chain.need(Sa))
    assert offer.proposal.transforms == PROPOSAL.transforms
    assert offer.lifetime == 28800
    assert chain.need(Nonce).data == b"n" * 16
