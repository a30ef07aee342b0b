"""SA payloads: structure, unknown attributes, and proposals that can never be chosen."""

from __future__ import annotations

import pytest

from cygnet.values.errors import PeerError
from cygnet.values.iana import EncrId, Protocol, TransformType
from cygnet.values.proposal import Proposal, Transform, match
from cygnet.wire.ikev2.sa import UNUSABLE, SaPayload
from cygnet.wire.reader import Reader


def decode(text: str) -> SaPayload:
    return SaPayload.decode(Reader(bytes.fromhex(text)))


def test_a_transform_with_an_unknown_attribute_is_never_chosen() -> None:
    # ENCR AES_CBC with key length 128 and attribute 99 (short form)
    value = decode("00000018 01010001 00000010 0100000c 800e0080 80630001")
    (transform,) = value.proposals[0].transforms
    assert transform.id == EncrId.AES_CBC | UNUSABLE
    ours = Proposal(Protocol.IKE, (Transform(TransformType.ENCR, EncrId.AES_CBC, 128),))
    assert match(ours, value.proposals[0]) is None


def test_a_long_attribute_that_leaves_its_transform_is_refused() -> None:
    with pytest.raises(PeerError):
        decode("00000014 01010001 0000000c 0100000c 00630008")


def test_unknown_transform_types_and_numbers_are_kept() -> None:
    value = decode("00000010 01010001 00000008 f100ffff")
    (transform,) = value.proposals[0].transforms
    assert (transform.type, transform.id) == (0xF1, 0xFFFF)
    assert value.encode().hex() == "0000001001010001" + "00000008f100ffff"


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("more is neither 0 nor 2", "01000010 01010001 00000008 0100000c"),
        ("length below the head", "00000007 01010001 00000008 0100000c"),
        ("length beyond the payload", "00000014 01010001 00000008 0100000c"),
        ("another number of transforms", "00000010 01010002 00000008 0100000c"),
        ("'more' on the last transform", "00000010 01010001 03000008 0100000c"),
        ("'last' on the first of two", "00000018 01010002 00000008 0100000c 00000008 02000005"),
        ("transform below its head", "00000010 01010001 00000007 0100000c"),
        ("SPI longer than the proposal", "00000010 01010c01 00000008 0100000c"),
        ("more proposals announced", "02000010 01010001 00000008 0100000c"),
        ("nothing at all", ""),
    ],
)
def test_a_malformed_proposal_is_refused(what: str, text: str) -> None:
    with pytest.raises(PeerError):
        decode(text)
