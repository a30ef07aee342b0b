"""Aggressive Mode between two engines: only where the responder has been told to not care."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cygnet.boundary.effects import Outcome
from cygnet.boundary.events import Datagram
from cygnet.model.config import Config, Settings
from cygnet.testing.builders import FAR, OREGON, connection, oregon, psk
from cygnet.testing.pair import Pair
from cygnet.values.endpoint import Endpoint
from cygnet.wire.header import ExchangeType
from tests.exchange.ikev1.stories import Dropping, assert_clean, assert_matching, finish

CARELESS = Settings(aggressive_psk_responder=True)


def pair(settings: Settings = CARELESS, nat: bool = True, **changes: object) -> Pair:
    left, right = oregon(aggressive=True, **changes)
    if not nat:
        left = Config((connection(remote=FAR, aggressive=True),), (psk(),))
        right = Config(
            (connection(local=FAR, remote=OREGON, local_ts="10.77.0.0/16", remote_ts="10.31.0.0/16",
                        remote_id=OREGON, aggressive=True),), (psk(),)
        )  # fmt: skip
    return Pair(left, replace(right, settings=settings), nat=nat)


@pytest.mark.parametrize("nat", [True, False])
def test_three_messages_make_an_ike_sa(nat: bool) -> None:
    # --> SA KE No ID V V V V    <-- SA KE No ID HASH NAT-D NAT-D V V V    --> HASH NAT-D NAT-D ...
    both = pair(nat=nat)
    ref = both.left.up("oregon")
    assert both.run(5, lambda: ref in both.left.finished)
    both.run(2)
    lines = both.left.lines()
    assert "initiating Aggressive Mode IKE_SA oregon[1] to " + ("203.0.113.77" if nat else FAR) in lines
    assert "generating AGGRESSIVE request 0 [ SA KE No ID V V V V ]" in lines
    assert "generating AGGRESSIVE request 0 [ HASH NAT-D NAT-D N(INITIAL_CONTACT) ]" in lines
    assert both.left.established()[0].remote_behind_nat is nat
    assert both.right.established()[0].remote_behind_nat is nat
    assert both.left.installed()[0].encap is nat
    assert_matching(both)


def test_it_is_refused_without_the_switch_and_the_reason_named() -> None:
    both = pair(Settings())
    ref = both.left.up("oregon")
    assert both.run(5, lambda: ref in both.left.finished)
    assert finish(both.left, ref).outcome is Outcome.FAILED
    assert "it may not answer Aggressive Mode" in finish(both.left, ref).reason
    assert "Aggressive Mode PSK disabled for security reasons" in both.right.lines()
    assert_clean(both.left)
    assert_clean(both.right)


def test_a_lost_third_message_is_asked_for_by_repeating_the_second() -> None:
    both = pair()
    dropping = Dropping(both, ExchangeType.AGGRESSIVE, both.left, 2)
    ref = both.left.up("oregon")
    assert both.run(60, lambda: ref in both.left.finished)
    both.run(10)
    assert dropping.lost
    assert_matching(both)


def test_a_lost_second_message_is_repeated() -> None:
    both = pair()
    Dropping(both, ExchangeType.AGGRESSIVE, both.right, 1)
    ref = both.left.up("oregon")
    assert both.run(60, lambda: ref in both.left.finished)
    both.run(10)
    assert_matching(both)


def test_a_wrong_key_is_found_by_the_initiator() -> None:
    left, right = oregon(aggressive=True, keyingtries=1)
    both = Pair(left, replace(right, secrets=(psk("another"),), settings=CARELESS))
    ref = both.left.up("oregon")
    assert both.run(200, lambda: ref in both.left.finished)
    assert "pre-shared key" in finish(both.left, ref).reason
    both.run(200)
    assert_clean(both.left)
    assert_clean(both.right)


def test_the_group_of_the_key_exchange_is_the_only_one_offered() -> None:
    both = pair(ike="aes128-sha256-modp2048-curve25519")
    both.left.up("oregon")
    both.run(5)
    (sa,) = both.left.established()
    assert sa.proposal is not None
    assert "MODP_2048" in [t.name for t in sa.proposal.transforms]


def test_a_main_mode_connection_does_not_answer_aggressive_mode() -> None:
    left, right = oregon(aggressive=True)[0], oregon()[1]
    both = Pair(left, replace(right, settings=CARELESS))
    ref = both.left.up("oregon")
    assert both.run(5, lambda: ref in both.left.finished)
    assert finish(both.left, ref).outcome is Outcome.FAILED
    assert_clean(both.right)


def test_a_forged_answer_does_not_keep_the_peers_own_from_being_taken() -> None:
    # --> SA KE No ID ...    <-- the answer with another responder SPI    <-- the answer
    both = pair()
    answers: list[Datagram] = []

    def hold_back(source: Endpoint, destination: Endpoint, data: bytes) -> bytes | None:
        if destination.address != both.left.address or answers:
            return data
        answers.append(Datagram(destination, source, data))
        return None

    both.network.filter = hold_back
    ref = both.left.up("oregon")
    both.run(1)
    (answer,) = answers
    both.left.handle(replace(answer, data=answer.data[:8] + b"another!" + answer.data[16:]))
    assert "calculated HASH does not match HASH payload, message ignored" in both.left.lines()
    both.left.handle(answer)
    both.run(5)
    assert finish(both.left, ref).outcome is Outcome.OK
    assert_matching(both)
