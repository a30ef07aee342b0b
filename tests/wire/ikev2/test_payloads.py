"""Every payload of the table: known bytes -> value -> the same bytes; nothing short or long is taken."""

from __future__ import annotations

import random
from ipaddress import ip_address

import pytest

from cygnet.values.errors import PeerError
from cygnet.values.iana import EncrId, IdType, KeId, PrfId, Protocol, TransformType
from cygnet.values.identity import Identity
from cygnet.values.proposal import Proposal, Transform
from cygnet.values.selector import TrafficSelector
from cygnet.wire.ikev2.auth import AuthPayload
from cygnet.wire.ikev2.cert import CertPayload
from cygnet.wire.ikev2.certreq import CertReqPayload
from cygnet.wire.ikev2.cp import ConfigItem, CpPayload
from cygnet.wire.ikev2.delete import DeletePayload
from cygnet.wire.ikev2.eap import EapPayload
from cygnet.wire.ikev2.encrypted import SkfPayload, SkPayload
from cygnet.wire.ikev2.identification import IdIPayload, IdRPayload
from cygnet.wire.ikev2.ke import KePayload
from cygnet.wire.ikev2.nonce import NoncePayload
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.numbers import (
    AuthMethodId,
    CertEncoding,
    ConfigAttribute,
    ConfigType,
    EapCode,
    SelectorType,
)
from cygnet.wire.ikev2.payload import Decodable
from cygnet.wire.ikev2.payloads import PAYLOADS
from cygnet.wire.ikev2.sa import SaPayload
from cygnet.wire.ikev2.ts import TsIPayload, TsRPayload
from cygnet.wire.ikev2.vendor import VendorPayload
from cygnet.wire.reader import Reader

SA = SaPayload(
    (
        Proposal(
            Protocol.IKE,
            (
                Transform(TransformType.ENCR, EncrId.AES_CBC, 128),
                Transform(TransformType.PRF, PrfId.HMAC_SHA2_256),
            ),
            b"",
            1,
        ),
        Proposal(
            Protocol.ESP, (Transform(TransformType.ENCR, EncrId.CHACHA20_POLY1305),), b"\xc1\x02\x03\x04", 2
        ),
    )
)
TS = (
    TrafficSelector.of("10.1.0.0/16"),
    TrafficSelector.of("2001:db8::/64", 6, 80, 80),
)

#: (value, its body in hex), written down from the figures of RFC 7296 §3
KNOWN: list[tuple[Decodable, str]] = [
    (
        SA,
        "0200001c 01010002 0300000c 0100000c 800e0080 00000008 02000005"
        "00000014 02030401 c1020304 00000008 0100001c",
    ),
    (KePayload(KeId.CURVE_25519, bytes(range(32))), "001f0000" + bytes(range(32)).hex()),
    (IdIPayload(Identity(IdType.FQDN, b"moon.example")), "02000000" + b"moon.example".hex()),
    (IdRPayload(Identity(IdType.IPV4_ADDR, bytes([192, 0, 2, 1]))), "01000000 c0000201"),
    (CertPayload(CertEncoding.X509_SIGNATURE, b"\x30\x00"), "04 3000"),
    (CertReqPayload(CertEncoding.X509_SIGNATURE, b"a" * 20), "04" + b"a".hex() * 20),
    (AuthPayload(AuthMethodId.SHARED_KEY, b"\x11" * 32), "02000000" + "11" * 32),
    (NoncePayload(b"\x22" * 32), "22" * 32),
    (NotifyPayload(NotifyType.COOKIE, b"abc"), "00004006 616263"),
    (
        NotifyPayload(NotifyType.REKEY_SA, b"", Protocol.ESP, b"\xc1\x02\x03\x04"),
        "03044009 c1020304",
    ),
    (DeletePayload(Protocol.IKE), "01000000"),
    (DeletePayload(Protocol.ESP, (b"\1\2\3\4", b"\5\6\7\x08")), "03040002 01020304 05060708"),
    (VendorPayload(b"hello"), b"hello".hex()),
    (
        TsIPayload(TS),
        "02000000 07000010 0000ffff 0a010000 0a01ffff"
        "08060028 00500050 20010db8000000000000000000000000 20010db800000000ffffffffffffffff",
    ),
    (
        TsRPayload(TS[:1], ((SelectorType.SECLABEL, b"\x00label"),)),
        "02000000 07000010 0000ffff 0a010000 0a01ffff 0a000009 6c6162656c",
    ),
    (SkPayload(b"x" * 40), "78" * 40),
    (SkfPayload(b"x" * 40, 2, 3), "00020003" + "78" * 40),
    (
        CpPayload(
            ConfigType.REPLY,
            (
                ConfigItem(ConfigAttribute.INTERNAL_IP4_ADDRESS, ip_address("10.9.0.1").packed),
                ConfigItem(ConfigAttribute.INTERNAL_IP4_DNS),
            ),
        ),
        "02000000 00010004 0a090001 00030000",
    ),
    (EapPayload(EapCode.REQUEST, 7, b"\x01hi"), "01070007 016869"),
]
#: payload types whose body is a run of bytes to its end: cutting it gives a shorter valid one
OPEN_ENDED = (VendorPayload, NotifyPayload, KePayload, IdIPayload, CertPayload, CertReqPayload, AuthPayload,
              NoncePayload, SkPayload, SkfPayload)  # fmt: skip


