"""The control socket, driven by strongSwan's own Python client, by ours, and by hostile ones."""

from __future__ import annotations

import random
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import vici

from cygnet.boundary.effects import Attach, Effect, Finish, Outcome
from cygnet.boundary.events import Event, Initiate, Terminate, Tick
from cygnet.boundary.notices import Alert, ChildUpDown, IkeUpDown, Log
from cygnet.control.render.notices import EVENT_OF
from cygnet.control.vici.client import Client, NotRunning, Unsupported
from cygnet.control.vici.codec import Message
from cygnet.control.vici.packet import CMD_REQUEST, EVENT_REGISTER, Packet, encode_packet
from tests.daemon.serving import Serving, serving


def negotiation(event: Event) -> list[Effect]:
    """`up oregon` succeeds on the next Tick; `up slow` never ends; others fail."""
    if isinstance(event, Initiate) and event.name in ("oregon", "slow"):
        return [Attach(event.ref, 1), Log("IKE", 1, "initiating Main Mode IKE_SA oregon[1]", 1, "oregon")]
    if isinstance(event, Initiate):
        return [Finish(event.ref, Outcome.NOT_FOUND, f"no config named '{event.name}'")]
    if isinstance(event, Terminate):
        return [Finish(event.ref, Outcome.FAILED, "it failed", "the peer is silent")]
    if isinstance(event, Tick):
        return [
            Log("ENC", 2, "detail that nobody asked for", 1, "oregon"),
            Log("IKE", 1, "IKE_SA oregon[1] established", 1, "oregon"),
            Finish(1, Outcome.OK, "connection 'oregon' established successfully"),
        ]
    return []


@contextmanager
def strongswans_client(server: Serving) -> Iterator[vici.Session]:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(10)
        sock.connect(server.path)
        yield vici.Session(sock)


def closed_by_server(sock: socket.socket) -> bool:
    sock.settimeout(10)
    try:
        while sock.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return True


