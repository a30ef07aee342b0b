"""Revocation data by network: asked for once for all who need it, and how an authentication waits for it.

How an authentication waits
---------------------------
A peer's certificate is judged with what is here (``judged``). Where that leaves a wish (``Verdict.wanted``)
and the peer has proved that it has the certificate's key, ``need`` raises Missing, and ``waiting`` says
what follows. When everything is here, or patience is over, the authentication judges again; ``need`` lets
each certificate be waited for once.

Only then is anything fetched: a stranger's certificate, even a genuine one that was seen elsewhere, makes
us call nobody, because he cannot sign with it.

For each certificate its OCSP responders are asked, then its CRLs are fetched; the next source begins when
the one before has failed, or has not answered for ``HEDGE``. What has been asked is not asked again for
``QUIET``, whatever came of it, and a server that did not answer is not asked anything. Everything here is
of both IKE versions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from cygnet.boundary.effects import Fetch, FetchKind, Finish, KeepCrl, Outcome
from cygnet.boundary.events import Event, Fetched, Purge
from cygnet.credentials.cache import Cache
from cygnet.credentials.judgement import Evidence, Settings, Verdict, Wanted, wanted_of
from cygnet.credentials.path import is_known, judge
from cygnet.crypto.crl import Crl
from cygnet.crypto.ocsp import OcspAnswer, ocsp_request
from cygnet.crypto.x509 import Certificate, CertificateError
from cygnet.engine import waiting
from cygnet.engine.registry import Registry
from cygnet.engine.sa import IkeSa
from cygnet.engine.services import Services
from cygnet.engine.timers import Deadline
from cygnet.model.config import Strict

#: seconds that an authentication waits which would go on without the data (strictcrlpolicy=no)
QUICK = 4.0
HEDGE = 2.0  #: seconds until the next source is asked beside one that has not answered
QUIET = 60.0  #: seconds for which the same is not asked again; a user who repairs a server waits no longer
MOST_URIS = 8  #: of one certificate
MOST_REDIRECTS = 5  #: each costs a round trip
MOST_OPEN = 1000  #: questions at once; beyond that certificates are judged with what is here


class Missing(waiting.Missing):
    """The authentication cannot be decided before this has been asked for."""

    def __init__(self, wanted: Sequence[Wanted]) -> None:
        super().__init__(", ".join(one.certificate.name for one in wanted))
        self.wanted = tuple(wanted)

    def wait(self, sa: IkeSa, then: Callable[[], None]) -> None:
        sa.part(Waiting).begin(self.wanted, then)


@dataclass(frozen=True, slots=True)
class Question:
    """Tunnels that ask the same share its answer."""

    uri: str
    kind: FetchKind
    body: bytes = field(default=b"", repr=False)


class Library:
    """Of one engine: what is known of revocation, what is being asked, and what was asked a while ago."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.cache = Cache()
        self._open: dict[Question, list[int]] = {}  #: refs that wait for the answer
        self._quiet: dict[Question | str, float] = {}  #: what (or which URI at all) until when

    def may_ask(self, question: Question) -> bool:
        if question in self._open:
            return True
        until = max(self._quiet.get(question, 0.0), self._quiet.get(question.uri, 0.0))
        return len(self._open) < MOST_OPEN and until <= self._services.now

    def ask(self, question: Question, wanted: Wanted, sa: IkeSa, ref: int | None = None) -> None:
        """For ``sa``. ``ref`` is answered with Fetched, once the answer has been learned, or its error is
        why it was not."""
        waiting = self._open.get(question)
        if waiting is None:
            waiting = self._open[question] = []
            settings = self._services.config.settings
            verb = "requesting ocsp status" if question.body else "fetching crl"
            sa.log("CFG", f"  {verb} from '{question.uri}' ...")
            own = self._services.ask(lambda event: self._came(question, wanted, event))
            configured = question.uri in wanted.configured
            self._services.emit(
                Fetch(
                    own,
                    question.uri,
                    question.kind,
                    question.body,
                    configured,
                    settings.revocation_timeout,
                    settings.redirects if 0 <= settings.redirects <= MOST_REDIRECTS else MOST_REDIRECTS,
                )
            )
        if ref is not None:
            waiting.append(ref)

    def _came(self, question: Question, wanted: Wanted, event: Event) -> None:
        assert isinstance(event, Fetched)
        refs, now = self._open.pop(question), self._services.now
        self._quiet = {q: until for q, until in self._quiet.items() if until > now}
        self._quiet[question.uri if event.silent else question] = now + QUIET
        problem = event.error or self._learned(event.found, wanted)
        for ref in refs:
            self._services.answer(ref, replace(event, error=problem))

    def _learned(self, found: object, wanted: Wanted) -> str:
        if not isinstance(found, Crl | OcspAnswer):
            return "it is something else"
        services = self._services
        now = int(services.unix_now)
        evidence = services.store.evidence(wanted.certificate, wanted.above)
        problem = self.cache.learn(found, wanted, evidence, now)
        if not problem and isinstance(found, Crl) and services.config.settings.cache_crls:
            name = _file_name(found, wanted)
            services.log("CFG", f"  writing crl to '{name}'")
            services.emit(KeepCrl(name, found.der))
        return problem

    def evidence(self, leaf: Certificate, offered: Sequence[Certificate], base: Evidence) -> Evidence:
        """``base`` and what the cache has about these certificates."""
        about = (leaf, *offered, *base.known)
        settings = self._services.config.settings
        return replace(
            base,
            crls=(*base.crls, *self.cache.crls(about)) if settings.use_crls else (),
            answers=(*base.answers, *self.cache.answers(about)) if settings.use_ocsp else (),
        )

    def is_known(self, wanted: Wanted) -> bool:
        base = self._services.store.evidence(wanted.certificate, wanted.above)
        evidence = self.evidence(wanted.certificate, wanted.above, base)
        return is_known(wanted, evidence, int(self._services.unix_now))

    def questions(self, wanted: Wanted) -> list[Question]:
        settings, found = self._services.config.settings, []
        if settings.use_ocsp and wanted.ocsp_uris:
            try:
                body = ocsp_request(wanted.certificate, wanted.issuer)
            except (CertificateError, ValueError):  # a serial number that no request can hold
                body = b""
            found += [Question(uri, FetchKind.OCSP, body) for uri in wanted.ocsp_uris if body]
        if settings.use_crls:
            found += [Question(uri, FetchKind.CRL) for uri in wanted.crl_uris]
        return [question for question in found[:MOST_URIS] if self.may_ask(question)]

    def purge(self, crls: bool, ocsp: bool) -> tuple[int, int]:
        """How many CRLs and OCSP answers went; what was asked may be asked again."""
        gone = self.cache.purge_crls() if crls else 0, self.cache.purge_answers() if ocsp else 0
        kinds = {FetchKind.CRL} if crls else set()
        kinds |= {FetchKind.OCSP} if ocsp else set()
        self._quiet = {
            q: until for q, until in self._quiet.items() if isinstance(q, Question) and q.kind not in kinds
        }
        return gone


