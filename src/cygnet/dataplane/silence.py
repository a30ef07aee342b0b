"""What a data plane notices of a peer that may be gone: packets go out and none come in, or they come
for an SA that is not here (RFC 7296 §2.4, §1.5; RFC 4303 §2.1)."""

from __future__ import annotations

from collections.abc import Callable

from cygnet.boundary.events import Report, Unanswered, UnknownSpi
from cygnet.dataplane.esp.sad import SaDatabase
from cygnet.values.endpoint import Address, Endpoint

LOOK = 2.0  #: seconds between two looks at the counters
PATIENCE = 4.0  #: seconds of packets that go out alone
MOST_STRANGERS = 10  #: peers a second that are told of with an SPI that is not known


class SilenceWatch:
    """``look`` is to be called every ``LOOK`` seconds, or whenever packets pass."""

    def __init__(self, sad: SaDatabase, report: Callable[[Report], None]) -> None:
        self._sad, self._report = sad, report
        self._counts: dict[int, tuple[int, int]] = {}  #: reqid -> packets out and in at the last look
        self._since: dict[int, float] = {}  #: reqid -> when packets first went out alone
        self._looked = 0.0
        self._second = 0.0
        self._strangers: set[Address] = set()

    def look(self, now: float) -> None:
        """Report each tunnel that has sent and heard nothing for ``PATIENCE``."""
        if now - self._looked < LOOK:
            return
        before, at = self._looked, self._counts
        self._looked, self._counts = now, self._sad.packets()
        for reqid, (sent, heard) in self._counts.items():
            last_sent, last_heard = at.get(reqid, (sent, heard))
            if sent <= last_sent or heard != last_heard:
                self._since.pop(reqid, None)
                continue
            newest = self._sad.outbound(reqid)[-1:]
            if newest and now - self._since.setdefault(reqid, before) >= PATIENCE:
                self._report(Unanswered(newest[0].id, reqid))
        if len(self._since) > len(self._counts):
            self._since = {reqid: since for reqid, since in self._since.items() if reqid in self._counts}

    def stranger(self, local: Address, remote: Endpoint, spi: int, now: float) -> None:
        """ESP came with an SPI that is not here: told once a second for a peer, and of few of them."""
        if now - self._second >= 1.0:
            self._second = now
            self._strangers.clear()
        if len(self._strangers) < MOST_STRANGERS and remote.address not in self._strangers:
            self._strangers.add(remote.address)
            self._report(UnknownSpi(local, remote, spi))
