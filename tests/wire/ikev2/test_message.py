"""Whole messages: header, payload chain, critical payloads, and what a log line shows."""

from __future__ import annotations

import pytest

from cygnet.values.errors import PeerError
from cygnet.values.iana import KeId, Protocol
from cygnet.values.proposal import Proposal
from cygnet.wire.header import ExchangeType, Header
from cygnet.wire.ikev2.ke import KePayload
from cygnet.wire.ikev2.message import Message, check_critical
from cygnet.wire.ikev2.nonce import NoncePayload
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import SHORT_NAMES, NotifyType
from cygnet.wire.ikev2.numbers import PayloadType
from cygnet.wire.ikev2.rules import check_rules
from cygnet.wire.ikev2.sa import SaPayload
from cygnet.wire.ikev2.ts import TsIPayload
from cygnet.wire.ikev2.unknown import UnknownPayload
from tests.wire.ikev2.samples import INIT


def decode(data: bytes) -> Message:
    return Message.decode(data, Header.decode(data))


def test_a_message_survives_its_bytes() -> None:
    assert decode(INIT.encode()) == INIT


def test_the_log_line_is_strongswans() -> None:
    assert str(INIT) == (
        "IKE_SA_INIT request 0 [ SA KE No N(NATD_S_IP) N(NATD_D_IP) N(FRAG_SUP) N(HASH_ALG) N(REDIR_SUP) ]"
    )


def test_every_truncation_of_a_message_is_refused_in_its_header_or_its_chain() -> None:
    data = INIT.encode()
    for length in range(28, len(data)):
        short = data[:24] + length.to_bytes(4) + data[28:length]
        with pytest.raises(PeerError):
            decode(short)


def test_trailing_bytes_behind_the_last_payload_are_refused() -> None:
    data = INIT.encode() + bytes(3)
    data = data[:24] + len(data).to_bytes(4) + data[28:]
    with pytest.raises(PeerError, match="behind the last payload"):
        decode(data)


def test_an_unknown_payload_is_kept_and_only_a_critical_one_is_refused() -> None:
    harmless = UnknownPayload(PayloadType(201), b"data")
    deadly = UnknownPayload(PayloadType(202), b"data", critical=True)
    message = decode(Message(b"i" * 8, b"r" * 8, ExchangeType.IKE_AUTH, 1, True, False, (harmless,)).encode())
    assert message.payloads == (harmless,)
    check_critical(message)
    message = decode(
        Message(b"i" * 8, b"r" * 8, ExchangeType.IKE_AUTH, 1, True, False, (harmless, deadly)).encode()
    )
    assert message.payloads == (harmless, deadly)
    with pytest.raises(PeerError) as caught:
        check_critical(message)
    assert (caught.value.notify, caught.value.data) == (NotifyType.UNSUPPORTED_CRITICAL_PAYLOAD, bytes([202]))


def test_the_critical_flag_of_a_known_payload_is_passed_over() -> None:
    data = bytearray(INIT.encode())
    data[29] = 0x80
    assert decode(bytes(data)) == INIT


def test_a_chain_of_endless_small_payloads_is_cut_off() -> None:
    many = tuple(UnknownPayload(PayloadType(200), b"") for _ in range(300))
    with pytest.raises(PeerError, match="256"):
        decode(Message(b"i" * 8, bytes(8), ExchangeType.IKE_SA_INIT, 0, True, False, many).encode())


def test_a_second_ke_is_refused_and_a_misplaced_payload_is_passed_over() -> None:
    ke = KePayload(KeId.CURVE_25519, bytes(32))
    base = (SaPayload((Proposal(Protocol.IKE, ()),)), ke, NoncePayload(bytes(16)))
    init = Message(b"i" * 8, bytes(8), ExchangeType.IKE_SA_INIT, 0, True, False, (*base, ke))
    with pytest.raises(PeerError, match="more than 1"):
        check_rules(init)
    stray = Message(b"i" * 8, bytes(8), ExchangeType.IKE_SA_INIT, 0, True, False, (*base, *_ts()))
    assert check_rules(stray).payloads == base


def _ts() -> tuple[TsIPayload, ...]:
    from cygnet.values.selector import TrafficSelector

    return (TsIPayload((TrafficSelector.of("10.0.0.0/8"),)),)


def test_an_exchange_that_does_not_exist_is_refused() -> None:
    with pytest.raises(PeerError):
        check_rules(Message(b"i" * 8, b"r" * 8, ExchangeType(99), 0, True, False))


def test_errors_and_statuses_are_told_apart() -> None:
    assert NotifyType.NO_PROPOSAL_CHOSEN.is_error and not NotifyType.COOKIE.is_error
    assert NotifyType(8192).is_error and not NotifyType(40960).is_error
    message = Message(
        b"i" * 8, b"r" * 8, ExchangeType.IKE_AUTH, 1, False, True,
        (NotifyPayload(NotifyType.MOBIKE_SUPPORTED), NotifyPayload(NotifyType.TS_UNACCEPTABLE)),
    )  # fmt: skip
    found = message.error()
    assert found is not None and found.kind == NotifyType.TS_UNACCEPTABLE
    assert str(message) == "IKE_AUTH response 1 [ N(MOBIKE_SUP) N(TS_UNACCEPT) ]"


def test_short_names_are_unique_and_every_one_has_a_type() -> None:
    assert len(set(SHORT_NAMES.values())) == len(SHORT_NAMES)
    assert all(NotifyType(n).known for n in SHORT_NAMES)
