"""Certificates in either IKE version: what a peer has shown, which of its keys are proven, what goes along.

Whatever a peer sends is kept for its own IKE_SA and no longer, so what happens to it never depends
on who connected before.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TypeVar, cast

from cygnet.boundary.effects import FetchKind
from cygnet.boundary.events import Fetched
from cygnet.credentials import match
from cygnet.credentials.judgement import Path, Settings, Verdict, Wanted
from cygnet.crypto.bundle import Bundle
from cygnet.crypto.crl import Crl
from cygnet.crypto.ocsp import OcspAnswer
from cygnet.crypto.publickey import PublicKey
from cygnet.crypto.x509 import ANY_POLICY, Certificate
from cygnet.engine import revocation
from cygnet.engine.address_blocks import Limit
from cygnet.engine.sa import IkeSa
from cygnet.model.config import AuthMethod, AuthRound, SendCert
from cygnet.values import constraints
from cygnet.values.errors import CygnetError, PeerError
from cygnet.values.identity import Identity

T = TypeVar("T")

AUTHENTICATION_FAILED = 24  #: the notify of that name in IKEv2 and in IKEv1
MOST = 20  #: certificates of one peer; each is parsed, some 50 us
MOST_REFERENCES = 8  #: of these, by hash and URL; a peer has one certificate and some intermediates


@dataclass(slots=True)
class Reference:
    """RFC 7296 §3.6. A certificate, or a bundle with the chain, that a peer names by hash and URL."""

    hash: bytes  #: SHA-1 of what is there, 20 bytes
    uri: str
    kind: FetchKind
    found: Certificate | Bundle | None = None
    problem: str = ""  #: why it could not be had

    @property
    def is_settled(self) -> bool:
        return self.found is not None or bool(self.problem)

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        match self.found:
            case Bundle(certificates=inside):
                return inside
            case None:
                return ()
        return (self.found,)

    def settle(self, event: Fetched) -> None:
        """Take what has come where it is what the hash says."""
        found = event.found
        if event.error or not isinstance(found, Certificate | Bundle):
            self.problem = event.error or "it is something else"
        elif found.sha1 != self.hash:
            self.problem = f"its hash is {found.sha1.hex()}, not {self.hash.hex()}"
        else:
            self.found = found


@dataclass(slots=True)
class Shown:
    """What a peer has shown and asked for in one handshake."""

    sent: list[Certificate | Reference] = field(default_factory=list)  #: in the peer's order
    keys: list[PublicKey] = field(default_factory=list)  #: raw public keys (RFC 7670)
    crls: list[Crl] = field(default_factory=list)
    answers: list[OcspAnswer] = field(default_factory=list)  #: stapled (RFC 4806)
    may_refer: bool = False  #: we have said that we look certificates up
    looks_up: bool = False  #: so has the peer
    asked: bool = False
    asks_ocsp: bool = False
    authorities: set[bytes] = field(default_factory=set)  #: key ids of the CAs that it has asked for
    _leaf_at: int = 0
    _leaf_is_next: bool = True
    seen: set[bytes] = field(default_factory=set)  #: what was read, also in vain
    #: what has been found out in this handshake, so that many connections to choose from cost it once
    verdicts: dict[Hashable, Verdict] = field(default_factory=dict)
    checks: dict[Hashable, object] = field(default_factory=dict)

    def is_news(self, data: bytes) -> bool:
        """Whether it is to be read; at most ``MOST`` things are, be they readable or not."""
        if data in self.seen:
            return False
        self.seen.add(data)
        return True

    @property
    def references(self) -> list[Reference]:
        return [one for one in self.sent if isinstance(one, Reference)]

    @property
    def certificates(self) -> list[Certificate]:
        """Those that are here, each once."""
        flat = ((one,) if isinstance(one, Certificate) else one.certificates for one in self.sent)
        return list(dict.fromkeys(certificate for part in flat for certificate in part))

    @property
    def leaf(self) -> Certificate | None:
        """The peer's own: what it has sent first (§3.6), in the last message that had any."""
        if not self.sent:
            return None
        first = self.sent[self._leaf_at]
        return first if isinstance(first, Certificate) else next(iter(first.certificates), None)

    @property
    def every_crl(self) -> list[Crl]:
        bundles = (one.found for one in self.references if isinstance(one.found, Bundle))
        return [*self.crls, *(crl for bundle in bundles for crl in bundle.crls)]

    @property
    def is_full(self) -> bool:
        return len(self.seen) >= MOST

    def next_message(self) -> None:
        """With another round of authentication another certificate may sign."""
        self._leaf_is_next = True

    def _leads(self, at: int) -> None:
        if self._leaf_is_next:
            self._leaf_at, self._leaf_is_next = at, False

    def take(self, sa: IkeSa, certificate: Certificate) -> None:
        known = certificate in self.sent  # twice in a file, or a message that has come before
        self._leads(self.sent.index(certificate) if known else len(self.sent))
        if known:
            return
        what = "end entity cert" if self._leaf_at == len(self.sent) else "issuer cert"
        sa.log("IKE", f'received {what} "{certificate.name}"')
        self.sent.append(certificate)

    def refer(self, sa: IkeSa, reference: Reference) -> None:
        before = next((one for one in self.references if one.hash == reference.hash), None)
        if before is not None:
            self._leads(self.sent.index(before))
            return
        if len(self.references) == MOST_REFERENCES:
            sa.log("IKE", f"peer sends more than {MOST_REFERENCES} certificate URLs, the rest is ignored")
            return
        self._leads(len(self.sent))
        sa.log("IKE", f'received hash-and-url for certificate "{reference.hash.hex()}"')
        self.sent.append(reference)


