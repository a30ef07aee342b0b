"""OpenIKED (Debian's openiked) in a host of the lab.

It hands its SAs to the kernel over PF_KEY and ends at once where the kernel has none.
"""

from __future__ import annotations

import shutil
import socket

import pytest

from cygnet.lab.topology import End
from tests.peers import conf
from tests.peers.gateway import START_TIME, Gateway

AF_KEY, PF_KEY_V2 = 15, 2

_CONF = """\
ikev2 "oregon" {mode} esp from {own.network} to {other.network} \\
    local {own.address} peer {other.public} \\
    ikesa enc aes-128 prf hmac-sha2-256 auth hmac-sha2-256 group curve25519 \\
    childsa enc aes-128 auth hmac-sha2-256 \\
    srcid {own.address} dstid {other.address} psk "{secret}"
"""


def missing() -> str:
    """Why it cannot run here; empty where it can."""
    if not shutil.which("iked", path="/usr/sbin:/sbin"):
        return "OpenIKED is not installed (apt-get install openiked)"
    try:
        socket.socket(AF_KEY, socket.SOCK_RAW, PF_KEY_V2).close()
    except OSError as error:
        return f"OpenIKED needs PF_KEY, which this kernel has not: {error.strerror}"
    return ""


needs_openiked = pytest.mark.skipif(bool(missing()), reason=missing() or "OpenIKED is there")


class OpenIked(Gateway):
    name, command = "iked", "ikectl"

    def __init__(self, end: End, other: End, active: bool) -> None:
        super().__init__(end, "", "")
        mode = "active" if active else "passive"
        text = _CONF.format(mode=mode, own=end, other=other, secret=conf.SECRET)
        self.host.write("/etc/iked.conf", text, mode=0o600)

    def start(self) -> None:
        self._launch("iked", "-dvv")
        self.until(
            lambda: "IkeSA" in self.ask("show", "sa")[1] or not self.ask("show", "sa")[0],
            START_TIME,
            "answer",
        )

    def log(self) -> str:
        return self.host.path("/run/daemon.out").read_text(errors="replace")
