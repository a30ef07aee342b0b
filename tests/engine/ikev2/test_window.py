"""Message IDs, the response cache, the retransmission schedule, and reassembly."""

from __future__ import annotations

import pytest

from cygnet.engine.ikev2.window import Arrival, Reassembly, Window, retransmit_delay
from cygnet.model.config import Settings
from cygnet.testing.entropy import SeededEntropy
from cygnet.values.errors import PeerError
from cygnet.wire.header import ExchangeType
from cygnet.wire.ikev2.encrypted import SkfPayload
from cygnet.wire.ikev2.numbers import PayloadType


def test_requests_of_the_peer_are_taken_in_order_and_once() -> None:
    window = Window()
    assert window.classify(0) is Arrival.NEW and window.classify(1) is Arrival.STALE
    window.accept()
    assert window.classify(0) is Arrival.STALE  # it is being acted on: there is no answer yet
    window.answer = [b"response"]
    assert window.classify(0) is Arrival.AGAIN and window.classify(1) is Arrival.NEW
    window.accept()
    window.answer = [b"next"]
    assert window.classify(0) is Arrival.STALE


def test_only_the_awaited_response_is_one() -> None:
    window = Window()
    assert not window.is_awaited(0, ExchangeType.IKE_SA_INIT)
    window.sent(ExchangeType.IKE_SA_INIT, [b"request"])
    assert window.is_awaited(0, ExchangeType.IKE_SA_INIT)
    assert not window.is_awaited(0, ExchangeType.IKE_AUTH)
    assert not window.is_awaited(1, ExchangeType.IKE_SA_INIT)
    window.answered()
    assert not window.is_awaited(0, ExchangeType.IKE_SA_INIT) and window.own_next == 1


def test_the_first_exchange_begins_anew_with_message_id_0() -> None:
    window = Window()
    window.sent(ExchangeType.IKE_SA_INIT, [b"request"])
    window.restart()
    assert window.own_next == 0 and window.pending is None


def test_the_schedule_is_charons() -> None:
    entropy = SeededEntropy("schedule")
    delays = [retransmit_delay(Settings(), n, entropy) for n in range(6)]
    assert delays == pytest.approx([4.0, 7.2, 12.96, 23.328, 41.9904, 75.58272])
    assert sum(delays) == pytest.approx(165.06, abs=0.01)
    assert retransmit_delay(Settings(retransmit_limit=10.0), 5, entropy) == 10.0
    jittered = [retransmit_delay(Settings(retransmit_jitter=50), 0, entropy) for _ in range(100)]
    assert 2.0 <= min(jittered) < max(jittered) <= 4.0


def piece(number: int, total: int) -> SkfPayload:
    return SkfPayload(b"", number, total, PayloadType.SA if number == 1 else PayloadType.NONE)


def test_fragments_in_any_order_make_the_message() -> None:
    parts = Reassembly()
    assert parts.add(1, piece(3, 3), b"c") is None
    assert parts.add(1, piece(1, 3), b"a") is None
    assert parts.add(1, piece(1, 3), b"a") is None
    assert parts.add(1, piece(2, 3), b"b") == b"abc"
    assert parts.first == PayloadType.SA and not parts.pieces


def test_smaller_fragments_replace_larger_ones_and_late_larger_ones_are_passed_over() -> None:
    parts = Reassembly()
    parts.add(1, piece(1, 2), b"large")
    assert parts.add(1, piece(1, 3), b"a") is None
    assert parts.add(1, piece(2, 2), b"late") is None
    assert parts.add(1, piece(2, 3), b"b") is None
    assert parts.add(1, piece(3, 3), b"c") == b"abc"


def test_a_new_message_forgets_the_pieces_of_the_one_before() -> None:
    parts = Reassembly()
    parts.add(1, piece(1, 2), b"old")
    assert parts.add(2, piece(2, 2), b"new") is None
    assert parts.pieces == {2: b"new"}


def test_reassembly_is_bounded() -> None:
    parts = Reassembly()
    with pytest.raises(PeerError):
        parts.add(1, piece(1, 256), b"x")
    for number in range(1, 17):
        parts.add(1, piece(number, 255), bytes(4000))
    with pytest.raises(PeerError):
        parts.add(1, piece(17, 255), bytes(4000))
    assert not parts.pieces
