"""Certificates in use that run out are told of in the log: 30, 7 and 1 days before, and when it is too late.

Each once for as long as the engine lives, whenever the moment comes: at a start, after a reload, or in
the middle of the year, by a deadline that is always that of the next such moment.
"""

from __future__ import annotations

from cygnet.boundary.snapshot import ExpiringSnapshot
from cygnet.credentials.expiry import Watched, expiring, in_use
from cygnet.crypto.x509 import Certificate
from cygnet.engine.registry import Registry
from cygnet.engine.sa import IkeSa
from cygnet.engine.services import Services
from cygnet.engine.timers import Deadline
from cygnet.engine.wanted import ENGINE


class Expiry:
    """Of one engine: what is watched, and how often each has been told of."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._watched: tuple[Watched, ...] = ()
        self._told: dict[Certificate, int] = {}

    def watch(self) -> None:
        """The configuration is another one."""
        self._watched = in_use(self._services.store, self._services.config.connections)
        self._told = {w.certificate: self._told.get(w.certificate, 0) for w in self._watched}
        self.look()

    def look(self) -> None:
        services, now = self._services, int(self._services.unix_now)
        for one in self._watched:
            stage = one.stage(now)
            if stage > self._told[one.certificate]:
                self._told[one.certificate] = stage
                services.log("CFG", one.sentence(now), 0)
        moments = [moment for one in self._watched if (moment := one.following(now)) is not None]
        if moments:
            wait = max(1.0, min(moments) - services.unix_now)
            services.timers.set(ENGINE, Deadline.EXPIRY, services.now + wait)
        else:
            services.timers.cancel(ENGINE, Deadline.EXPIRY)

    def snapshots(self, now: int) -> tuple[ExpiringSnapshot, ...]:
        """Those to be told of at ``now`` (unix seconds)."""
        return tuple(
            ExpiringSnapshot(
                one.certificate.name, one.what, one.source, one.certificate.not_after, one.sentence(now)
            )
            for one in expiring(self._watched, now)
        )


def due(registry: Registry[IkeSa], _subject: int) -> None:
    registry.services.part(Expiry).look()