def wants_certificate(round: AuthRound) -> bool:
    return round.method in (AuthMethod.PUBKEY, AuthMethod.ANY)


def chain_along(sa: IkeSa, shown: Shown, round: AuthRound, certificate: Certificate) -> list[Certificate]:
    """Our certificate and the intermediates above it, where they are to be sent."""
    if round.send_cert is SendCert.NEVER or (round.send_cert is SendCert.IF_ASKED and not shown.asked):
        return []
    chain = [certificate, *(ca for ca in sa.services.store.issuers(certificate) if not ca.self_issued)]
    for number, one in enumerate(chain):
        sa.log("IKE", f'sending {"issuer" if number else "end entity"} cert "{one.name}"')
    return chain


@dataclass(frozen=True, slots=True)
class Proven:
    """A key that may speak for the peer: by a path to a CA, or because it is configured."""

    key: PublicKey
    path: Path | None = None
    wanted: tuple[Wanted, ...] = ()  #: revocation data that is missing
    doubt: str = ""  #: why the certificate is refused where that does not come


def signed_by_peer(
    sa: IkeSa,
    shown: Shown,
    round: AuthRound,
    identity: Identity,
    check: Callable[[PublicKey], T],
    about: Hashable,
) -> T:
    """What ``check`` returns of the first of the peer's keys that it does not raise CygnetError for.

    ``about``: what ``check`` depends on beside the key; it is called once for each.
    Raises the first such error, or PeerError(AUTHENTICATION_FAILED) with what is wrong with the
    certificate; and ``revocation.Missing``, having changed nothing, where it may still turn out to be
    revoked: whoever catches that waits and calls again."""
    problem: CygnetError | None = None
    for proven in keys_of(sa, shown, round, identity):
        result = _checked(shown, proven.key, check, about)
        if isinstance(result, CygnetError):
            problem = problem or result
            continue
        try:
            revocation.need(sa, proven.wanted)
        except revocation.Missing:
            shown.verdicts.clear()
            raise
        if not proven.doubt:
            if proven.path is not None:
                _log_used(sa, proven.path)
                sa.part(Limit).set(proven.path.address_blocks)
            return result
        problem = _failed(proven.doubt)
    assert problem is not None
    raise problem


def _checked(
    shown: Shown, key: PublicKey, check: Callable[[PublicKey], T], about: Hashable
) -> T | CygnetError:
    question = key.spki, about
    if question not in shown.checks:
        try:
            shown.checks[question] = check(key)
        except CygnetError as error:
            shown.checks[question] = error
    return cast("T | CygnetError", shown.checks[question])