def test_only_its_owner_may_open_the_socket(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        assert stat.S_IMODE(Path(server.path).stat().st_mode) == 0o600
    assert not Path(server.path).exists()


def test_strongswans_own_client_understands_us(tmp_path: Path) -> None:
    with serving(tmp_path) as server, strongswans_client(server) as client:
        assert client.version()["daemon"] == b"cygnet"
        assert client.stats()["ikesas"] == {"total": b"1", "half-open": b"0"}
        (sas,) = client.list_sas()
        assert sas["oregon"]["child-sas"]["oregon-1"]["spi-in"] == b"c7cf7e98"
        (conns,) = client.list_conns()
        assert conns["oregon"]["children"]["oregon"]["local-ts"] == [b"10.31.0.0/16"]
        assert list(client.list_policies({"trap": "yes"})) == []
        assert client.get_algorithms()["prf"] == {"PRF_X": b"y"}


def test_up_streams_the_negotiation_and_ends_with_its_outcome(tmp_path: Path) -> None:
    seen: list[str] = []

    with serving(tmp_path, negotiation) as server, Client(server.path) as client:

        def on_event(name: str, message: Message) -> None:
            assert name == "control-log"
            seen.append(str(message["msg"]))
            server.soon(lambda: server.rig.runner.feed(Tick()))

        answer = client.request("initiate", {"child": "oregon"}, on_event, ("control-log",))
    assert seen == ["initiating Main Mode IKE_SA oregon[1]", "IKE_SA oregon[1] established"]
    assert answer == {
        "success": "yes",
        "outcome": "0",
        "text": "connection 'oregon' established successfully",
    }


def test_failures_carry_text_outcome_and_reason(tmp_path: Path) -> None:
    with serving(tmp_path, negotiation) as server, Client(server.path) as client:
        assert client.request("initiate", {"child": "x"})["outcome"] == "3"
        assert client.request("terminate", {"target": "[1]"}) == {
            "success": "no",
            "errmsg": "it failed",
            "text": "it failed",
            "outcome": "1",
            "reason": "the peer is silent",
        }


def test_a_time_out_detaches_and_leaves_the_negotiation_alone(tmp_path: Path) -> None:
    with serving(tmp_path, negotiation) as server, Client(server.path) as client:
        answer = client.request("initiate", {"child": "slow", "timeout": "50"})
        assert answer["success"] == "no" and answer["outcome"] == "1"
        text = str(answer["text"])
        assert text.startswith("connection 'slow' not established after ") and text.endswith("ms, detaching")
        assert client.request("initiate", {"child": "slow", "timeout": "-1"})["success"] == "yes"
        assert not any(isinstance(e, Terminate) for e in server.rig.engine.events)


def test_who_goes_away_in_the_middle_of_up_is_forgotten(tmp_path: Path) -> None:
    with serving(tmp_path, negotiation) as server:
        with Client(server.path) as client:
            client._socket.sendall(encode_packet(Packet(CMD_REQUEST, "initiate", {"child": "slow"})))
            wait_for(lambda: server.rig.engine.events)
        wait_for(lambda: not server.server.clients)
        server.soon(lambda: server.rig.runner.feed(Tick()))
        with Client(server.path) as client:
            assert client.request("version")["daemon"] == "cygnet"
        assert "BUG" not in server.rig.sink.text


def test_events_are_told_to_who_registered(tmp_path: Path) -> None:
    notices: list[Effect] = [
        IkeUpDown(1, "oregon", True),
        ChildUpDown(1, 1, "oregon", False),
        Alert("proposal-mismatch-ike", "they offered only modp1024", 1),
        Log("IKE", 1, "a line", 1, "oregon"),
    ]
    got: list[tuple[str, dict[str, Any]]] = []
    with serving(tmp_path, lambda event: notices) as server, strongswans_client(server) as client:
        for name, message in client.listen([*EVENT_OF.values()], timeout=0.02):
            if name is None:  # nothing yet: it has registered
                server.soon(lambda: server.rig.runner.feed(Tick()))
                continue
            got.append((name.decode(), message))
            if len(got) == len(notices):
                break
    by_name = dict(got)
    assert by_name["ike-updown"]["up"] == b"yes"
    assert by_name["ike-updown"]["oregon"]["uniqueid"] == b"1"
    assert "oregon-1" in by_name["child-updown"]["oregon"]["child-sas"]
    assert by_name["alert"]["type"] == b"proposal-mismatch-ike"
    assert by_name["log"]["msg"] == b"a line"


def test_unknown_commands_are_said_to_be_unknown(tmp_path: Path) -> None:
    with serving(tmp_path) as server, Client(server.path) as client:
        with pytest.raises(Unsupported):
            client.request("load-wombat")
        assert client.request("version")["daemon"] == "cygnet"


def test_a_reload_answers_when_it_is_done(tmp_path: Path) -> None:
    with serving(tmp_path) as server, Client(server.path) as client:
        answer = client.request("reload-settings", {"what": "secrets"})
        assert "connections=False" in str(answer["text"])


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x00",
        b"\x00\x00\x00\x01\x09",
        b"\x00\x00\x00\x02\x00\xff",
        encode_packet(Packet(1, "", {})),
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_a_client_that_breaks_the_protocol_is_disconnected_and_nobody_else(
    tmp_path: Path, data: bytes
) -> None:
    with serving(tmp_path) as server, Client(server.path) as good:
        with socket.socket(socket.AF_UNIX) as bad:
            bad.connect(server.path)
            bad.sendall(data)
            assert closed_by_server(bad)
        assert good.request("version")["daemon"] == "cygnet"


def test_random_garbage_never_kills_the_server(tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    whole = encode_packet(Packet(EVENT_REGISTER, "log")) + encode_packet(
        Packet(CMD_REQUEST, "cygnet-status", {"what": "statusall", "name": "x"})
    )
    with serving(tmp_path) as server:
        for _ in range(150):
            data = bytearray(whole)
            for _ in range(chance.randrange(1, 6)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            with socket.socket(socket.AF_UNIX) as bad:
                bad.connect(server.path)
                try:
                    bad.sendall(bytes(data[: chance.randrange(len(data) + 1)]))
                except (BrokenPipeError, ConnectionResetError):
                    continue
        wait_for(lambda: not server.server.clients)
        with Client(server.path) as good:
            assert good.request("version")["daemon"] == "cygnet"
        assert "BUG" not in server.rig.sink.text


def test_a_client_that_never_reads_is_cut_off(tmp_path: Path) -> None:
    with serving(tmp_path, lambda event: [Log("IKE", 1, "x" * 10000)] * 100) as server:
        with socket.socket(socket.AF_UNIX) as deaf:
            deaf.connect(server.path)
            deaf.sendall(encode_packet(Packet(EVENT_REGISTER, "log")))
            wait_for(lambda: any(c.session.wants("log") for c in server.server.clients))
            deadline = time.monotonic() + 20
            while server.server.clients and time.monotonic() < deadline:
                server.soon(lambda: server.rig.runner.feed(Tick()))
                time.sleep(0.01)
        assert not server.server.clients
        with Client(server.path) as good:
            assert good.request("version")["daemon"] == "cygnet"


def test_nobody_listening_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(NotRunning):
        Client(str(tmp_path / "cygnet.vici"))
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "cygnet.vici"))
    with pytest.raises(NotRunning):
        Client(str(tmp_path / "cygnet.vici"))
    with serving(tmp_path) as server, Client(server.path) as client:  # takes the leftover's place
        assert client.request("version")["daemon"] == "cygnet"


def wait_for(condition: object, patience: float = 10.0) -> None:
    assert callable(condition)
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.005)
