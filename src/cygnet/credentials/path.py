"""Is a certificate to be trusted? One pure function: ``judge``.

How a chain is judged
---------------------
From the leaf upwards, every certificate with the issuer's name is tried as the issuer (anchors first,
then those whose key identifier fits), until an anchor is reached. A signature is checked at each step, so
whatever a path holds is proven before anything else in it is believed. Each path found is then walked
down as RFC 5280 §6.1 says, and *all* that is wrong with it is collected: a user with an expired and
revoked certificate reads both. The first path with nothing wrong is the answer; cross-signed CAs make
several, and one that fails does not stop the others.

Work is bounded by ``Settings.max_depth``, ``max_signatures`` and ``max_paths``, whatever a stranger sends.

Stricter than the RFC: an anchor that is a certificate is held to what it says (validity, path length,
name constraints, key usage, address blocks); e-mail addresses in a subject are constrained like those in
subjectAltName. Its policies are not applied, as the RFC has it. A version 1 certificate can be an anchor,
as somebody has put it there, but never an intermediate.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from cygnet.credentials import names
from cygnet.credentials.addresses import Addresses
from cygnet.credentials.judgement import (
    Attempt,
    Evidence,
    Path,
    Reason,
    Settings,
    Verdict,
    Wanted,
    Why,
    day,
    wanted_of,
)
from cygnet.credentials.policies import Policies
from cygnet.credentials.revocation import Revocation, State
from cygnet.crypto.crl import Crl
from cygnet.crypto.ocsp import OcspAnswer
from cygnet.crypto.publickey import KeyKind, SignatureError
from cygnet.crypto.x509 import Certificate, Eku, KeyUse
from cygnet.model.config import Strict
from cygnet.values import dn

Chain = tuple[Certificate, ...]


def judge(leaf: Certificate, evidence: Evidence, now: int, settings: Settings | None = None) -> Verdict:
    """Whether ``leaf`` is to be trusted at ``now`` (unix seconds).

    The verdict holds the path, or every path tried and what is wrong with it; and what revocation data
    is missing or stale, with the URIs to fetch it from. Whether the leaf is of the peer that shows it is
    another question: see ``match``. Raises nothing, whatever certificates, CRLs and answers say.
    """
    return _Judgement(leaf, evidence, now, settings or Settings()).verdict()


def problem_with(
    found: Crl | OcspAnswer, wanted: Wanted, evidence: Evidence, now: int, settings: Settings | None = None
) -> str:
    """Why a CRL or an OCSP answer is no word about ``wanted.certificate``: it is of another, or signed by
    nobody who has the right to. Empty: it is one, be it fresh or stale. Raises nothing."""
    try:
        return _Judgement(wanted.certificate, evidence, now, settings or Settings()).problem_with(
            found, wanted
        )
    except _GaveUp:
        return "more signatures than are looked at"


def is_known(wanted: Wanted, evidence: Evidence, now: int, settings: Settings | None = None) -> bool:
    """Whether the evidence tells the state of that certificate: fresh and good, or revoked."""
    try:
        state = _Judgement(wanted.certificate, evidence, now, settings or Settings()).state(wanted)
    except _GaveUp:
        return False
    return state.good or bool(state.revoked)


class _GaveUp(Exception):
    """The bounds are reached."""


@lru_cache(64)  # few, as each keeps a list alive; without it each handshake would hash megabytes again
def _verify(signed: Certificate | Crl | OcspAnswer, signer: Certificate) -> None:
    """Raises SignatureError, which is not remembered: strangers' forgeries would push out what is right."""
    if isinstance(signed, Certificate):
        signed.verify_issued_by(signer)
    else:
        signed.verify_signed_by(signer.key)


def _signs(signed: Certificate | Crl | OcspAnswer, signer: Certificate) -> bool:
    try:
        _verify(signed, signer)
    except SignatureError:
        return False
    return True


