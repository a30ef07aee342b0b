"""What `lab up` says works as it is printed, and the lab that is up is left alone."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from cygnet.lab import command, keep
from tests.rooted import needs_lab

pytestmark = needs_lab

ROOT = Path(__file__).parents[2]
#: ``cygnet lab ...`` with a lab of its own, which is written down in the first argument's file
LAB = (
    "import sys; from pathlib import Path; from cygnet.lab import command, keep;"
    "keep.STATE = Path(sys.argv[1]); sys.exit(command.main(['lab', *sys.argv[2:]]))"
)


def test_in_a_clone_its_launcher_is_what_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.chdir(ROOT)
    assert command.this_command() == "./cygnet"
    monkeypatch.chdir(tmp_path)
    assert command.this_command() == shlex.quote(f"{ROOT}/cygnet")
    monkeypatch.setenv("SUDO_USER", "somebody")
    assert command.this_command() == f"sudo {shlex.quote(f'{ROOT}/cygnet')}"


def test_the_printed_commands_work_and_a_second_lab_up_leaves_the_first_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(keep, "STATE", tmp_path / "state.json")
    monkeypatch.delenv("SUDO_USER", raising=False)

    def lab(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", LAB, str(keep.STATE), *words],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
            check=False,
        )

    try:
        first = lab("up", "--ike", "2")
        assert first.returncode == 0, first.stderr
        printed = [line.strip() for line in first.stdout.splitlines()]
        assert "./cygnet lab shell peer cygnet start" in printed
        oregon = keep.hosts()["oregon"]
        assert "keyexchange=ikev2" in oregon.path("/etc/ipsec.conf").read_text()
        for line in ("cygnet start", "cygnet status"):
            assert line in printed
            assert lab("shell", "oregon", *line.split()).returncode == 0

        again = lab("up")
        assert (again.returncode, again.stdout) == (
            0,
            "the lab is already up; './cygnet lab down' removes it\n",
        )
        other = lab("up", "--ike", "1")
        assert other.returncode == command.FAILED and "already up, without IKEv1" in other.stderr
        assert keep.hosts()["oregon"].pid == oregon.pid
        assert lab("down").stdout.startswith("removed ")
    finally:
        keep.remove()
