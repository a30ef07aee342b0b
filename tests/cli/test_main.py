"""The command line without a daemon: usage, exit statuses, and how quickly it starts."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from cygnet.cli import exits
from cygnet.cli.main import main
from cygnet.cli.verbs.table import VERBS


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CYGNET_RUN_DIR", str(tmp_path))


def test_without_arguments_the_usage_is_shown_and_that_is_an_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == exits.USAGE
    shown = capsys.readouterr()
    assert all(f"  {verb}" in shown.err for verb in VERBS) and not shown.out
    assert main(["--help"]) == exits.OK
    assert "usage: cygnet VERB" in capsys.readouterr().out


def test_an_unknown_verb_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["statsu"]) == exits.USAGE
    assert "unknown command 'statsu'; did you mean 'status'?" in capsys.readouterr().err


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_what_its_row_promises(verb: str) -> None:
    module = import_module(VERBS[verb].module)
    assert module.__doc__
    if VERBS[verb].passes_on:
        assert callable(module.run_with)
    else:
        assert callable(module.arguments) and callable(module.run)


@pytest.mark.parametrize(
    "words",
    [["status"], ["statusall", "--json"], ["up", "x"], ["down", "[*]"], ["route", "x"], ["update"],
     ["rereadsecrets"], ["listalgs"]],
)  # fmt: skip
def test_with_no_daemon_there_is_7_and_a_hint(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == exits.NOT_RUNNING
    shown = capsys.readouterr()
    assert "start it with 'cygnet start'" in shown.err and not shown.out


def test_stopping_what_does_not_run_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stop"]) == exits.OK
    assert "not running" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["up"], ["up", "x", "--timeout", "soon"], ["status", "--colour"], ["down"]]
)
def test_wrong_arguments_are_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == exits.USAGE
    assert "usage: cygnet" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() != 0, reason="needs somebody else's socket")
def test_who_may_not_open_the_socket_gets_4(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    code = (
        "import os, sys; from cygnet.cli.main import main; import cygnet.cli.verbs.status;"
        "main(['status']); os.setuid(65534); sys.exit(main(['status']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(tmp_path), check=False
    )
    assert done.returncode == exits.NOT_PERMITTED
    assert "permission denied" in done.stderr


def test_a_path_that_no_socket_can_have_is_an_error_and_no_trace(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--run-dir", "/" + "x" * 200]) == exits.FAILED
    assert capsys.readouterr().err == "cygnet status: AF_UNIX path too long\n"


def environment(run_dir: Path) -> dict[str, str]:
    source = str(Path(__file__).parents[2] / "src")
    return os.environ | {"PYTHONPATH": source, "CYGNET_RUN_DIR": str(run_dir)}


#: What would make every `cygnet status` slow; dataclasses (with inspect) alone cost 10 ms.
HEAVY = {"cryptography", "rich", "numpy", "pyroute2", "asyncio", "logging", "dataclasses", "inspect", "json"}
SOURCE = str(Path(__file__).parents[2] / "src")


@pytest.mark.parametrize("verb", ["status", "up", "down"])
def test_verbs_import_nothing_heavy(verb: str, tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {SOURCE!r}); from cygnet.cli.main import main;"
        f"main([{verb!r}, 'x']); print(*sorted(m.partition('.')[0] for m in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code],
        capture_output=True,
        text=True,
        env=environment(tmp_path),
        check=True,
    )
    assert "argparse" in done.stdout.split()
    assert not set(done.stdout.split()) & HEAVY