class _Judgement:
    def __init__(self, leaf: Certificate, evidence: Evidence, now: int, settings: Settings) -> None:
        self._leaf, self._now, self._settings, self._evidence = leaf, now, settings, evidence
        self._anchors = frozenset(evidence.anchors)
        self._pool: dict[dn.Canonical, list[Certificate]] = {}
        for one in dict.fromkeys((*evidence.anchors, *evidence.known, *evidence.offered)):
            self._pool.setdefault(dn.canonical(one.subject.data), []).append(one)
        self._checked: dict[tuple[Certificate | Crl | OcspAnswer, bytes], bool] = {}
        self._revocation = Revocation(evidence, now, settings, self._signed)
        self._attempts: list[Attempt] = []
        self._steps = 0
        self._wanted: dict[Certificate, Wanted] = {}

    def verdict(self) -> Verdict:
        try:
            for chain in self._chains((self._leaf,)):
                path, reasons = self._walk(chain)
                if path is not None:
                    return Verdict(path, (), tuple(self._wanted.values()))
                self._note(Attempt(chain, tuple(reasons)))
        except _GaveUp:
            text = f"gave up on {self._leaf.name}: more paths or signatures than are looked at"
            self._attempts.append(Attempt((self._leaf,), (Reason(Why.GAVE_UP, self._leaf, text),)))
        return Verdict(None, tuple(self._attempts), tuple(self._wanted.values()))

    def problem_with(self, found: Crl | OcspAnswer, wanted: Wanted) -> str:
        return self._revocation.problem_with(found, wanted.certificate, wanted.above or (wanted.issuer,))

    def state(self, wanted: Wanted) -> State:
        return self._revocation.state(wanted.certificate, wanted.above or (wanted.issuer,))

    def _note(self, attempt: Attempt) -> None:
        self._attempts.append(attempt)
        if len(self._attempts) >= self._settings.max_paths:
            raise _GaveUp

    def _signed(self, signed: Certificate | Crl | OcspAnswer, signer: Certificate) -> bool:
        key = signed, signer.key.spki
        if key not in self._checked:
            if len(self._checked) >= self._settings.max_signatures:
                raise _GaveUp
            self._checked[key] = _signs(signed, signer)
        return self._checked[key]

    # upwards --------------------------------------------------------------------------

    def _chains(self, chain: Chain) -> Iterator[Chain]:
        """The chains that begin with ``chain`` and end with an anchor, every signature in them right.

        They are found by names, and their signatures checked from the anchor downwards: only with keys
        that are trusted, or proven by those, never with whichever a stranger brings along."""
        tip = chain[-1]
        self._steps += 1
        if self._steps > self._settings.max_steps:
            raise _GaveUp
        if tip in self._anchors:
            yield chain
        refused: list[Attempt] = []
        followed = explored = False
        for issuer in self._issuers(tip):
            problem = self._cannot_follow(chain, issuer)
            if problem is None:
                explored = True
                for whole in self._chains((*chain, issuer)):
                    problem = self._not_signed(tip, issuer)
                    if problem is not None:
                        refused.append(Attempt((*chain, issuer), (problem,)))
                        break
                    followed = True
                    yield whole
            elif problem.why is not Why.LOOP:
                refused.append(Attempt((*chain, issuer), (problem,)))
        if followed:  # namesakes whose key is another are then no news
            refused = [attempt for attempt in refused if attempt.reasons[0].why is not Why.SIGNATURE]
        elif not refused and not explored and tip not in self._anchors:
            refused.append(Attempt(chain, (self._dead_end(tip),)))
        for attempt in refused:
            self._note(attempt)

    def _issuers(self, certificate: Certificate) -> list[Certificate]:
        wanted = certificate.authority_key_id

        def order(issuer: Certificate) -> tuple[bool, bool, bool]:
            fits = wanted is None or issuer.subject_key_id is None or issuer.subject_key_id == wanted
            in_time = issuer.not_before <= self._now <= issuer.not_after
            return not fits, issuer not in self._anchors, not in_time

        return sorted(self._pool.get(dn.canonical(certificate.issuer.data), ()), key=order)

    def _cannot_follow(self, chain: Chain, issuer: Certificate) -> Reason | None:
        tip = chain[-1]
        if any(issuer.subject == one.subject and issuer.key == one.key for one in chain):
            return Reason(Why.LOOP, issuer, f"{issuer.name} would stand twice in the path")
        if len(chain) >= self._settings.max_depth:
            return Reason(Why.TOO_DEEP, tip, f"the path is longer than {self._settings.max_depth}")
        if not self._may_be_ca(issuer):
            return Reason(Why.NO_CA, issuer, f"{issuer.name} is no CA, but issued {tip.name}")
        if self._checked.get((tip, issuer.key.spki)) is False:
            return self._not_signed(tip, issuer)
        return None

    def _not_signed(self, tip: Certificate, issuer: Certificate) -> Reason | None:
        if not self._signed(tip, issuer):
            text = f"the signature on {tip.name} is not of the key of {issuer.name}"
            if tip.algorithm.kind is KeyKind.UNKNOWN:
                text = f"the signature on {tip.name} is of the unknown kind {tip.algorithm.oid}"
            return Reason(Why.SIGNATURE, tip, text)
        return None

    def _may_be_ca(self, certificate: Certificate) -> bool:
        return certificate.is_ca or (certificate.version == 1 and certificate in self._anchors)

    def _dead_end(self, tip: Certificate) -> Reason:
        if tip.self_issued:
            text = f"{tip.name} is self-signed and not trusted here"
            return Reason(Why.UNTRUSTED_ROOT, tip, text)
        issuer = dn.text(tip.issuer.data)
        if dn.canonical(tip.issuer.data) in self._pool:
            return Reason(Why.LOOP, tip, f"the issuers of {tip.name} lead in a circle")
        text = f"{issuer}, the issuer of {tip.name}, is not in the chain and not known here"
        return Reason(Why.NO_ISSUER, tip, text)

    # downwards ------------------------------------------------------------------------

    def _walk(self, chain: Chain) -> tuple[Path | None, list[Reason]]:
        """RFC 5280 §6.1.2 to §6.1.5, from the anchor to the leaf: the path, or what is wrong with it."""
        reasons = [reason for one in reversed(chain) for reason in self._alone(one, one is chain[-1])]
        reasons += self._leaf_use(chain[0])
        if len(chain) > 1:
            reasons += [r for one in reversed(chain[1:]) for r in _ca_use(one)]
        reasons += _lengths(chain)
        reasons += _names(chain)
        policies = Policies(self._settings, len(chain) - 1)
        addresses = Addresses()
        for one in reversed(chain):
            if one is not chain[-1] and (problem := policies.add(one)):
                reasons.append(Reason(Why.POLICY, one, f"{one.name} {problem}"))
            if problem := addresses.add(one):
                reasons.append(Reason(Why.ADDRESS_BLOCKS, one, f"{one.name} {problem}"))
        known_good = self._states(chain, reasons)
        if reasons:
            return None, reasons
        return Path(chain, policies.result, addresses.result, known_good), []

    def _alone(self, one: Certificate, anchor: bool) -> Iterator[Reason]:
        """What can be said of a certificate without the others."""
        if self._now > one.not_after:
            yield Reason(Why.EXPIRED, one, f"{one.name} expired on {day(one.not_after)}")
        if self._now < one.not_before:
            yield Reason(Why.NOT_YET_VALID, one, f"{one.name} is valid only from {day(one.not_before)} on")
        if one.unknown_critical:
            oids = ", ".join(one.unknown_critical)
            yield Reason(Why.UNKNOWN_CRITICAL, one, f"{one.name} has an unknown critical extension ({oids})")
        if one.key.kind is KeyKind.UNKNOWN:
            yield Reason(Why.WEAK_KEY, one, f"{one.name} has a public key of an unknown kind")
        if self._settings.weak(one):
            yield Reason(Why.WEAK_KEY, one, f"{one.name} has a weak key ({one.key})")
        # nobody relies on the signature of an anchor
        if not anchor and (
            one.algorithm.hash == "md5" or (one.algorithm.hash == "sha1" and not self._settings.sha1)
        ):
            text = f"{one.name} is signed with {one.algorithm}, which is too weak"
            yield Reason(Why.WEAK_HASH, one, text)

    def _leaf_use(self, leaf: Certificate) -> Iterator[Reason]:
        """RFC 4945 §5.1.3.2 and §5.1.3.12: a peer's certificate is there to sign with."""
        if leaf.key_usage is not None and not leaf.key_usage & {
            KeyUse.DIGITAL_SIGNATURE,
            KeyUse.NON_REPUDIATION,
        }:
            yield Reason(Why.KEY_USAGE, leaf, f"{leaf.name} is not for signatures (keyUsage)")
        purposes, said = self._settings.purposes, leaf.extended_key_usage
        if purposes and said is not None and not said & (purposes | {Eku.ANY}):
            text = f"{leaf.name} is for other purposes (extendedKeyUsage)"
            yield Reason(Why.EXTENDED_KEY_USAGE, leaf, text)

    def _states(self, chain: Chain, reasons: list[Reason]) -> frozenset[Certificate]:
        """Adds what revocation has to say to ``reasons``, and to what is wanted; returns who is good."""
        hopeless = bool(reasons)
        wanted: list[Wanted] = []
        good = set()
        for at in range(len(chain) - 2, -1, -1):
            one, above = chain[at], chain[at + 1 :]
            state = self._revocation.state(one, above)
            if state.revoked:
                reasons.append(Reason(Why.REVOKED, one, f"{one.name} {state.revoked}"))
                hopeless = True
            elif state.good:
                good.add(one)
            else:
                told = wanted_of(one, above, self._evidence.sources)
                wanted.append(told)
                if self._must_be_told(told):
                    what = "is out of date" if state.stale else "is not known"
                    text = f"whether {one.name} is revoked {what} (no fresh CRL or OCSP answer)"
                    reasons.append(Reason(Why.NO_STATUS, one, text))
        if not hopeless:
            self._wanted |= {w.certificate: w for w in wanted}
        return frozenset(good)

    def _must_be_told(self, wanted: Wanted) -> bool:
        if self._settings.strict is Strict.IFURI:
            return bool(wanted.crl_uris or wanted.ocsp_uris)
        return self._settings.strict is Strict.YES


