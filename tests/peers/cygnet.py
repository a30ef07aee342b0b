"""cygnet in a host of the lab: its daemon in the foreground, driven by its command line."""

from __future__ import annotations

from tests.peers.gateway import START_TIME, Gateway


class Cygnet(Gateway):
    name = command = "cygnet"

    def start(self) -> None:
        self._launch("cygnet", "daemon")
        self.until(lambda: self.ask("status")[0] == 0, START_TIME, "answer to status")
