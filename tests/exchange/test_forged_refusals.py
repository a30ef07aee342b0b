"""An error notify in the clear proves nothing: the true answer, should it come behind, is taken."""

from __future__ import annotations

import pytest

from cygnet.boundary.effects import Outcome, Send
from cygnet.testing.builders import oregon
from cygnet.testing.network import Faults
from cygnet.testing.pair import Pair
from cygnet.wire.header import NO_SPI, ExchangeType, Header
from cygnet.wire.ikev1.message import assemble, encode_chain
from cygnet.wire.ikev1.notification import Notification
from cygnet.wire.ikev1.numbers import Notify, PayloadType
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.payload import Payload
from tests.exchange.ikev2.story import both_clean, tunnel

REFUSALS: dict[str, tuple[Payload, ...]] = {
    "NO_PROPOSAL_CHOSEN": (NotifyPayload(NotifyType.NO_PROPOSAL_CHOSEN),),
    "AUTHENTICATION_FAILED": (NotifyPayload(NotifyType.AUTHENTICATION_FAILED),),
    "INVALID_SYNTAX": (NotifyPayload(NotifyType.INVALID_SYNTAX),),
    "a method that was not offered": (NotifyPayload(NotifyType.INVALID_KE_PAYLOAD, b"\x00\x01"),),
    "half a method": (NotifyPayload(NotifyType.INVALID_KE_PAYLOAD, b"\x00"),),
    "an empty cookie": (NotifyPayload(NotifyType.COOKIE),),
    "nothing": (),
}


def version_1() -> Pair:
    return Pair(*oregon(), faults=Faults(delay=0.2))


def version_2() -> Pair:
    return Pair(*tunnel(), faults=Faults(delay=0.2))


def first_message(pair: Pair) -> Send:
    return next(e for e in pair.left.effects if isinstance(e, Send))


def forged_v2(pair: Pair, payloads: tuple[Payload, ...]) -> None:
    sent = first_message(pair)
    spi_i = Header.decode(sent.data).spi_i
    message = Message(spi_i, NO_SPI, ExchangeType.IKE_SA_INIT, 0, False, True, payloads)
    pair.left.receive(sent.local, sent.remote, message.encode())


def forged_v1(pair: Pair, notify: Notify) -> None:
    sent = first_message(pair)
    cookie = Header.decode(sent.data).spi_i
    body = encode_chain([Notification(notify)])
    header = Header(cookie, NO_SPI, PayloadType.NOTIFY, ExchangeType.INFORMATIONAL_V1, 0, 77, 0, major=1)
    pair.left.receive(sent.local, sent.remote, assemble(header, PayloadType.NOTIFY, body))


@pytest.mark.parametrize("refusal", REFUSALS)
def test_the_true_answer_to_ike_sa_init_is_taken_behind_a_forged_refusal(refusal: str) -> None:
    pair = version_2()
    ref = pair.left.up("oregon")
    forged_v2(pair, REFUSALS[refusal])
    forged_v2(pair, REFUSALS["NO_PROPOSAL_CHOSEN"])
    pair.run(10)
    assert pair.left.finished[ref].outcome is Outcome.OK
    assert len(pair.left.installed()) == len(pair.right.installed()) == 1


@pytest.mark.parametrize("notify", [Notify.NO_PROPOSAL_CHOSEN, Notify.AUTHENTICATION_FAILED])
def test_the_true_answer_to_main_mode_is_taken_behind_a_forged_refusal(notify: Notify) -> None:
    pair = version_1()
    ref = pair.left.up("oregon")
    forged_v1(pair, notify)
    pair.run(10)
    assert pair.left.finished[ref].outcome is Outcome.OK
    assert len(pair.left.installed()) == len(pair.right.installed()) == 1


@pytest.mark.parametrize("version", [1, 2])
def test_a_refusal_that_nothing_better_follows_ends_the_attempt_soon(version: int) -> None:
    pair = version_1() if version == 1 else version_2()
    pair.network.filter = lambda source, destination, data: None
    ref = pair.left.up("oregon")
    if version == 1:
        forged_v1(pair, Notify.NO_PROPOSAL_CHOSEN)
    else:
        forged_v2(pair, REFUSALS["NO_PROPOSAL_CHOSEN"])
    assert pair.run(2, lambda: ref in pair.left.finished)
    assert "none of" in pair.left.finished[ref].reason
    both_clean(pair)


def test_main_mode_that_goes_on_is_not_ended_by_what_was_forged_before() -> None:
    """The keys take longer than a refusal is doubted for."""
    pair = Pair(*oregon(), faults=Faults(delay=0.45))
    ref = pair.left.up("oregon")
    forged_v1(pair, Notify.NO_PROPOSAL_CHOSEN)
    pair.run(20)
    assert pair.left.finished[ref].outcome is Outcome.OK
