"""RFC 7296 §3.6. Certificates that a peer names by hash and URL, where we have said that we look them up.

They are needed before anything of the peer is proven, so whoever gets as far as IKE_AUTH can make us ask
a web server. It is done only where ``charon.hash_and_url`` is on and a signature of that peer is to be
verified; over http alone, at most ``MOST_REFERENCES`` per peer and ``MOST_OPEN`` at once, and only from
public addresses, unless the URL is one that our own configuration makes (``certuribase`` and the hash). What
has come is what the hash says, or nothing. What an authenticated peer has named is kept, by its hash.

``need`` raises Missing where something is to be fetched; whoever drives the exchange waits as for
revocation data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from cygnet.boundary.effects import Fetch, FetchKind
from cygnet.boundary.events import Event, Fetched
from cygnet.crypto.bundle import Bundle
from cygnet.crypto.x509 import Certificate
from cygnet.engine.certificates import Reference, Shown
from cygnet.engine.revocation import MOST_REDIRECTS
from cygnet.engine.sa import IkeSa
from cygnet.engine.services import Services
from cygnet.engine.waiting import Missing
from cygnet.values.errors import CygnetError

MOST_OPEN = 100  #: fetches at once; peers beyond that fail, and try again
MOST_KEPT = 1000  #: certificates, some 1 KB each
LONGEST = 1024  #: bytes of a URL
HASH = 20  #: bytes of SHA-1

Found = Certificate | Bundle


class Kept:
    """Of one engine: what peers that have authenticated have named, the longest unused going first."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.open = 0
        self._found: dict[bytes, Found] = {}

    def ask(self, reference: Reference, ref: int) -> None:
        """``ref`` is answered with Fetched."""
        services = self._services
        self.open += 1
        settings = services.config.settings
        own = services.ask(lambda event: self._came(ref, event))
        services.emit(
            Fetch(
                own,
                reference.uri,
                reference.kind,
                configured=services.store.makes(reference.uri, reference.hash),
                timeout=settings.revocation_timeout,
                redirects=min(max(settings.redirects, 0), MOST_REDIRECTS),
            )
        )

    def _came(self, ref: int, event: Event) -> None:
        self.open -= 1
        self._services.answer(ref, event)

    def find(self, hash: bytes) -> Found | None:
        found = self._found.pop(hash, None)
        if found is not None:
            self._found[hash] = found
        return found

    def keep(self, found: Found) -> None:
        self._found[found.sha1] = found
        while len(self._found) > MOST_KEPT:
            del self._found[next(iter(self._found))]


class Unfetched(Missing):
    def __init__(self, references: Sequence[Reference]) -> None:
        self.references = tuple(references)

    def wait(self, sa: IkeSa, then: Callable[[], None]) -> None:
        sa.part(Lookups).begin(self.references, then)


def read(data: bytes, kind: FetchKind) -> Reference:
    """What a CERT payload of that encoding holds. CygnetError where it is not to be looked up."""
    hash, uri = data[:HASH], data[HASH:].decode("latin-1")
    if not uri.lower().startswith("http://") or not uri.isascii() or not uri.isprintable() or " " in uri:
        raise CygnetError(f"'{uri[:100]}' is no http URL")
    if len(uri) > LONGEST:
        raise CygnetError(f"its URL is longer than {LONGEST} bytes")
    return Reference(hash, uri, kind)


def need(sa: IkeSa, shown: Shown) -> None:
    """Before a signature of the peer is verified. Raises Missing where something is to be fetched first."""
    left = [one for one in shown.references if not one.is_settled]
    for one in left:
        one.found = _here(sa.services, one)
    left = [one for one in left if not one.is_settled]
    if sa.services.part(Kept).open + len(left) > MOST_OPEN:
        for one in left:
            one.problem = "too many are being fetched"
    elif left:
        raise Unfetched(left)


def _here(services: Services, reference: Reference) -> Found | None:
    found = services.part(Kept).find(reference.hash) or services.store.by_sha1(reference.hash)
    return found if isinstance(found, Bundle) == (reference.kind is FetchKind.BUNDLE) else None


def keep(sa: IkeSa, shown: Shown) -> None:
    """The peer has proven who it is."""
    for one in shown.references:
        if one.found is not None:
            sa.services.part(Kept).keep(one.found)


class Lookups:
    """What one IKE_SA waits for; ``then`` is called once."""

    def __init__(self, sa: IkeSa) -> None:
        self._sa = sa
        self._open = 0
        self._then: Callable[[], None] | None = None

    def begin(self, references: Sequence[Reference], then: Callable[[], None]) -> None:
        """Called again meanwhile (a repeated message), it only takes another ``then``."""
        waits, self._then = self._then is not None, then
        if waits:
            return
        services, sa = self._sa.services, self._sa
        self._open = len(references)
        sa.waiting = f"the peer's certificate from {references[0].uri}"
        for one in references:
            sa.log("CFG", f"  fetching certificate from '{one.uri}' ...")
            ref = services.ask(partial(self._came, one), sa.uid)
            services.part(Kept).ask(one, ref)

    def _came(self, reference: Reference, event: Event) -> None:
        assert isinstance(event, Fetched)
        reference.settle(event)
        if reference.problem:
            self._sa.log("CFG", f"  fetching from '{reference.uri}' failed: {reference.problem}")
        else:
            self._sa.log("CFG", f'  fetched certificate "{reference.certificates[0].name}"')
        self._open -= 1
        if self._open or self._then is None:
            return
        then, self._then = self._then, None
        self._sa.waiting = ""
        then()
