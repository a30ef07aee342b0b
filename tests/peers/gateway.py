"""What the tests do with an IKE daemon in a host of the lab, whichever it is."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn, Self, TypeVar

import pytest

from cygnet.lab.host import LabError, stop
from cygnet.lab.topology import End

T = TypeVar("T")

PINGS = Path(__file__).parent / "pings.py"
PATIENCE = 3.0  #: seconds for answers that are late
LOG = "/run/daemon.log"
START_TIME = 20.0  #: seconds until a daemon must answer

#: short retransmissions, so that what has to fail fails soon: 1 + 1.8 + 3.2 + 5.8 seconds
SETTINGS = {"retransmit_timeout": "1.0", "retransmit_tries": "3"}

_FILELOG = """
    filelog {{
        run {{
            path = {log}
            flush_line = yes
            default = 1
            ike = 2
            cfg = 2
        }}
    }}
    {settings}
"""


def pinging(
    source: str, destination: str, count: int, interval: float, patience: float = PATIENCE
) -> tuple[str, ...]:
    """The command that pings from one address to another (``pings``); fails unless all are answered."""
    return (sys.executable, str(PINGS), source, destination, str(count), str(interval), str(patience))


class Gateway:
    """A daemon: started by ``with``, configured by strongSwan's files, driven by its command line."""

    name: str  #: for messages
    command: str  #: what its users type

    def __init__(self, end: End, conf: str, secrets: str, settings: Mapping[str, str] | None = None) -> None:
        self.end, self.host = end, end.gateway
        self._settings = {**SETTINGS, **(settings or {})}
        self._process: subprocess.Popen[str] | None = None
        self.configure(conf, secrets)

    def configure(self, conf: str, secrets: str | None = None) -> None:
        self.host.write("/etc/ipsec.conf", conf)
        if secrets is not None:
            self.host.write("/etc/ipsec.secrets", secrets, mode=0o600)
        self.host.write("/etc/strongswan.conf", f"charon {{{self._charon_section()}}}\n")

    def _charon_section(self) -> str:
        lines = "\n    ".join(f"{key} = {value}" for key, value in self._settings.items())
        return _FILELOG.format(log=LOG, settings=lines)

    # ------------------------------------------------------------ life

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        raise NotImplementedError

    def _launch(self, *argv: str) -> None:
        """Start the daemon in the foreground; what it prints goes beside its log."""
        with self.host.path("/run/daemon.out").open("w") as out:
            self._process = self.host.popen(*argv, stdout=out, stderr=subprocess.STDOUT)

    def stop(self) -> None:
        if self._process is not None:
            stop(self._process)
            self._process = None

    def vanish(self) -> None:
        """Unplug it: from now on it neither hears nor says anything."""
        with self.host.netlink() as ip:
            ip.link("set", index=ip.link_lookup(ifname="eth0")[0], state="down")

    # ------------------------------------------------------------ what it is told

    def ask(self, *argv: str, timeout: float = 30.0) -> tuple[int, str]:
        """`ipsec VERB ...` or `cygnet VERB ...`: (exit status, what it printed)."""
        result = self.host.run(self.command, *argv, check=False, timeout=timeout)
        return result.returncode, result.stdout + result.stderr

    def up(self, name: str, timeout: float = 30.0) -> str:
        """``up``: what it printed."""
        try:
            return self.ask("up", name, timeout=timeout)[1]
        except LabError as error:
            self.fail(str(error))

    def status(self) -> str:
        return self.ask("status")[1]

    def statusall(self) -> str:
        return self.ask("statusall")[1]

    def ping(self, other: End, count: int = 3, interval: float = 0.1, patience: float = PATIENCE) -> int:
        """Pings from the network behind this end to the one behind the other; how many were answered."""
        result = self.host.run(
            *pinging(self.end.inner, other.inner, count, interval, patience),
            check=False,
            timeout=30 + count * interval,
        )
        found = re.search(r"(\d+) of \d+ answered", result.stdout)
        return int(found.group(1)) if found else 0

    # ------------------------------------------------------------ what it says

    def log(self) -> str:
        try:
            return self.host.path(LOG).read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def says(self, pattern: str, timeout: float = 15.0, times: int = 1) -> str:
        """Wait until its log matches so many times; the last match."""
        matches = self.until(
            lambda: (m := list(re.finditer(pattern, self.log())))[times - 1 :] and m,
            timeout,
            f"log line with {pattern}",
        )
        return matches[-1].group()

    def shows(self, pattern: str, timeout: float = 15.0) -> re.Match[str]:
        """Wait until ``status`` matches."""
        return self.until(lambda: re.search(pattern, self.status()), timeout, f"status with {pattern}")

    def until(self, condition: Callable[[], T], timeout: float, what: str) -> T:
        """Wait for something true and return it; on a time-out fail with the end of the log."""
        deadline = time.monotonic() + timeout
        while not (value := condition()):
            if time.monotonic() > deadline:
                self.fail(f"no {what} within {timeout:g} s")
            time.sleep(0.05)
        return value

    def fail(self, what: str) -> NoReturn:
        out = self.host.path("/run/daemon.out")
        printed = out.read_text(errors="replace")[-2000:] if out.exists() else ""
        tail = "\n".join(self.log().splitlines()[-80:])
        pytest.fail(f"{self.name}: {what}\n{printed}\nits log ends:\n{tail}", pytrace=False)
