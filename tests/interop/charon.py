"""strongSwan's charon in a host of the lab, with its ESP in user space (plugin kernel-libipsec).

Started by its own starter from /etc/ipsec.conf, driven by `ipsec`, exactly as its users do it.
Its user-space ESP is always UDP-encapsulated in Debian's version, so `forceencaps=yes` is added
to every conn, and it brings no tunnel up on traffic (no auto=route).
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from cygnet.lab.host import Host, stop

STARTER = Path("/usr/lib/ipsec/starter")
CONTROL = "/run/charon.ctl"
LOG = "/run/charon.log"
START_TIME = 20.0  #: seconds until it must answer

#: short retransmissions, so that what has to fail fails soon
SETTINGS = {"retransmit_timeout": "1.0", "retransmit_tries": "3"}

_STRONGSWAN_CONF = """\
charon {{
    load_modular = yes
    plugins {{
        include /etc/strongswan.d/charon/*.conf
        kernel-libipsec {{
            load = yes
        }}
    }}
    filelog {{
        run {{
            path = {log}
            flush_line = yes
            default = 1
            ike = 2
            cfg = 2
            knl = 2
        }}
    }}
    {settings}
}}
"""


def missing() -> str:
    """Why charon cannot run here; empty where it can."""
    if not STARTER.exists():
        return "strongSwan is not installed (apt-get install strongswan-starter)"
    if not Path("/usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so").exists():
        return (
            "strongSwan's kernel-libipsec plugin is not installed (apt-get install libcharon-extra-plugins)"
        )
    return "" if shutil.which("ipsec", path="/usr/sbin:/sbin") else "strongSwan's ipsec command is not there"


needs_charon = pytest.mark.skipif(bool(missing()), reason=missing() or "charon is there")


class Charon:
    """One charon; use as a context manager."""

    def __init__(
        self, host: Host, conf: str, secrets: str, settings: Mapping[str, str] | None = None
    ) -> None:
        self.host = host
        self._settings = {**SETTINGS, **(settings or {})}
        self.configure(conf, secrets)

    def configure(self, conf: str, secrets: str) -> None:
        self.host.write("/etc/ipsec.conf", "conn %default\n    forceencaps=yes\n\n" + conf)
        self.host.write("/etc/ipsec.secrets", secrets, mode=0o600)
        lines = "\n    ".join(f"{key} = {value}" for key, value in self._settings.items())
        self.host.write("/etc/strongswan.conf", _STRONGSWAN_CONF.format(log=LOG, settings=lines))

    def __enter__(self) -> Charon:
        self._starter = self.host.popen(str(STARTER), "--daemon", "charon", "--nofork")
        self.until(lambda: self.host.path(CONTROL).exists(), START_TIME, "its control socket")
        self.until(lambda: "Listening" in self.ipsec("statusall"), START_TIME, "an answer to statusall")
        return self

    def __exit__(self, *_: object) -> None:
        stop(self._starter)

    # ------------------------------------------------------------ what it is told

    def ipsec(self, *argv: str, timeout: float = 30.0) -> str:
        """`ipsec VERB ...`: what it printed. Its exit status says nothing (``up`` fails with 0)."""
        result = self.host.run("ipsec", *argv, check=False, timeout=timeout)
        return result.stdout + result.stderr

    def up(self, name: str, timeout: float = 30.0) -> str:
        return self.ipsec("up", name, timeout=timeout)

    def status(self) -> str:
        return self.ipsec("status")

    def statusall(self) -> str:
        return self.ipsec("statusall")

    # ------------------------------------------------------------ what it says

    def log(self) -> str:
        try:
            return self.host.path(LOG).read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def says(self, pattern: str, timeout: float = 15.0) -> str:
        """Wait until a line of its log matches; the text matched."""
        found: list[str] = []

        def look() -> bool:
            found.extend(m.group() for m in re.finditer(pattern, self.log()))
            return bool(found)

        self.until(look, timeout, f"a log line with {pattern}")
        return found[0]

    def until(self, condition: object, timeout: float, what: str) -> None:
        """Wait for a condition; on a time-out fail with the end of the log."""
        assert callable(condition)
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                tail = "\n".join(self.log().splitlines()[-60:])
                pytest.fail(f"charon: no {what} within {timeout:g} s; its log ends:\n{tail}")
            time.sleep(0.05)
