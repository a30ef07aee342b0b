"""Whole messages: chains of payloads, how they are listed, and what the rules refuse."""

from __future__ import annotations

import pytest

from cygnet.values.errors import PeerError
from cygnet.values.iana import IdType
from cygnet.values.identity import Identity
from cygnet.wire.header import FLAG_ENCRYPTED, ExchangeType, Header
from cygnet.wire.ikev1.hash import Hash
from cygnet.wire.ikev1.identification import Id
from cygnet.wire.ikev1.ke import Ke
from cygnet.wire.ikev1.message import (
    MOST_PAYLOADS,
    assemble,
    body_of,
    decode_chain,
    describe,
    encode_chain,
    split,
)
from cygnet.wire.ikev1.nat import NatD
from cygnet.wire.ikev1.nonce import Nonce
from cygnet.wire.ikev1.notification import Notification
from cygnet.wire.ikev1.numbers import Notify, PayloadType
from cygnet.wire.ikev1.payload import Payload, Unknown
from cygnet.wire.ikev1.rules import ENCRYPTED_ONLY, RULES, check
from cygnet.wire.ikev1.sa import Sa
from cygnet.wire.ikev1.vendor_id import VendorId

MOON = Id(Identity(IdType.FQDN, b"moon"))
CHAIN: list[Payload] = [MOON, Hash(bytes(20)), Notification(Notify.INITIAL_CONTACT, 1, bytes(16))]


def test_a_chain_survives_the_wire() -> None:
    data = encode_chain(CHAIN)
    chain = decode_chain(PayloadType.ID, data)
    assert list(chain.payloads) == CHAIN
    assert chain.data == data
    assert chain.body(chain.payloads[0]) == body_of(MOON)
    assert chain.after(0) == encode_chain(CHAIN[1:])
    assert chain.after(2) == b""


def test_padding_is_allowed_only_where_a_message_was_encrypted() -> None:
    data = encode_chain(CHAIN)
    assert decode_chain(PayloadType.ID, data + bytes(7), padded=True).data == data
    with pytest.raises(PeerError, match="7 bytes too many"):
        decode_chain(PayloadType.ID, data + bytes(7))


def test_every_truncation_of_a_chain_is_refused() -> None:
    data = encode_chain(CHAIN)
    for length in range(len(data)):
        with pytest.raises(PeerError):
            decode_chain(PayloadType.ID, data[:length], padded=True)


def test_a_payload_shorter_than_its_header_is_refused() -> None:
    with pytest.raises(PeerError, match="HASH payload of 3 bytes"):
        decode_chain(PayloadType.HASH, bytes.fromhex("00000003"))


def test_a_payload_of_unknown_type_keeps_its_bytes() -> None:
    chain = decode_chain(200, bytes.fromhex("00000006abcd"))
    assert chain.payloads == (Unknown(PayloadType(200), b"\xab\xcd"),)
    assert encode_chain(chain.payloads) == bytes.fromhex("00000006abcd")
    assert describe(chain.payloads) == "[ (200) ]"


def test_the_number_of_payloads_is_bounded() -> None:
    many = encode_chain([VendorId(b"x")] * (MOST_PAYLOADS + 1))
    with pytest.raises(PeerError, match="more than 64 payloads"):
        decode_chain(PayloadType.VENDOR_ID, many)


def test_payloads_are_listed_as_charon_lists_them() -> None:
    assert describe([Sa(()), *[VendorId(b"x")] * 4]) == "[ SA V V V V ]"
    assert describe([Ke(b"x"), Nonce(bytes(32)), NatD(b""), NatD(b"")]) == "[ KE No NAT-D NAT-D ]"
    assert describe(CHAIN) == "[ ID HASH N(INITIAL_CONTACT) ]"
    assert describe([Hash(b""), Notification(Notify.DPD_R_U_THERE)]) == "[ HASH N(DPD) ]"
    assert describe([Notification(Notify(24576))]) == "[ N((24576)) ]"
    assert describe([]) == "[ ]"


def test_a_datagram_is_a_header_around_a_chain() -> None:
    header = Header(b"i" * 8, b"r" * 8, 0, ExchangeType.QUICK_MODE, message_id=7, major=1)
    datagram = assemble(header, PayloadType.HASH, b"opaque", encrypted=True)
    again, body = split(datagram)
    assert body == b"opaque"
    assert (again.flags, again.length, again.next_payload) == (FLAG_ENCRYPTED, 34, PayloadType.HASH)


def test_missing_payloads_are_named() -> None:
    chain = decode_chain(PayloadType.ID, encode_chain(CHAIN))
    with pytest.raises(PeerError, match="Ke payload missing"):
        chain.need(Ke)


@pytest.mark.parametrize("exchange", list(RULES))
def test_every_rule_is_enforced(exchange: ExchangeType) -> None:
    for kind, most in RULES[exchange].items():
        if kind not in (PayloadType.NONCE, PayloadType.HASH, PayloadType.VENDOR_ID, PayloadType.ID):
            continue
        payload: Payload = {
            PayloadType.NONCE: Nonce(bytes(8)),
            PayloadType.HASH: Hash(b"x"),
            PayloadType.VENDOR_ID: VendorId(b"x"),
            PayloadType.ID: MOON,
        }[kind]
        check(exchange, decode_chain(kind, encode_chain([payload] * most)), encrypted=True)
        with pytest.raises(PeerError, match=f"more than {most} times"):
            check(exchange, decode_chain(kind, encode_chain([payload] * (most + 1))), encrypted=True)
        if kind in ENCRYPTED_ONLY[exchange]:
            with pytest.raises(PeerError, match="was not encrypted"):
                check(exchange, decode_chain(kind, encode_chain([payload])), encrypted=False)


def test_an_exchange_without_rules_is_refused() -> None:
    with pytest.raises(PeerError, match="NEW_GROUP_MODE is not supported"):
        check(ExchangeType.NEW_GROUP_MODE, decode_chain(0, b""), encrypted=True)


def test_the_rules_and_the_encrypted_table_name_the_same_exchanges() -> None:
    assert set(RULES) == set(ENCRYPTED_ONLY)
