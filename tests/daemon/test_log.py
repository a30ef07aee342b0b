"""Formats, levels by group, and sinks."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cygnet.boundary.notices import Log
from cygnet.daemon.flood import MOST
from cygnet.daemon.log import (
    Journal,
    Levels,
    StreamSink,
    SyslogSink,
    as_json,
    plain,
    sinks,
    with_name,
)
from cygnet.model.config import FileLog, Settings
from tests.daemon.fakes import ListSink

LINE = Log("IKE", 1, "IKE_SA oregon[1] established", 1, "oregon")


def test_lines_look_as_charons() -> None:
    assert plain(LINE) == "00[IKE] IKE_SA oregon[1] established"
    assert with_name(LINE) == "00[IKE] <oregon|1> IKE_SA oregon[1] established"
    record = json.loads(as_json(LINE))
    assert (record["group"], record["ike"], record["ike_uid"]) == ("ike", "oregon", 1)


@pytest.mark.parametrize(
    ("pairs", "group", "highest"),
    [
        ((), "ike", 1),
        ((("ike", 2),), "IKE", 2),
        ((("ike", 2),), "net", 1),
        ((("default", 0),), "ike", 0),
        ((("IKE", -1),), "ike", -1),
        ((("any", 3), ("enc", 1)), "enc", 1),
    ],
)
def test_levels_are_by_group_with_one_for_the_others(
    pairs: tuple[tuple[str, int], ...], group: str, highest: int
) -> None:
    wanted = [level for level in range(4) if Levels.of(pairs).want(Log(group, level, ""))]
    assert wanted == list(range(highest + 1))


def test_each_sink_takes_what_its_levels_say() -> None:
    quiet, loud = ListSink(Levels(0)), ListSink(Levels(2))
    journal = Journal()
    journal.use([quiet, loud])
    journal.write(LINE)
    journal.say("dmn", "audit", 0)
    assert quiet.text == "audit" and len(loud.lines) == 2


def test_filelogs_of_the_settings_are_written_with_their_formats(tmp_path: Path) -> None:
    path = tmp_path / "log"
    spec = FileLog(str(path), (("default", 1), ("ike", 2)), ike_name=True, time_format="T")
    bad = FileLog(str(tmp_path / "no" / "such"))
    complaints: list[str] = []
    settings = Settings(filelogs=(spec, bad))
    journal = Journal()
    journal.use(sinks(settings, str(tmp_path / "main"), False, complaints.append))
    journal.write(LINE)
    journal.write(Log("net", 2, "too much"))
    journal.use([])
    assert path.read_text() == "T 00[IKE] <oregon|1> IKE_SA oregon[1] established\n"
    assert "established" in (tmp_path / "main").read_text()
    assert len(complaints) == 1 and "No such file" in complaints[0]


def test_under_journald_lines_carry_their_priority() -> None:
    read, write = os.pipe()
    StreamSink(write, Levels(2), journald=True).write(Log("net", 2, "detail"))
    assert os.read(read, 100) == b"<7>00[NET] detail\n"
    os.close(read)
    os.close(write)


def test_a_full_or_closed_log_does_not_stop_the_daemon() -> None:
    read, write = os.pipe()
    os.close(read)
    StreamSink(write, Levels()).write(LINE)
    os.close(write)


def test_syslog_gets_facility_daemon_and_survives_its_restart(tmp_path: Path) -> None:
    import socket

    def listen() -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sock.bind(str(tmp_path / "log"))
        return sock

    with listen() as first:
        sink = SyslogSink(Levels(), path=str(tmp_path / "log"))
        sink.write(LINE)
        data = first.recv(1000).decode()
        assert data.startswith("<30>cygnet[") and data.endswith("00[IKE] " + LINE.text)
    (tmp_path / "log").unlink()
    sink.write(LINE)  # nobody there: lost, not raised
    with listen() as second:
        sink.write(LINE)
        assert LINE.text in second.recv(1000).decode()
    sink.close()


def test_a_flood_of_strangers_packets_does_not_fill_the_log() -> None:
    now = 1000.0
    sink, journal = ListSink(), Journal(lambda: now)
    journal.use([sink])
    for _ in range(MOST + 50):
        journal.write(Log("NET", 1, "received unusable packet"))
    journal.write(LINE)  # what belongs to an IKE_SA is always written
    assert len(sink.lines) == MOST + 1 and sink.lines[-1] is LINE
    now += 1
    journal.write(Log("NET", 1, "another"))
    assert [log.text for log in sink.lines[-2:]] == [
        "50 more lines about strangers' packets were left out",
        "another",
    ]
    journal.say("dmn", "our own")
    assert sink.lines[-1].text == "our own"


def test_lines_of_ike_sas_that_anybody_may_have_begun_are_limited_too() -> None:
    sink, journal = ListSink(), Journal(lambda: 1000.0)
    journal.use([sink])
    for n in range(MOST + 50):
        journal.write(Log("CFG", 1, "selected proposal", n, "far", stranger=True))
    assert len(sink.lines) == MOST


def test_lines_that_nobody_wants_use_up_nothing() -> None:
    sink, journal = ListSink(), Journal(lambda: 1000.0)
    sink.levels = Levels(1)
    journal.use([sink])
    for _ in range(MOST + 50):
        journal.write(Log("NET", 2, "detail"))
    journal.write(Log("NET", 1, "received unusable packet"))
    assert len(sink.lines) == 1
