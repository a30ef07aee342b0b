"""cygnet in a host of the lab: driven by its command line as its users do it."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import vici

from tests.peers.gateway import Gateway

SOCKET = "/run/cygnet/cygnet.vici"


class Cygnet(Gateway):
    name = command = "cygnet"

    def start(self, *options: str) -> None:
        status, said = self.ask("start", *options)
        if status != 0:
            self.fail(f"start: exit status {status}: {said}")

    def stop(self) -> None:
        self.ask("stop")

    @contextlib.contextmanager
    def vici(self) -> Iterator[vici.Session]:
        """A vici client at its control socket (PyPI's, as any tool of strongSwan's users)."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(30)
            control.connect(str(self.host.path(SOCKET)))
            yield vici.Session(control)