def _ca_use(ca: Certificate) -> Iterator[Reason]:
    if ca.key_usage is not None and KeyUse.KEY_CERT_SIGN not in ca.key_usage:
        yield Reason(Why.KEY_USAGE, ca, f"{ca.name} may not sign certificates (keyUsage)")


def _lengths(chain: Chain) -> Iterator[Reason]:
    """§6.1.4 (l) and (m): no CA has more CAs below it than it allows; self-issued ones do not count."""
    for at, ca in enumerate(chain):
        if at and ca.path_length is not None:
            below = sum(not one.self_issued for one in chain[1:at])
            if below > ca.path_length:
                text = f"the path is longer than {ca.name} allows (here {below} CAs below it)"
                yield Reason(Why.PATH_LENGTH, ca, text)


def _names(chain: Chain) -> Iterator[Reason]:
    """§6.1.3 (b) and (c): each CA's constraints hold for all below it, but not for self-issued CAs."""
    left = names.MOST_COMPARISONS
    for at, ca in enumerate(chain):
        limits = ca.name_constraints
        if limits is None:
            continue
        for below, one in enumerate(chain[:at]):
            if below and one.self_issued:
                continue
            found = names.names_of(one)
            left -= len(found) * (len(limits.permitted) + len(limits.excluded))
            problem = names.broken(limits, found) if left >= 0 else "has more names than can be checked"
            if problem:
                text = f"{one.name} {problem} (name constraints of {ca.name})"
                yield Reason(Why.NAME_CONSTRAINTS, one, text)
