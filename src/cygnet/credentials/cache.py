"""CRLs and OCSP answers that were fetched, for all that need them: of each the newest.

Only what is proven goes in (``path.problem_with``), so a server that lies cannot put anything here. What
is past its nextUpdate stays until something newer comes: it calls nobody good any more, and still tells
who is revoked. Bounded in number and memory; what is stale goes first, then what nobody has used for
longest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from itertools import count
from typing import Generic, TypeVar

from cygnet.credentials.judgement import Evidence, Settings, Wanted
from cygnet.credentials.path import problem_with
from cygnet.credentials.revocation import LIFETIME
from cygnet.crypto.crl import Crl
from cygnet.crypto.ocsp import OcspAnswer
from cygnet.crypto.x509 import Certificate
from cygnet.values import dn

MOST_CRLS = 200  #: of as many CAs, or parts of their lists
MOST_ANSWERS = 10_000  #: one per peer, some 2 KB each
MOST_BYTES = 512 << 20  #: of CRLs in memory; one of 200,000 entries takes 30 MB
ENTRY_BYTES = 120  #: of an entry of a CRL in its index, beside its bytes

T = TypeVar("T", Crl, OcspAnswer)


@dataclass(slots=True)
class _Held(Generic[T]):
    what: T
    since: tuple[int, int]  #: number and thisUpdate, or thisUpdate: grows from one to the next
    until: int
    size: int
    used: int = 0


class _Shelf(Generic[T]):
    """Of one kind: by topic (an issuer's name, a serial number) and then by what exactly it is about."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._by_topic: defaultdict[Hashable, dict[Hashable, _Held[T]]] = defaultdict(dict)
        self._uses = count(1)

    def put(self, topic: Hashable, key: Hashable, held: _Held[T], now: int) -> bool:
        """Whether it is newer than what was there, and fits."""
        before = self._by_topic[topic].get(key) if topic in self._by_topic else None
        if held.size > self._most_bytes or (before is not None and before.since >= held.since):
            return False
        held.used = next(self._uses)
        self._by_topic[topic][key] = held
        self._shrink(now)
        return True

    def get(self, topic: Hashable) -> list[T]:
        found = self._by_topic[topic].values() if topic in self._by_topic else ()
        for held in found:
            held.used = next(self._uses)
        return [held.what for held in found]

    def all(self) -> list[_Held[T]]:
        return [held for part in self._by_topic.values() for held in part.values()]

    def clear(self) -> int:
        number = len(self.all())
        self._by_topic.clear()
        return number

    def _shrink(self, now: int) -> None:
        held = self.all()
        over, bytes_over = len(held) - self._most, sum(h.size for h in held) - self._most_bytes
        if over <= 0 and bytes_over <= 0:
            return
        going = set()
        for one in sorted(held, key=lambda h: (h.until >= now, h.used)):
            if over <= 0 and bytes_over <= 0:
                break
            going.add(id(one))
            over, bytes_over = over - 1, bytes_over - one.size
        for topic, part in list(self._by_topic.items()):
            self._by_topic[topic] = {key: one for key, one in part.items() if id(one) not in going}
            if not self._by_topic[topic]:
                del self._by_topic[topic]


class Cache:
    def __init__(
        self, most_crls: int = MOST_CRLS, most_answers: int = MOST_ANSWERS, most_bytes: int = MOST_BYTES
    ) -> None:
        self._crls: _Shelf[Crl] = _Shelf(most_crls, most_bytes)
        self._answers: _Shelf[OcspAnswer] = _Shelf(most_answers, most_bytes)

    def learn(
        self,
        found: Crl | OcspAnswer,
        wanted: Wanted,
        evidence: Evidence,
        now: int,
        settings: Settings | None = None,
    ) -> str:
        """Keep what was fetched about ``wanted.certificate``. Empty, or why it is not kept."""
        problem = problem_with(found, wanted, evidence, now, settings)
        if problem:
            return problem
        if isinstance(found, Crl):
            kept = self._learn_crl(found, wanted, now)
        else:
            kept = self._learn_answer(found, wanted, now)
        return "" if kept else "it is not newer than what is here"

    def _learn_crl(self, crl: Crl, wanted: Wanted, now: int) -> bool:
        size = len(crl.der) + ENTRY_BYTES * len(crl)
        since = (crl.number or 0, crl.this_update)
        held = _Held(crl, since, _until(crl.this_update, crl.next_update), size)
        key = (wanted.issuer.key.spki, crl.is_delta, crl.scope)
        return self._crls.put(dn.canonical(crl.issuer.data), key, held, now)

    def _learn_answer(self, answer: OcspAnswer, wanted: Wanted, now: int) -> bool:
        status = answer.status(wanted.certificate, wanted.issuer)
        assert status is not None, "problem_with has looked"
        until = _until(status.this_update, status.next_update)
        held = _Held(answer, (status.this_update, answer.produced_at), until, len(answer.der))
        key = (wanted.issuer.key.spki, wanted.issuer.subject.data)
        return self._answers.put(wanted.certificate.serial, key, held, now)

    def crls(self, certificates: Iterable[Certificate]) -> tuple[Crl, ...]:
        """Those of the certificates' issuers."""
        names = dict.fromkeys(dn.canonical(one.issuer.data) for one in certificates)
        return tuple(crl for name in names for crl in self._crls.get(name))

    def answers(self, certificates: Iterable[Certificate]) -> tuple[OcspAnswer, ...]:
        """Those about the certificates' serial numbers."""
        serials = dict.fromkeys(one.serial for one in certificates)
        return tuple(answer for serial in serials for answer in self._answers.get(serial))

    def fresh_answer(self, certificate: Certificate, issuer: Certificate, now: int) -> OcspAnswer | None:
        """One to show others, that calls the certificate good."""
        for answer in self._answers.get(certificate.serial):
            status = answer.status(certificate, issuer)
            if status is not None and status.state == "good":
                return answer if now <= _until(status.this_update, status.next_update) else None
        return None

    @property
    def every_crl(self) -> tuple[Crl, ...]:
        return tuple(held.what for held in self._crls.all())

    @property
    def every_answer(self) -> tuple[OcspAnswer, ...]:
        return tuple(held.what for held in self._answers.all())

    def purge_crls(self) -> int:
        """How many went."""
        return self._crls.clear()

    def purge_answers(self) -> int:
        return self._answers.clear()


def _until(since: int, until: int | None) -> int:
    return since + LIFETIME if until is None else until
