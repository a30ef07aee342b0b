"""A lab that stays after the command that built it: ``cygnet lab up``, ``down``, ``shell``.

What is there is written down in one file: each host's name and the process that holds it, with
its start time, so that a number that now belongs to another process is never taken for ours.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from cygnet.lab.host import Host
from cygnet.lab.lab import Lab

STATE = Path("/run/cygnet-lab.json")


def remember(lab: Lab) -> None:
    state = {name: [host.pid, started(host.pid)] for name, host in lab.hosts.items()}
    STATE.write_text(json.dumps(state))


def hosts() -> dict[str, Host]:
    """The hosts of the kept lab that are alive."""
    return {name: Host(name, pid) for name, pid, start in _entries() if started(pid) == start}


def whole() -> bool:
    """Whether there is a kept lab, and all of its hosts live."""
    entries = list(_entries())
    return bool(entries) and len(hosts()) == len(entries)


def remove() -> list[str]:
    """End the kept lab; the names of its hosts. Nothing there: an empty list."""
    found = hosts()
    for host in found.values():
        host.kill()
    STATE.unlink(missing_ok=True)
    return list(found)


def _entries() -> Iterator[tuple[str, int, int]]:
    try:
        state = json.loads(STATE.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return
    for name, (pid, start) in state.items():
        yield name, pid, start


def started(pid: int) -> int:
    """Start time of a process in clock ticks since boot (proc(5), field 22 of stat); 0: there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(stat.rpartition(")")[2].split()[19])
