"""cygnet in a host of the lab: its daemon in the foreground, driven by its command line."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import vici

from tests.peers.gateway import START_TIME, Gateway

SOCKET = "/run/cygnet/cygnet.vici"


class Cygnet(Gateway):
    name = command = "cygnet"

    def start(self) -> None:
        self._launch("cygnet", "daemon")
        self.until(lambda: self.ask("status")[0] == 0, START_TIME, "answer to status")

    @contextlib.contextmanager
    def vici(self) -> Iterator[vici.Session]:
        """A vici client at its control socket (PyPI's, as any tool of strongSwan's users)."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(30)
            control.connect(str(self.host.path(SOCKET)))
            yield vici.Session(control)
