"""The daemon's command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from cygnet.daemon.options import parse


def test_paths_become_absolute_and_the_run_directory_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CYGNET_RUN_DIR", "run")
    options = parse(["--config", "ipsec.conf", "--log", "log"])
    assert options.config == str(tmp_path / "ipsec.conf")
    assert options.log == str(tmp_path / "log")
    assert options.socket == tmp_path / "run" / "cygnet.vici"
    assert parse(["--run-dir", "/x"]).pid_file == Path("/x/cygnet.pid")


def test_debug_levels_are_for_all_groups_or_for_one() -> None:
    assert parse(["--debug", "2", "--debug", "net=0"]).debug == (("default", 2), ("net", 0))


@pytest.mark.parametrize(
    "words", [["--debug", "5"], ["--debug", "ike=x"], ["--plane", "paper"], ["--colour"]]
)
def test_a_wrong_command_line_is_status_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        parse(words)
    assert stop.value.code == 2 and "cygnet daemon" in capsys.readouterr().err
