"""Hosts and cables together: built in a ``with`` block, gone after it."""

from __future__ import annotations

import os
from types import TracebackType

from cygnet.lab.cable import Plug, connect
from cygnet.lab.host import Host, LabError, missing_programs


def check_prerequisites() -> None:
    """LabError that says what to do, unless a lab can be built here."""
    if os.geteuid() != 0:
        raise LabError("the lab makes network namespaces: it needs root (sudo)")
    if missing := missing_programs():
        raise LabError(f"the lab needs programs that are not here: apt-get install {' '.join(missing)}")


class Lab:
    """``hosts`` by name. Leaving the block ends them all, whatever happened."""

    def __init__(self, keep: bool = False) -> None:
        self.hosts: dict[str, Host] = {}
        self._keep = keep

    def __enter__(self) -> Lab:
        check_prerequisites()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None or not self._keep:
            self.close()

    def host(self, name: str) -> Host:
        """A new host."""
        assert name not in self.hosts, name
        self.hosts[name] = host = Host.start(name, keep=self._keep)
        return host

    def __getitem__(self, name: str) -> Host:
        return self.hosts[name]

    def cable(self, a: Plug, b: Plug, delay: float = 0.0, mtu: int = 1500) -> None:
        connect(a, b, delay, mtu)

    def close(self) -> None:
        for host in self.hosts.values():
            host.doom()
        for host in self.hosts.values():
            host.kill()
        self.hosts.clear()
