"""The server's half of a connection: order, registration, limits."""

from __future__ import annotations

import pytest

from cygnet.control.vici.codec import ViciError
from cygnet.control.vici.packet import (
    CMD_REQUEST,
    CMD_RESPONSE,
    CMD_UNKNOWN,
    EVENT,
    EVENT_CONFIRM,
    EVENT_REGISTER,
    EVENT_UNKNOWN,
    EVENT_UNREGISTER,
    Framer,
    Packet,
    encode_packet,
)
from cygnet.control.vici.session import QUEUE, Command, Session


def packets(data: object) -> list[Packet]:
    assert isinstance(data, bytes)
    return Framer().feed(data)


def session_with(*sent: Packet) -> Session:
    session = Session()
    session.receive(b"".join(encode_packet(p) for p in sent))
    return session


def test_a_second_command_waits_until_the_first_is_answered() -> None:
    session = session_with(Packet(CMD_REQUEST, "stats", {"a": "1"}), Packet(CMD_REQUEST, "version", {}))
    assert session.advance() == Command("stats", {"a": "1"})
    assert session.advance() is None
    assert packets(session.answer({"ok": "yes"})) == [Packet(CMD_RESPONSE, "", {"ok": "yes"})]
    assert session.advance() == Command("version", {})
    assert packets(session.answer(None)) == [Packet(CMD_UNKNOWN)]


def test_events_go_only_to_who_registered() -> None:
    session = session_with(Packet(EVENT_REGISTER, "list-sa"))
    assert session.event("list-sa", {}) == b""
    assert packets(session.advance()) == [Packet(EVENT_CONFIRM)]
    assert packets(session.event("list-sa", {"x": {}})) == [Packet(EVENT, "list-sa", {"x": {}})]
    session.receive(encode_packet(Packet(EVENT_UNREGISTER, "list-sa")))
    assert packets(session.advance()) == [Packet(EVENT_CONFIRM)]
    assert not session.wants("list-sa")


@pytest.mark.parametrize("kind", [EVENT_REGISTER, EVENT_UNREGISTER])
def test_an_unknown_event_is_said_to_be_unknown(kind: int) -> None:
    assert packets(session_with(Packet(kind, "no-such-event")).advance()) == [Packet(EVENT_UNKNOWN)]


def test_a_client_that_sends_what_only_servers_send_is_refused() -> None:
    with pytest.raises(ViciError, match="must not send"):
        session_with(Packet(CMD_RESPONSE, "", {})).advance()


def test_a_client_cannot_pile_up_requests_without_end() -> None:
    with pytest.raises(ViciError, match="ahead"):
        session_with(*[Packet(CMD_REQUEST, "version", {})] * (QUEUE + 1))
