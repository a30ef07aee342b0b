"""Vendor IDs in use: what a first message announces, and what it is answered with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cygnet.engine.ikev1.extensions import announced, announces_fragmentation, answered
from cygnet.model.config import AuthMethod, AuthRound, Fragmentation
from cygnet.testing.builders import connection
from cygnet.wire.ikev1.payload import Payload
from cygnet.wire.ikev1.vendor_id import VendorId
from cygnet.wire.ikev1.vendors import Extension, identify


def names(payloads: list[Payload]) -> list[str]:
    found = []
    for payload in payloads:
        assert isinstance(payload, VendorId)
        vendor = identify(payload.data)
        assert vendor is not None
        found.append(vendor.name)
    return found


def test_the_first_message_has_the_four_of_the_seed() -> None:
    assert names(announced(connection())) == [
        "XAuth", "DPD", "NAT-T (RFC 3947)", "draft-ietf-ipsec-nat-t-ike-02\\n",
    ]  # fmt: skip


def test_the_answer_has_the_three_of_the_seed() -> None:
    peer = frozenset({Extension.XAUTH, Extension.DPD, Extension.NAT_T, Extension.NAT_T_DRAFT})
    assert names(answered(connection(), peer)) == ["XAuth", "DPD", "NAT-T (RFC 3947)"]


def test_a_peer_of_the_drafts_is_answered_in_their_dialect() -> None:
    peer = frozenset({Extension.NAT_T_DRAFT})
    assert names(answered(connection(), peer))[-1] == "draft-ietf-ipsec-nat-t-ike-02\\n"
    assert names(answered(connection(), frozenset())) == ["XAuth", "DPD"]


@pytest.mark.parametrize(
    ("mode", "announces", "answers"),
    [
        (Fragmentation.NO, False, False),
        (Fragmentation.ACCEPT, True, True),
        (Fragmentation.YES, False, True),
        (Fragmentation.FORCE, True, True),
    ],
)
def test_fragmentation_is_announced_where_it_may_matter(
    mode: Fragmentation, announces: bool, answers: bool
) -> None:
    one = connection(fragmentation=mode)
    assert announces_fragmentation(one) is announces
    assert ("FRAGMENTATION" in names(announced(one))) is announces
    assert ("FRAGMENTATION" in names(answered(one, frozenset({Extension.FRAGMENTATION})))) is answers


def test_certificates_make_large_messages_so_fragmentation_is_announced() -> None:
    assert announces_fragmentation(replace(connection(), local=(AuthRound(AuthMethod.PUBKEY),)))
