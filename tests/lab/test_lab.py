"""Real namespaces: hosts are separate, cables connect them, and nothing is left over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cygnet.lab import keep, topology
from cygnet.lab.cable import Plug
from cygnet.lab.host import Host, LabError
from cygnet.lab.lab import Lab
from tests.rooted import needs_lab

pytestmark = needs_lab


def wait_until(condition: Callable[[], bool], timeout: float = 10.0) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "not within the time"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """While a process ends, its namespaces cannot be looked at: ``os.path`` takes that for gone."""
    return os.path.exists(f"/proc/{pid}/ns/net") and keep.started(pid) != 0


def test_each_host_has_its_own_name_files_processes_and_network() -> None:
    with Lab() as lab:
        a, b = lab.host("a"), lab.host("b")
        a.write("/etc/ipsec.conf", "of a\n")
        b.write("/etc/ipsec.conf", "of b\n")
        assert a.run("cat", "/etc/ipsec.conf").stdout == "of a\n"
        assert b.run("hostname").stdout == "b\n"
        assert a.run("sh", "-c", "echo $$").stdout != str(os.getpid())
        lab.cable(Plug(a, "one"), Plug(b, "other"))
        assert "one" in a.run("cat", "/proc/net/dev").stdout
        assert "one" not in b.run("cat", "/proc/net/dev").stdout
        assert "one" not in Path("/proc/net/dev").read_text()


def test_a_failing_command_says_where_what_and_how() -> None:
    with Lab() as lab:
        host = lab.host("oregon")
        with pytest.raises(LabError, match=r"oregon: sh -c echo no >&2; exit 3: exit status 3\nno"):
            host.run("sh", "-c", "echo no >&2; exit 3")
        with pytest.raises(LabError, match=r"still running after 0.2 s"):
            host.run("sleep", "10", timeout=0.2)


@pytest.mark.parametrize(
    "build", [topology.oregon, topology.direct, topology.one_nat, topology.six], ids=lambda f: f.__name__
)
def test_the_second_gateway_can_be_reached_at_its_public_address(
    build: Callable[[Lab], tuple[topology.End, topology.End]],
) -> None:
    with Lab() as lab:
        ours, theirs = build(lab)
        ours.gateway.run("ping", "-c", "1", "-W", "3", theirs.public)


def test_the_internet_between_oregon_and_its_peer_takes_its_time() -> None:
    with Lab() as lab:
        ours, theirs = topology.oregon(lab, round_trip=0.06, hosts=False)
        out = ours.gateway.run("ping", "-c", "3", "-i", "0.1", theirs.public).stdout
        fastest = float(out.rpartition("rtt")[2].split("=")[1].split("/")[0])
        assert fastest >= 60.0


def test_nothing_is_left_of_a_lab_whose_program_was_killed() -> None:
    program = (
        "import time\nfrom cygnet.lab.lab import Lab\n"
        "lab = Lab()\nhost = lab.host('doomed')\n"
        "host.popen('sleep', '1000')\nprint(host.pid, flush=True)\ntime.sleep(1000)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    assert alive(pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    wait_until(lambda: not alive(pid))


def test_a_kept_lab_is_found_again_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keep, "STATE", tmp_path / "state.json")
    with Lab(keep=True) as lab:
        lab.host("stays")
        keep.remember(lab)
    again = keep.hosts()["stays"]
    assert again.run("hostname").stdout == "stays\n"
    assert keep.remove() == ["stays"]
    wait_until(lambda: not alive(again.pid))
    lab.close()
    assert keep.remove() == []


def test_a_process_that_only_has_the_number_of_a_host_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep, "STATE", tmp_path / "state.json")
    with subprocess.Popen(["sleep", "100"]) as stranger:
        lab = Lab()
        lab.hosts["gone"] = Host("gone", stranger.pid)
        keep.remember(lab)
        state = keep.STATE.read_text().replace(str(keep.started(stranger.pid)), "1")
        keep.STATE.write_text(state)
        assert keep.remove() == []
        assert stranger.poll() is None
        stranger.kill()
