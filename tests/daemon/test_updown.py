"""updown scripts: environment, order, output, and those that never end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cygnet.boundary.effects import RunUpdown
from cygnet.daemon import updown
from cygnet.daemon.log import Journal
from cygnet.daemon.updown import Updown
from tests.daemon.fakes import ListSink


def test_the_interface_is_looked_up_for_the_script() -> None:
    told = run_all(RunUpdown("echo on $PLUTO_INTERFACE", (("PLUTO_ME", "192.0.2.1"),)))
    assert "updown: on eth7" in told


def run_all(*effects: RunUpdown) -> str:
    journal, sink = Journal(), ListSink()
    journal.use([sink])

    async def story() -> None:
        runner = Updown(journal, lambda address: {"192.0.2.1": "eth7"}.get(address, ""))
        for effect in effects:
            runner.run(effect)
        await runner.drain(20)

    asyncio.run(story())
    return sink.text


def test_scripts_run_one_after_the_other_with_their_environment(tmp_path: Path) -> None:
    out = tmp_path / "out"
    slow = RunUpdown(f"sleep 0.2; echo $PLUTO_VERB >> {out}", (("PLUTO_VERB", "down-client"),))
    quick = RunUpdown(f"echo $PLUTO_VERB >> {out}", (("PLUTO_VERB", "up-client"),))
    run_all(slow, quick)
    assert out.read_text() == "down-client\nup-client\n"


def test_what_a_script_prints_and_how_it_failed_is_in_the_log() -> None:
    text = run_all(RunUpdown("printf 'one\\ntw\\033o\\n'; echo bad >&2; exit 3", ()))
    assert "updown: one" in text and "updown: tw?o" in text and "updown: bad" in text
    assert "exited with status 3" in text


def test_a_script_that_hangs_is_killed_and_the_next_one_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(updown, "PATIENCE", 0.3)
    text = run_all(RunUpdown("sleep 60 & wait", ()), RunUpdown("echo next", ()))
    assert "killed after" in text and "updown: next" in text
