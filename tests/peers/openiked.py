"""OpenIKED (Debian's openiked) in a host of the lab, with PF_KEY in user space (pf_key.py).

It hands its SAs to the kernel over PF_KEY and ends at once where the kernel has none, as most Linux
kernels of today. So it is given one that takes all SAs and tells them; no packet is encrypted by
its side.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from cygnet.lab.topology import End
from tests.peers import conf, intercept
from tests.peers.gateway import START_TIME, Gateway

PF_KEY = Path(__file__).parent / "pf_key.py"
RECORD = "/run/pf_key"

_CONF = """\
ikev2 "oregon" {mode} esp from {own.network} to {other.network} \\
    local {own.address} peer {other.public} \\
    ikesa {ike} childsa {esp} \\
    srcid {own.address} dstid {other.address} psk "{secret}"
"""


def missing() -> str:
    """Why it cannot run here; empty where it can."""
    if not shutil.which("iked", path="/usr/sbin:/sbin"):
        return "OpenIKED is not installed (apt-get install openiked)"
    return intercept.missing()


needs_openiked = pytest.mark.skipif(bool(missing()), reason=missing() or "OpenIKED is there")


class OpenIked(Gateway):
    """``ike``, ``esp``: what it proposes and accepts, in the words of iked.conf."""

    name, command = "iked", "ikectl"

    def __init__(
        self, end: End, other: End, ike: str, esp: str, active: bool, psk: str = conf.SECRET
    ) -> None:
        super().__init__(end, "", "")
        mode = "active" if active else "passive"
        text = _CONF.format(mode=mode, own=end, other=other, ike=ike, esp=esp, secret=psk)
        self.host.write("/etc/iked.conf", text, mode=0o600)

    def start(self) -> None:
        self._launch(sys.executable, str(PF_KEY), RECORD, "iked", "-dvv")
        self.until(lambda: self.ask("show", "sa")[0] == 0, START_TIME, "answer to ikectl")

    def log(self) -> str:
        """What it prints, but not its configuration: that has the secret."""
        text = self.host.path("/run/daemon.out").read_text(errors="replace")
        return "\n".join(line for line in text.splitlines() if " psk " not in line)

    def installed(self, what: str) -> dict[str, tuple[str, str]]:
        """SPI -> (encryption key, integrity key) in hex, of what it did so far: "add" or "delete"."""
        record = self.host.path(RECORD)
        rows = [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []
        return {r["spi"]: (r.get("encr_key", ""), r.get("integ_key", "")) for r in rows if r["what"] == what}
