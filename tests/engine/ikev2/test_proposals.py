"""Choosing and checking proposals where IKEv2 has rules of its own."""

from __future__ import annotations

import pytest

from cygnet.crypto.keywords import parse_proposal
from cygnet.engine.ikev2.proposals import answered_with, unusable_kes, with_none
from cygnet.engine.ikev2.suite import Suite, additional_kes, main_ke
from cygnet.values.iana import KeId, Protocol, TransformType
from cygnet.values.proposal import Proposal, Transform, select


def ike(text: str) -> Proposal:
    return parse_proposal(text, Protocol.IKE)


def test_an_answer_has_to_be_made_of_the_offer() -> None:
    offered = (ike("aes128-aes256-sha256-x25519-modp2048"),)
    good = ike("aes256-sha256-modp2048")
    answer = answered_with(offered, [good])
    assert answer is not None and set(answer.transforms) == set(good.transforms)
    assert answered_with(offered, [ike("aes192-sha256-modp2048")]) is None
    assert answered_with(offered, [ike("aes128-aes256-sha256-x25519")]) is None  # two of one type
    assert answered_with(offered, [good, good]) is None
    assert answered_with(offered, []) is None


def test_an_answer_may_spell_out_what_it_does_without() -> None:
    offered = (ike("aes128gcm16-prfsha256-x25519"),)
    spelled = Proposal(Protocol.IKE, (*offered[0].transforms, Transform(TransformType.INTEG, 0)), number=1)
    assert answered_with(offered, [spelled]) is not None


def test_methods_that_we_lack_are_not_chosen() -> None:
    theirs = Proposal(
        Protocol.IKE, (Transform(TransformType.KE, 9999), *ike("aes128-sha256-x25519").transforms)
    )
    left = unusable_kes(theirs)
    assert {t.id for t in left.of_type(TransformType.KE)} == {KeId.CURVE_25519}


def test_an_optional_additional_exchange_that_is_not_run_is_answered_with_none() -> None:
    offer = ike("aes128gcm16-prfsha256-x25519-ke1_mlkem768-ke1_none")
    selected = select([ike("aes128gcm16-prfsha256-x25519")], [offer])
    assert selected is not None
    chosen = with_none(selected, [offer])
    assert chosen.first(TransformType.AKE1) == Transform(TransformType.AKE1, KeId.NONE)
    assert additional_kes(chosen) == ()


def test_the_additional_exchanges_are_run_in_their_order() -> None:
    proposal = ike("aes128gcm16-prfsha256-x25519-ke2_ecp256-ke1_mlkem768")
    assert main_ke(proposal) == KeId.CURVE_25519
    assert additional_kes(proposal) == (KeId.ML_KEM_768, KeId.ECP_256)


@pytest.mark.parametrize(
    "transforms",
    [
        (),
        (Transform(TransformType.ENCR, 12, 128),),
        (Transform(TransformType.ENCR, 12, 128), Transform(TransformType.PRF, 5)),  # CBC without integrity
        (
            Transform(TransformType.ENCR, 20, 128),
            Transform(TransformType.PRF, 5),
            Transform(TransformType.INTEG, 12),
        ),
        (Transform(TransformType.ENCR, 9999), Transform(TransformType.PRF, 5)),
    ],
)
def test_what_is_no_suite_is_refused(transforms: tuple[Transform, ...]) -> None:
    with pytest.raises(ValueError):
        Suite.of(Proposal(Protocol.IKE, transforms))