def _file_name(crl: Crl, wanted: Wanted) -> str:
    """As strongSwan names it, by the key id of the CA; parts of a list beside each other."""
    name = (crl.authority_key_id or wanted.issuer.key.keyid).hex()[:64]
    if crl.scope is not None and crl.scope.names:
        last = crl.scope.names[0].value[-64:]
        name += "-" + "".join(chr(b) if chr(b).isalnum() and b < 128 else "_" for b in last)
    return f"{name}{'_delta' if crl.is_delta else ''}.crl"


# judging --------------------------------------------------------------------------------


def judged(
    sa: IkeSa,
    leaf: Certificate,
    offered: Iterable[Certificate],
    pinned: Sequence[Certificate],
    settings: Settings,
    crls: Iterable[Crl] = (),
    answers: Iterable[OcspAnswer] = (),
) -> Verdict:
    """Whether a peer's certificate is to be trusted, by all that is here and what the peer has sent:
    ``offered`` certificates, ``crls`` and (stapled) OCSP ``answers``."""
    services, offered = sa.services, tuple(offered)
    base = services.store.evidence(leaf, offered, pinned)
    base = replace(base, crls=(*base.crls, *crls), answers=(*base.answers, *answers))
    evidence = services.part(Library).evidence(leaf, offered, base)
    return judge(leaf, evidence, int(services.unix_now), settings)


# waiting --------------------------------------------------------------------------------


@dataclass(slots=True)
class Search:
    """For the state of one certificate: what has not been asked yet, and how many answers are awaited."""

    wanted: Wanted
    left: list[Question]
    open: int = 0
    over: bool = False


