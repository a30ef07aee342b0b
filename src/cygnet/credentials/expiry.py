"""Which certificates in use run out, and when that is worth a warning: 30, 7 and 1 days before, and then.

A warning that would come in the first half of a certificate's life is left out: one that is renewed every
week is never 30 days from its end without being new.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from cygnet.credentials.judgement import day
from cygnet.credentials.store import Store
from cygnet.crypto.x509 import Certificate
from cygnet.model.config import AuthMethod, AuthRound, Connection
from cygnet.values.span import span

OWN = "certificate"  #: what one of ours is called
DAY = 86400
BEFORE = (30 * DAY, 7 * DAY, DAY)  #: seconds before the end


def moments(not_before: int, not_after: int) -> tuple[int, ...]:
    """When to warn (unix seconds); the last one is the first second that is too late."""
    half = (not_after - not_before) // 2
    return (*(not_after - before for before in BEFORE if before <= half), not_after + 1)


def is_soon(not_before: int, not_after: int, now: int) -> bool:
    """Whether it runs out, or has."""
    return moments(not_before, not_after)[0] <= now


@dataclass(frozen=True, slots=True)
class Watched:
    """A certificate that a connection needs."""

    certificate: Certificate
    what: str  #: "certificate", "CA certificate", "certificate of the peer"
    source: str  #: the file

    def stage(self, now: int) -> int:
        """How many of its moments have come."""
        return sum(moment <= now for moment in self._moments)

    def following(self, now: int) -> int | None:
        """Its next moment."""
        return next((moment for moment in self._moments if moment > now), None)

    def sentence(self, now: int, with_file: bool = True) -> str:
        end, name = self.certificate.not_after, self.certificate.name
        head = f"the {self.what} '{name}'" + (f" ({self.source})" if with_file else "")
        if now > end:
            fate = f"expired {span(now - end)} ago, on {day(end)}, so that it is refused"
        else:
            fate = f"expires in {span(end - now)}, on {day(end)}"
        return f"{head} {fate}; put a new one there, then 'cygnet rereadall'"

    @property
    def _moments(self) -> tuple[int, ...]:
        return moments(self.certificate.not_before, self.certificate.not_after)


def in_use(store: Store, connections: Iterable[Connection]) -> tuple[Watched, ...]:
    """Our own certificates, the CAs above them, the CAs that peers' certificates may be of, and peers'
    certificates that a connection names; each once, by the end of its validity."""
    rounds = [(round, here) for c in connections for here in (True, False) for round in _rounds(c, here)]
    found: dict[Certificate, str] = {}
    for local in {(r.certs, r.id): r for r, here in rounds if here}.values():
        own = store.own(local, local.id)
        if own is not None:
            found.setdefault(own, OWN)
            for ca in store.issuers(own):
                found.setdefault(ca, "CA certificate")
    for remote in {(r.certs, r.authorities): r for r, here in rounds if not here}.values():
        for one in store.named(remote):
            found.setdefault(one, "certificate of the peer")
        if not remote.certs:
            for ca in store.authorities((remote,)):
                found.setdefault(ca, "CA certificate")
    files = {held.certificate: held.files[0] for held in reversed(store.held)}
    watched = (Watched(one, what, files[one]) for one, what in found.items())
    return tuple(sorted(watched, key=lambda w: w.certificate.not_after))


def expiring(watched: Iterable[Watched], now: int) -> Iterator[Watched]:
    """Those to warn of. ``watched`` is by the end of their validity."""
    near = takewhile(lambda one: one.certificate.not_after - BEFORE[0] <= now, watched)
    return (one for one in near if one.stage(now))


def _rounds(connection: Connection, here: bool) -> list[AuthRound]:
    if connection.only_shunts:
        return []
    rounds = connection.local if here else connection.remote
    wanted = (AuthMethod.PUBKEY,) if here else (AuthMethod.PUBKEY, AuthMethod.ANY)
    return [round for round in rounds if round.method in wanted]
