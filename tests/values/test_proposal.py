"""Proposals: which algorithms both sides can do (RFC 7296 §3.3)."""

from __future__ import annotations

from cygnet.values.iana import EncrId, EsnId, IntegId, KeId, Protocol, TransformType
from cygnet.values.proposal import Proposal, Transform, match, select

AES128 = Transform(TransformType.ENCR, EncrId.AES_CBC, 128)
AES256 = Transform(TransformType.ENCR, EncrId.AES_CBC, 256)
GCM = Transform(TransformType.ENCR, EncrId.AES_GCM_16, 128)
SHA256 = Transform(TransformType.INTEG, IntegId.HMAC_SHA2_256_128)
SHA1 = Transform(TransformType.INTEG, IntegId.HMAC_SHA1_96)
NO_INTEG = Transform(TransformType.INTEG, IntegId.NONE)
MODP = Transform(TransformType.KE, KeId.MODP_2048)
NO_KE = Transform(TransformType.KE, KeId.NONE)
NO_ESN = Transform(TransformType.ESN, EsnId.NO_ESN)


def esp(*transforms: Transform, spi: bytes = b"", number: int = 0) -> Proposal:
    return Proposal(Protocol.ESP, transforms, spi, number)


def test_one_transform_of_each_type_is_chosen_in_our_order() -> None:
    ours, theirs = esp(AES256, AES128, SHA256), esp(AES128, AES256, SHA1, SHA256, spi=b"abcd", number=2)
    assert match(ours, theirs) == esp(AES256, SHA256, spi=b"abcd", number=2)
    assert match(ours, theirs, prefer_theirs=True) == esp(AES128, SHA256, spi=b"abcd", number=2)


def test_key_lengths_are_part_of_the_algorithm() -> None:
    assert match(esp(AES128, SHA256), esp(AES256, SHA256)) is None


def test_a_type_that_only_one_side_insists_on_is_no_match() -> None:
    assert match(esp(AES128, SHA256), esp(AES128, SHA256, MODP)) is None
    assert match(esp(AES128, SHA256, MODP), esp(AES128, SHA256)) is None


def test_none_among_the_transforms_makes_a_type_optional() -> None:
    assert match(esp(AES128, SHA256, MODP, NO_KE), esp(AES128, SHA256)) == esp(AES128, SHA256)
    assert match(esp(GCM), esp(GCM, NO_INTEG)) == esp(GCM)


def test_protocols_must_be_the_same() -> None:
    assert match(Proposal(Protocol.AH, (SHA256,)), esp(SHA256)) is None


def test_select_takes_our_first_proposal_that_fits() -> None:
    theirs = [esp(AES128, SHA1, number=1), esp(GCM, number=2)]
    assert select([esp(GCM), esp(AES128, SHA1)], theirs) == esp(GCM, number=2)
    assert select([esp(GCM), esp(AES128, SHA1)], theirs, prefer_theirs=True) == esp(AES128, SHA1, number=1)
    assert select([esp(AES256, SHA256)], theirs) is None


def test_names_read_as_status_shows_them() -> None:
    assert [t.name for t in (AES128, SHA256, MODP, NO_ESN)] == [
        "AES_CBC_128",
        "HMAC_SHA2_256_128",
        "MODP_2048",
        "NO_ESN",
    ]
    assert Transform(TransformType(200), 7).name == "UNKNOWN_200_7"