def keys_of(sa: IkeSa, shown: Shown, round: AuthRound, identity: Identity) -> list[Proven]:
    """The keys that a peer of that identity may have signed with. PeerError(AUTHENTICATION_FAILED) with
    what is wrong with the certificate it has shown, or that there is none."""
    store = sa.services.store
    wanted = round.id if round.loose_id else identity
    bare = store.bare(round)
    if bare:
        return [Proven(key) for key in bare]
    leaf = shown.leaf
    candidates = [*([leaf] if leaf is not None else ()), *store.of_peer(wanted, round)]
    pinned = store.named(round)
    if pinned:
        candidates = [c for c in candidates if c in pinned]
        if not candidates:
            raise _failed(f"the peer's certificate is not the one that '{sa.name}' has for it")
    if not candidates and shown.references:
        lost = shown.references[0]
        raise _failed(f"the peer's certificate could not be fetched from {lost.uri}: {lost.problem}")
    if not candidates:
        raise _failed(f"the peer sent no certificate, and there is none here for '{identity}'")
    problems: list[str] = []
    proven: list[Proven] = []
    for certificate in list(dict.fromkeys(candidates))[:MOST]:
        if match.fits(certificate, wanted) < match.least(round):
            problems.append(_other_name(certificate, wanted))
            continue
        verdict = _judged(sa, shown, certificate, pinned, round)
        problem = _refusal(verdict, round)
        if not problem:
            proven.append(Proven(certificate.key, verdict.path, verdict.wanted))
        elif verdict.lacks_status_only:
            doubt = f"no trusted certificate for '{identity}': {problem}"
            proven.append(Proven(certificate.key, None, verdict.wanted, doubt))
        else:
            problems.append(problem)
    if not proven:
        raise _failed(f"no trusted certificate for '{identity}': {'; '.join(dict.fromkeys(problems))}")
    return proven


def _judged(
    sa: IkeSa, shown: Shown, certificate: Certificate, pinned: tuple[Certificate, ...], round: AuthRound
) -> Verdict:
    store = sa.services.store
    settings = Settings(
        strict=store.strict,
        policies=frozenset(round.policies or (ANY_POLICY,)),
        explicit_policy=bool(round.policies),
    )
    offered = [one for one in shown.certificates if one != certificate]
    question = certificate, certificate in pinned, settings, len(shown.seen), sa.services.now
    if question not in shown.verdicts:
        shown.verdicts[question] = revocation.judged(
            sa, certificate, offered, pinned, settings, shown.every_crl, shown.answers
        )
    return shown.verdicts[question]


def _log_used(sa: IkeSa, path: Path) -> None:
    alone = len(path.chain) == 1
    kind, one = ("certificate", path.leaf) if alone else ("ca certificate", path.anchor)
    sa.log("CFG", f'using trusted {kind} "{one.name}"')
    for certificate in path.chain[:-1]:
        if certificate in path.known_good:
            sa.log("CFG", f'certificate status of "{certificate.name}" is good')


def _refusal(verdict: Verdict, round: AuthRound) -> str:
    """Why the path will not do; empty where it does."""
    path = verdict.path
    if path is None:
        return "; ".join(verdict.reasons)
    if round.authorities and not any(
        ca.subject.matches(name) for ca in path.chain[1:] for name in round.authorities
    ):
        return f"{path.leaf.name} is not of {' or '.join(map(str, round.authorities))}"
    wishes = constraints.parse(round.method_detail)
    if not wishes.takes(path.leaf.key.kind, path.leaf.key.bits):
        return f"{path.leaf.name} has a key of {path.leaf.key}, {wishes.keys_text} is wanted"
    weak = next((c for c in path.chain[:-1] if not wishes.takes_hash(c.algorithm.hash)), None)
    if weak is not None:
        return f"{weak.name} is signed with {weak.algorithm}, {'/'.join(wishes.hashes)} is wanted"
    return ""


def _other_name(certificate: Certificate, identity: Identity) -> str:
    names = ", ".join(map(str, (certificate.subject, *certificate.identities)))
    return f"the peer's certificate is for {names}, not for '{identity}'"


def _failed(text: str) -> PeerError:
    return PeerError(AUTHENTICATION_FAILED, text)