class Waiting:
    """What one IKE_SA waits for; ``then`` is called once."""

    def __init__(self, sa: IkeSa) -> None:
        self._sa = sa
        self._searched: set[Certificate] = set()
        self._searches: list[Search] = []
        self._then: Callable[[], None] | None = None
        self._until: float | None = None  #: one patience for the whole authentication

    @property
    def is_under_way(self) -> bool:
        return self._then is not None

    def worth(self, wanted: Iterable[Wanted]) -> list[Wanted]:
        """Those that it makes sense to wait for."""
        if self._until is not None and self._sa.services.now >= self._until:
            return []
        library = self._sa.services.part(Library)
        return [w for w in wanted if w.certificate not in self._searched and library.questions(w)]

    def begin(self, wanted: Iterable[Wanted], then: Callable[[], None]) -> None:
        services = self._sa.services
        library = services.part(Library)
        if self._until is None:
            self._until = services.now + _patience(services)
        waits, self._then = self.is_under_way, then
        if waits:
            return
        self._searches = [Search(one, library.questions(one)) for one in wanted]
        names = []
        for search in self._searches:
            name = search.wanted.certificate.name
            self._searched.add(search.wanted.certificate)
            self._sa.log("CFG", f'checking certificate status of "{name}"')
            names.append(name)
            self._next(search)
        self._sa.waiting = f"whether {', '.join(names)} is revoked"
        self._wake()

    def due(self) -> None:
        """``HEDGE`` has passed, or all patience."""
        assert self._until is not None
        if self._sa.services.now >= self._until:
            self._over()
            return
        for search in self._searches:
            if not search.over:
                self._next(search)
        self._wake()

    def _wake(self) -> None:
        services = self._sa.services
        assert self._until is not None
        services.timers.set(self._sa.uid, Deadline.EVIDENCE, min(services.now + HEDGE, self._until))

    def _next(self, search: Search) -> None:
        services = self._sa.services
        library = services.part(Library)
        while search.left:
            question = search.left.pop(0)
            if library.may_ask(question):  # it may have failed others meanwhile
                search.open += 1
                ref = services.ask(partial(self._answered, search, question), self._sa.uid)
                library.ask(question, search.wanted, self._sa, ref)
                return

    def _answered(self, search: Search, question: Question, event: Event) -> None:
        assert isinstance(event, Fetched)
        search.open -= 1
        if event.error:
            what = "ocsp request to" if question.body else "crl fetching from"
            self._sa.log("CFG", f"  {what} '{question.uri}' failed: {event.error}")
        if self._then is None or search.over:
            return
        if self._sa.services.part(Library).is_known(search.wanted):
            search.over = True
        else:
            self._next(search)
            search.over = not search.open
        if all(one.over for one in self._searches):
            self._over()

    def _over(self) -> None:
        then, self._then = self._then, None
        self._sa.services.timers.cancel(self._sa.uid, Deadline.EVIDENCE)
        self._sa.waiting = ""
        library = self._sa.services.part(Library)
        for search in self._searches:
            if not library.is_known(search.wanted):
                name = search.wanted.certificate.name
                self._sa.log("CFG", f'certificate status of "{name}" is not available')
        self._searches = []
        if then is not None:
            then()


def _patience(services: Services) -> float:
    longest = services.config.settings.revocation_timeout
    return min(longest, QUICK) if services.store.strict is Strict.NO else longest


def need(sa: IkeSa, wanted: Iterable[Wanted]) -> None:
    """To be called once the peer has proved that it has the key. Raises Missing where there is something
    to wait for; returns where the certificate is to be taken or refused as it is."""
    own = sa.part(Waiting)
    worth = own.worth(wanted)
    if worth or own.is_under_way:
        raise Missing(worth)


def evidence_due(sa: IkeSa, subject: int) -> None:
    sa.part(Waiting).due()


# stapling -------------------------------------------------------------------------------


def own_answer(sa: IkeSa, certificate: Certificate) -> OcspAnswer | None:
    """A fresh OCSP answer about a certificate of ours, for a peer that wants it in IKE (RFC 4806). Where
    there is none, one is asked for, and the next peer gets it."""
    services = sa.services
    above = services.store.issuers(certificate)
    library = services.part(Library)
    if not above or not services.config.settings.use_ocsp:
        return None
    found = library.cache.fresh_answer(certificate, above[0], int(services.unix_now))
    if found is None and above[-1] in services.store.anchors:
        wanted = replace(wanted_of(certificate, above, services.store.sources), crl_uris=())
        for question in library.questions(wanted)[:1]:
            library.ask(question, wanted, sa)
    return found


# purging --------------------------------------------------------------------------------


def purge(registry: Registry[IkeSa], event: Purge) -> None:
    crls, answers = registry.services.part(Library).purge(event.crls, event.ocsp)
    text = [f"{crls} CRLs"] * event.crls + [f"{answers} OCSP answers"] * event.ocsp
    registry.services.emit(Finish(event.ref, Outcome.OK, f"{' and '.join(text)} forgotten"))
