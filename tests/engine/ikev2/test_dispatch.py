"""The tables that say who answers what agree with each other."""

from __future__ import annotations

from cygnet.engine.ikev2.channel import IN_THE_CLEAR
from cygnet.engine.ikev2.dispatch import ANSWERS
from cygnet.wire.ikev2.payloads import PAYLOADS
from cygnet.wire.ikev2.rules import EVERYWHERE, RULES


def test_every_exchange_with_rules_has_an_answer_and_the_other_way_round() -> None:
    assert {exchange for exchange, response in RULES if not response} == set(ANSWERS)
    assert {exchange for exchange, response in RULES if response} == set(ANSWERS)


def test_rules_speak_of_payloads_that_can_be_read() -> None:
    for allowed in [*RULES.values(), EVERYWHERE]:
        assert set(allowed) <= set(PAYLOADS)
        assert all(most >= 1 for most in allowed.values())


def test_what_goes_in_the_clear_is_answered_by_somebody() -> None:
    assert set(IN_THE_CLEAR) <= set(ANSWERS)