def ids(case: tuple[Decodable, str]) -> str:
    return str(case[0])


def decode(kind: type[Decodable], data: bytes) -> Decodable:
    return kind.decode(Reader(data, kind.__name__))


def test_the_table_is_keyed_by_the_types_own_number_and_every_row_has_an_example() -> None:
    assert all(number == kind.TYPE for number, kind in PAYLOADS.items())
    assert {type(value) for value, _ in KNOWN} == set(PAYLOADS.values())


@pytest.mark.parametrize("case", KNOWN, ids=ids)
def test_known_bytes_become_the_value_and_the_same_bytes_again(case: tuple[Decodable, str]) -> None:
    value, text = case
    data = bytes.fromhex(text)
    assert decode(type(value), data) == value
    assert value.encode() == data


@pytest.mark.parametrize("case", [c for c in KNOWN if not isinstance(c[0], OPEN_ENDED)], ids=ids)
def test_every_truncation_and_every_trailing_byte_is_refused(case: tuple[Decodable, str]) -> None:
    value, text = case
    data = bytes.fromhex(text)
    for length in range(len(data)):
        shorter = data[:length]
        try:
            found = decode(type(value), shorter)
        except PeerError as error:
            assert error.notify == NotifyType.INVALID_SYNTAX
        else:  # a configuration payload may end behind any attribute
            assert isinstance(found, CpPayload) and found.encode() == shorter
    with pytest.raises(PeerError):
        decode(type(value), data + b"\0")


def test_a_truncated_head_of_an_open_ended_payload_is_refused() -> None:
    for kind, least in (
        (KePayload, 4),
        (IdIPayload, 4),
        (CertPayload, 1),
        (CertReqPayload, 1),
        (AuthPayload, 4),
        (NoncePayload, 16),
        (NotifyPayload, 4),
        (SkfPayload, 4),
    ):
        for length in range(least):
            with pytest.raises(PeerError):
                decode(kind, bytes(length))


@pytest.mark.parametrize("case", KNOWN, ids=ids)
def test_noise_becomes_a_value_that_can_be_written_or_a_peer_error(case: tuple[Decodable, str]) -> None:
    seed = 7296
    rng = random.Random(seed)
    kind, data = type(case[0]), bytes.fromhex(case[1])
    for _ in range(400):
        noisy = bytearray(data)
        for _ in range(rng.randint(1, 4)):
            noisy[rng.randrange(len(noisy))] = rng.randrange(256)
        if rng.random() < 0.3:
            del noisy[rng.randrange(len(noisy)) :]
        try:
            value = decode(kind, bytes(noisy))
        except PeerError:
            continue
        assert str(value), f"seed {seed}"


def test_a_nonce_has_16_to_256_bytes() -> None:
    for length in (0, 15, 257):
        with pytest.raises(PeerError, match="nonce"):
            decode(NoncePayload, bytes(length))
    for length in (16, 256):
        assert decode(NoncePayload, bytes(length)) == NoncePayload(bytes(length))


def test_an_address_identity_has_the_length_of_its_family() -> None:
    with pytest.raises(PeerError):
        decode(IdIPayload, bytes.fromhex("01000000 c00002"))
    with pytest.raises(PeerError):
        decode(IdIPayload, bytes.fromhex("05000000 c0000201"))


def test_a_delete_with_spis_of_the_wrong_size_is_refused() -> None:
    for text in ("03080001 0102030405060708", "01040001 01020304", "03040000", "03000001", "03000000"[:8]):
        if text == "03000000":
            continue
        with pytest.raises(PeerError):
            decode(DeletePayload, bytes.fromhex(text))


def test_a_selector_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(PeerError, match="range"):
        decode(TsIPayload, bytes.fromhex("01000000 07000010 0000ffff 0a010002 0a010001"))


def test_an_opaque_port_selector_is_kept() -> None:
    value = decode(TsIPayload, bytes.fromhex("01000000 07110010 ffff0000 0a010001 0a010001"))
    assert isinstance(value, TsIPayload) and value.selectors[0].ports == (65535, 0)


def test_an_identity_of_the_reserved_type_0_is_refused() -> None:
    for payload in (IdIPayload, IdRPayload):
        with pytest.raises(PeerError):
            payload.decode(Reader(bytes(8), "ID"))
