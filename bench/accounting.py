"""CPU time and memory of the daemons in a host of the lab."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from cygnet.lab.host import Host

TICK = os.sysconf("SC_CLK_TCK")  #: clock ticks a second, the unit of /proc/PID/stat


def daemons(host: Host) -> Iterator[Path]:
    """/proc folders of charon and cygnet, with their helpers, in this host."""
    for folder in host.path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if words[0].endswith((b"/charon", b"/starter")) or any(w.startswith(b"cygnet.d") for w in words):
            yield folder


def cpu_seconds(*hosts: Host) -> float:
    """User and system time that the daemons have used so far."""
    total = 0
    for host in hosts:
        for folder in daemons(host):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])  # utime, stime: fields 14 and 15 of proc(5)
    return total / TICK


def memory_kilobytes(*hosts: Host) -> int:
    """Memory that is theirs, shared pages by their share (PSS)."""
    total = 0
    for host in hosts:
        for folder in daemons(host):
            for line in (folder / "smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total
