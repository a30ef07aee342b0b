"""Every IKEv1 payload: known bytes -> value -> the same bytes; truncations and trailing bytes refused."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from cygnet.values.errors import PeerError
from cygnet.values.iana import IdType
from cygnet.values.identity import Identity
from cygnet.wire.ikev1.attribute import Attribute
from cygnet.wire.ikev1.attributes import Attributes
from cygnet.wire.ikev1.certificate import Cert, CertReq
from cygnet.wire.ikev1.delete import Delete
from cygnet.wire.ikev1.fragment import Fragment
from cygnet.wire.ikev1.hash import Hash
from cygnet.wire.ikev1.identification import Id
from cygnet.wire.ikev1.ke import Ke
from cygnet.wire.ikev1.message import PAYLOADS, body_of
from cygnet.wire.ikev1.nat import NatD, NatOa
from cygnet.wire.ikev1.nonce import Nonce
from cygnet.wire.ikev1.notification import Notification
from cygnet.wire.ikev1.numbers import Notify, PayloadType
from cygnet.wire.ikev1.payload import Payload, read
from cygnet.wire.ikev1.sa import Sa, WireProposal, WireTransform
from cygnet.wire.ikev1.signature import Signature
from cygnet.wire.ikev1.vendor_id import VendorId

#: written by hand from the figures of the RFCs: type, body, value, the shortest that is a payload
CASES: list[tuple[PayloadType, str, Payload]] = [
    (
        PayloadType.SA,
        "00000001 00000001"  # IPsec DOI, identity only
        "00000028 01 01 00 01"  # proposal 1, ISAKMP, no SPI, one transform
        "00000020 01 01 0000"  # transform 1, KEY_IKE
        "80010007 800e0080 80020004 8004000e 80030001 800b0001",
        Sa(
            (
                WireProposal(
                    1,
                    1,
                    b"",
                    (
                        WireTransform(
                            1,
                            1,
                            tuple(
                                Attribute.of(*pair)
                                for pair in ((1, 7), (14, 128), (2, 4), (4, 14), (3, 1), (11, 1))
                            ),
                        ),
                    ),
                ),
            )
        ),
    ),
    (PayloadType.KE, "0102030405060708", Ke(bytes(range(1, 9)))),
    (PayloadType.ID, "01 11 01f4 c0000201", Id(Identity(IdType.IPV4_ADDR, b"\xc0\0\2\1"), 17, 500)),
    (PayloadType.CERT, "04 3082", Cert(4, b"\x30\x82")),
    (PayloadType.CERTREQ, "04 3000", CertReq(4, b"\x30\x00")),
    (PayloadType.HASH, "aabbcc", Hash(b"\xaa\xbb\xcc")),
    (PayloadType.SIG, "aabbcc", Signature(b"\xaa\xbb\xcc")),
    (PayloadType.NONCE, "0102030405060708", Nonce(bytes(range(1, 9)))),
    (
        PayloadType.NOTIFY,
        "00000001 01 10 6002 00112233445566778899aabbccddeeff",  # INITIAL-CONTACT
        Notification(Notify.INITIAL_CONTACT, 1, bytes.fromhex("00112233445566778899aabbccddeeff")),
    ),
    (
        PayloadType.NOTIFY,
        "00000001 03 04 000e 01020304 ff",
        Notification(Notify.NO_PROPOSAL_CHOSEN, 3, b"\1\2\3\4", b"\xff"),
    ),
    (
        PayloadType.DELETE,
        "00000001 03 04 0002 01020304 05060708",
        Delete(3, (b"\1\2\3\4", b"\5\6\7\x08")),
    ),
    (PayloadType.VENDOR_ID, "09002689dfd6b712", VendorId(bytes.fromhex("09002689dfd6b712"))),
    (PayloadType.ATTRIBUTES, "01 00 1234 0001 0000", Attributes(1, 0x1234, (Attribute(1, b"", False),))),
    (PayloadType.NAT_D, "00" * 20, NatD(bytes(20))),
    (PayloadType.NAT_D_DRAFT, "01" * 16, NatD(b"\1" * 16, PayloadType.NAT_D_DRAFT)),
    (PayloadType.NAT_D_DRAFT_15, "01" * 16, NatD(b"\1" * 16, PayloadType.NAT_D_DRAFT_15)),
    (PayloadType.NAT_OA, "01 000000 c0000201", NatOa(IPv4Address("192.0.2.1"))),
    (
        PayloadType.NAT_OA_DRAFT,
        "05 000000 20010db8000000000000000000000001",
        NatOa(IPv6Address("2001:db8::1"), PayloadType.NAT_OA_DRAFT),
    ),
    (
        PayloadType.NAT_OA_DRAFT_16,
        "01 000000 c0000201",
        NatOa(IPv4Address("192.0.2.1"), PayloadType.NAT_OA_DRAFT_16),
    ),
    (PayloadType.FRAGMENT, "0001 02 01 abcd", Fragment(1, 2, True, b"\xab\xcd")),
]
IDS = [f"{case[0].name}-{index}" for index, case in enumerate(CASES)]

#: payloads whose body is bytes to their end: any length is some value
OPEN_ENDED = {
    PayloadType.KE, PayloadType.CERT, PayloadType.CERTREQ, PayloadType.HASH, PayloadType.SIG,
    PayloadType.NONCE, PayloadType.NOTIFY, PayloadType.VENDOR_ID, PayloadType.NAT_D, PayloadType.NAT_D_DRAFT,
    PayloadType.NAT_D_DRAFT_15, PayloadType.FRAGMENT,
}  # fmt: skip


def decode(kind: PayloadType, body: bytes) -> Payload:
    with read(body, str(kind)) as reader:
        return PAYLOADS[kind].decode(reader)


def test_there_is_a_case_for_every_row() -> None:
    assert {case[0] for case in CASES} == set(PAYLOADS)


@pytest.mark.parametrize(("kind", "body", "value"), CASES, ids=IDS)
def test_known_bytes_become_a_value_and_the_same_bytes_again(
    kind: PayloadType, body: str, value: Payload
) -> None:
    assert decode(kind, bytes.fromhex(body)) == value
    assert body_of(value) == bytes.fromhex(body)
    assert value.type == kind


@pytest.mark.parametrize(("kind", "body", "value"), CASES, ids=IDS)
def test_every_truncation_is_refused_or_is_another_value(
    kind: PayloadType, body: str, value: Payload
) -> None:
    whole = bytes.fromhex(body)
    for length in range(len(whole)):
        try:
            shorter = decode(kind, whole[:length])
        except PeerError as error:
            assert error.notify in (
                Notify.PAYLOAD_MALFORMED,
                Notify.INVALID_ID_INFORMATION,
                Notify.BAD_PROPOSAL_SYNTAX,
            )
        else:
            assert kind in OPEN_ENDED or (kind is PayloadType.ATTRIBUTES and length == 4)
            assert shorter != value


@pytest.mark.parametrize(("kind", "body", "value"), CASES, ids=IDS)
def test_trailing_bytes_are_refused(kind: PayloadType, body: str, value: Payload) -> None:
    if kind not in OPEN_ENDED:
        with pytest.raises(PeerError):
            decode(kind, bytes.fromhex(body) + b"\0")


@pytest.mark.parametrize("length", [0, 7, 257])
def test_a_nonce_has_8_to_256_bytes(length: int) -> None:
    with pytest.raises(PeerError, match="nonce"):
        decode(PayloadType.NONCE, bytes(length))


def test_a_fragment_numbered_0_or_without_data_is_refused() -> None:
    with pytest.raises(PeerError):
        decode(PayloadType.FRAGMENT, bytes.fromhex("0001 00 01 ab"))
    with pytest.raises(PeerError):
        decode(PayloadType.FRAGMENT, bytes.fromhex("0001 01 01"))


@pytest.mark.parametrize(
    ("body", "notify"),
    [
        ("00000002 00000001", Notify.DOI_NOT_SUPPORTED),
        ("00000001 00000002", Notify.SITUATION_NOT_SUPPORTED),
        ("00000001 00000001 03000008 01010000", Notify.BAD_PROPOSAL_SYNTAX),
        ("00000001 00000001 00000008 01010001", Notify.PAYLOAD_MALFORMED),
        ("00000001 00000001 00000003 01010001", Notify.PAYLOAD_MALFORMED),
        ("00000001 00000001 00000010 01010002 00000008 01010000", Notify.BAD_PROPOSAL_SYNTAX),
    ],
)
def test_an_sa_payload_that_breaks_the_rules_is_refused_by_its_notify(body: str, notify: Notify) -> None:
    with pytest.raises(PeerError) as caught:
        decode(PayloadType.SA, bytes.fromhex(body))
    assert caught.value.notify == notify


def test_a_delete_whose_count_and_size_disagree_with_its_length_is_refused() -> None:
    for body in ("00000001 03 04 0003 01020304 05060708", "00000001 03 00 0000", "00000001 03 00 ffff"):
        with pytest.raises(PeerError):
            decode(PayloadType.DELETE, bytes.fromhex(body))


def test_an_identity_of_the_reserved_type_0_is_refused() -> None:
    with pytest.raises(PeerError) as refused:
        decode(PayloadType.ID, bytes(8))
    assert refused.value.notify == Notify.INVALID_ID_INFORMATION
