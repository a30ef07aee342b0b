"""The lock, and not the number in the file, says whether a daemon runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cygnet.cli.daemon import running_pid
from cygnet.daemon.pidfile import AlreadyRunning, PidFile


def test_a_second_daemon_is_refused_and_the_first_can_be_found(tmp_path: Path) -> None:
    first = PidFile(tmp_path / "cygnet.pid")
    assert running_pid(str(tmp_path)) == os.getpid()
    with pytest.raises(AlreadyRunning):
        PidFile(tmp_path / "cygnet.pid")
    first.remove()
    assert running_pid(str(tmp_path)) == 0
    assert not list(tmp_path.iterdir())


def test_the_file_of_a_crashed_daemon_is_taken_over_even_if_its_number_lives(tmp_path: Path) -> None:
    path = tmp_path / "cygnet.pid"
    path.write_text(f"{os.getppid()}\n")
    assert running_pid(str(tmp_path)) == 0
    PidFile(path).remove()


def test_the_lock_goes_with_a_killed_process(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from cygnet.daemon.pidfile import PidFile;"
        "PidFile(pathlib.Path(sys.argv[1])); print(flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "cygnet.pid")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": "src"},
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert running_pid(str(tmp_path)) == process.pid
        process.kill()
    assert running_pid(str(tmp_path)) == 0
    assert (tmp_path / "cygnet.pid").exists()
    PidFile(tmp_path / "cygnet.pid").remove()
