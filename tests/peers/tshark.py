"""tcpdump in a host of the lab, and Wireshark's tshark to read what it took, with keys or without."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from cygnet.lab.host import Host, stop

_SYSTEM = "/usr/sbin:/sbin"
#: what it does not do unless told: open ESP, and check its ICV
_ESP = ("-o", "esp.enable_encryption_decode:TRUE", "-o", "esp.enable_authentication_check:TRUE")


def missing() -> str:
    """Why captures cannot be taken and read here; empty where they can."""
    path = os.environ.get("PATH", "") + ":" + _SYSTEM
    programs = [name for name in ("tcpdump", "tshark") if not shutil.which(name, path=path)]
    return f"not installed: apt-get install {' '.join(programs)}" if programs else ""


needs_tshark = pytest.mark.skipif(bool(missing()), reason=missing() or "tcpdump and tshark are there")


@contextlib.contextmanager
def capture(host: Host, file: Path, device: str = "eth0") -> Iterator[None]:
    """All IKE and ESP on a device, to ``file``, complete when the block is left."""
    words = ("-i", device, "-Z", "root", "--immediate-mode", "-U", "-w", "-")
    with file.open("wb") as out:
        process = subprocess.Popen(
            host.inside(["tcpdump", *words, "esp or udp port 500 or udp port 4500"]),
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE,
            env=host.environment(), text=True, start_new_session=True,
        )  # fmt: skip
        try:
            assert process.stderr is not None
            said = process.stderr.readline()
            while "listening on" not in said:
                assert said, "tcpdump ended at once"
                said = process.stderr.readline()
            yield
            _settled(file)
        finally:
            stop(process)


def _settled(file: Path, quiet: float = 0.5, deadline: float = 10.0) -> None:
    """Wait until nothing has been added to the file for a moment: the last packet is in it."""
    end, size, since = time.monotonic() + deadline, -1, time.monotonic()
    while time.monotonic() < min(end, since + quiet):
        if file.stat().st_size != size:
            size, since = file.stat().st_size, time.monotonic()
        time.sleep(0.05)


def _tshark(file: Path, keys: Path, *arguments: str) -> str:
    """``keys``: a directory with tables as a Wireshark profile has them; an empty one for none."""
    result = subprocess.run(
        ["tshark", "-n", *_ESP, "-r", str(file), *arguments],
        env={**os.environ, "WIRESHARK_CONFIG_DIR": str(keys), "LC_ALL": "C.UTF-8"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    complaints = [line for line in result.stderr.splitlines() if not line.startswith("Running as user")]
    assert result.returncode == 0 and not complaints, f"tshark: {complaints}"
    return result.stdout


def fields(file: Path, keys: Path, only: str, names: Sequence[str]) -> list[tuple[str, ...]]:
    """The named fields of the packets that match the display filter; several values with a comma."""
    wanted = [word for name in names for word in ("-e", name)]
    text = _tshark(file, keys, "-Y", only, "-T", "fields", *wanted)
    return [tuple(line.split("\t")) for line in text.splitlines()]


def tree(file: Path, keys: Path, only: str) -> str:
    """All that it sees in the packets that match, as its users read it."""
    return _tshark(file, keys, "-Y", only, "-V")
