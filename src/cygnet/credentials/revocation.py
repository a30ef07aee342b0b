"""Whether a certificate is revoked, by the CRLs and OCSP answers at hand (RFC 5280 §6.3, RFC 6960 §3.2).

A CRL or an answer counts only when somebody with the right to give it has signed it: the issuer of the
certificate (by whichever of its keys the chain proves), a responder that this issuer certified for
OCSP, or one that the configuration trusts. Revoked once is revoked, whoever has an older list that does
not say so yet; except "on hold", which the newest list decides. A list that is stale, or that covers
only some certificates or reasons, still tells of revocations, and calls good only what it covers.

Indirect CRLs (of an issuer other than the certificate's) are not used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cygnet.credentials.judgement import Evidence, Settings, day
from cygnet.crypto.crl import ON_HOLD, REMOVE_FROM_CRL, Crl, Revoked
from cygnet.crypto.general_name import GeneralName, NameKind
from cygnet.crypto.ocsp import OcspAnswer
from cygnet.crypto.publickey import SignatureAlgorithm
from cygnet.crypto.x509 import Certificate, Eku, KeyUse
from cygnet.values import der, dn
from cygnet.values.identity import Identity

Above = tuple[Certificate, ...]  #: a proven path from an issuer to the anchor

#: seconds that an OCSP answer or a CRL without nextUpdate is fresh
LIFETIME = 300

#: RFC 5280 §4.2.1.13. ReasonFlags but "unused"
ALL_REASONS = frozenset(range(1, 9))

#: (object, who is to have signed it) -> whether that is so; counts and bounds the checks
Signed = Callable[[Certificate | Crl | OcspAnswer, Certificate], bool]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one source says."""

    since: int  #: its thisUpdate
    fresh: bool
    revoked: Revoked | None
    reasons: frozenset[int] = ALL_REASONS  #: those for which it would list a revoked certificate


@dataclass(frozen=True, slots=True)
class State:
    revoked: str = ""  #: a sentence's end, "" when nothing says that it is revoked
    good: bool = False  #: a fresh source says so
    stale: bool = False  #: there is a source, but it is out of date


class Revocation:
    """The revocation data of one judgement."""

    def __init__(self, evidence: Evidence, now: int, settings: Settings, signed: Signed) -> None:
        self._evidence, self._now, self._settings, self._signed = evidence, now, settings, signed
        self._asking: set[Certificate] = set()  #: signers whose own state is being looked for

    def state(self, certificate: Certificate, above: Above) -> State:
        """``above``: the proven path from the certificate's issuer to the anchor."""
        findings = [*self._by_ocsp(certificate, above), *self._by_crls(certificate, above)]
        newest = _good_since(findings)
        for finding in findings:
            entry = finding.revoked
            if entry and (entry.reason != ON_HOLD or newest is None or newest <= finding.since):
                return State(f"was revoked ({entry.reason}) on {day(entry.at)}")
        fresh = newest is not None
        return State(good=fresh, stale=bool(findings) and not fresh)

    def problem_with(self, found: Crl | OcspAnswer, certificate: Certificate, above: Above) -> str:
        """Why it is no word of somebody who may speak about that certificate; empty where it is."""
        if isinstance(found, Crl):
            if dn.canonical(found.issuer.data) != dn.canonical(certificate.issuer.data):
                return f"the CRL is of {dn.text(found.issuer.data)}"
            if not self._counts(found, certificate, above):
                return f"the CRL is not signed by {above[0].name}"
            since = found.this_update
        else:
            status = found.status(certificate, above[0])
            if status is None:
                return f"the OCSP answer says nothing about {certificate.name}"
            if status.state == "unknown":
                return f"the OCSP responder does not know {certificate.name}"
            if found.unknown_critical or not self._answers_for(found, above):
                return f"the OCSP answer is not signed by somebody who speaks for {above[0].name}"
            since = status.this_update
        return "it is of the future" if since > self._now + self._settings.skew else ""

    def _fresh(self, since: int, until: int | None) -> bool:
        if since > self._now + self._settings.skew:
            return False
        return self._now <= (since + LIFETIME if until is None else until)

    def _acceptable(self, algorithm: SignatureAlgorithm) -> bool:
        return algorithm.hash not in ("sha1", "md5") or (algorithm.hash == "sha1" and self._settings.sha1)

    # OCSP -----------------------------------------------------------------------------

    def _by_ocsp(self, certificate: Certificate, above: Above) -> Iterator[Finding]:
        issuer = above[0]
        for answer in self._evidence.answers:
            status = answer.status(certificate, issuer)
            if status is None or answer.unknown_critical or not self._answers_for(answer, above):
                continue
            fresh = self._fresh(status.this_update, status.next_update)
            if status.state == "revoked":
                entry = Revoked(certificate.serial, status.revoked_at, status.reason)
                yield Finding(status.this_update, fresh, entry)
            elif status.state == "good":
                yield Finding(status.this_update, fresh, None)

    def _answers_for(self, answer: OcspAnswer, above: Above) -> bool:
        """RFC 6960 §4.2.2.2. Authorized Responders."""
        if not self._acceptable(answer.algorithm):
            return False
        trusted = (above[0], *self._evidence.responders)
        if any(answer.is_by(one) and self._signed(answer, one) for one in trusted):
            return True
        shown = (*answer.certificates, *self._evidence.offered, *self._evidence.known)
        return any(
            answer.is_by(one) and self._may_answer(one, above) and self._signed(answer, one) for one in shown
        )

    def _may_answer(self, delegate: Certificate, above: Above) -> bool:
        return (
            Eku.OCSP_SIGNING in (delegate.extended_key_usage or ())
            and (delegate.key_usage is None or bool(delegate.key_usage & {0, 1}))
            and self._stands(delegate)
            and self._issued(delegate, above[0])
            and (delegate.ocsp_no_check or not self._revoked(delegate, above))
        )

    # CRLs -----------------------------------------------------------------------------

    def _by_crls(self, certificate: Certificate, above: Above) -> Iterator[Finding]:
        crls = [crl for crl in self._evidence.crls if self._counts(crl, certificate, above)]
        deltas = [crl for crl in crls if crl.is_delta]
        for crl in crls:
            entry = crl.entry(certificate.serial)
            since, fresh = crl.this_update, self._fresh(crl.this_update, crl.next_update)
            if crl.is_delta:
                if entry and entry.reason != REMOVE_FROM_CRL:
                    yield Finding(since, fresh, entry)
                continue
            for delta in deltas:
                if not _adds_to(delta, crl) or delta.this_update < since:
                    continue
                since = delta.this_update
                fresh = fresh or self._fresh(delta.this_update, delta.next_update)
                changed = delta.entry(certificate.serial)
                if changed:
                    entry = None if changed.reason == REMOVE_FROM_CRL else changed
            yield Finding(since, fresh, entry, covers(crl, certificate))

    def _counts(self, crl: Crl, certificate: Certificate, above: Above) -> bool:
        return (
            dn.canonical(crl.issuer.data) == dn.canonical(certificate.issuer.data)
            and not (crl.scope and crl.scope.indirect)
            and self._acceptable(crl.algorithm)
            and self._signed_by_issuer(crl, above)
        )

    def _signed_by_issuer(self, crl: Crl, above: Above) -> bool:
        """By the issuer in the path, or by another key of the same name that the path vouches for."""
        issuer = above[0]
        if _may_sign_crls(issuer) and self._signed(crl, issuer):
            return True
        for one in (*self._evidence.anchors, *self._evidence.known, *self._evidence.offered):
            if (
                one.key != issuer.key
                and dn.canonical(one.subject.data) == dn.canonical(crl.issuer.data)
                and _may_sign_crls(one)
                and self._stands(one)
                and (one in self._evidence.anchors or self._vouched(one, above))
                and self._signed(crl, one)
            ):
                return True
        return False

    def _vouched(self, one: Certificate, above: Above) -> bool:
        return any(
            self._issued(one, ca) and not self._revoked(one, above[at:]) for at, ca in enumerate(above)
        )

    def _revoked(self, signer: Certificate, above: Above) -> bool:
        """Whether somebody who signs for an issuer is revoked; what he says about himself is left out."""
        if signer in self._asking:
            return True
        self._asking.add(signer)
        try:
            return bool(self.state(signer, above).revoked)
        finally:
            self._asking.discard(signer)

    def _stands(self, certificate: Certificate) -> bool:
        return (
            certificate.not_before <= self._now <= certificate.not_after
            and not certificate.unknown_critical
            and not self._settings.weak(certificate)
        )

    def _issued(self, certificate: Certificate, issuer: Certificate) -> bool:
        return (
            dn.canonical(certificate.issuer.data) == dn.canonical(issuer.subject.data)
            and self._acceptable(certificate.algorithm)
            and self._signed(certificate, issuer)
        )


def _may_sign_crls(certificate: Certificate) -> bool:
    return certificate.key_usage is None or KeyUse.CRL_SIGN in certificate.key_usage


def _adds_to(delta: Crl, complete: Crl) -> bool:
    """RFC 5280 §5.2.4: a delta is for complete CRLs from its base on, of the same scope."""
    if delta.base is None or complete.number is None or delta.number is None:
        return False
    return (
        delta.base <= complete.number < delta.number
        and delta.scope == complete.scope
        and not delta.unknown_critical
    )


def _good_since(findings: list[Finding]) -> int | None:
    """The newest thisUpdate from which on fresh sources together call it good, for all reasons."""
    good = sorted((f for f in findings if f.fresh and not f.revoked), key=lambda f: -f.since)
    heard: set[int] = set()
    for finding in good:
        heard |= finding.reasons
        if heard >= ALL_REASONS:
            return finding.since
    return None


def covers(crl: Crl, certificate: Certificate) -> frozenset[int]:
    """The reasons for which the CRL would list the certificate if it were revoked (RFC 5280 §6.3.3)."""
    scope = crl.scope
    if crl.unknown_critical or (scope and scope.only_attributes):
        return frozenset()
    if scope is None:
        return ALL_REASONS
    if (scope.only_users and certificate.is_ca) or (scope.only_cas and not certificate.is_ca):
        return frozenset()
    listed = ALL_REASONS if scope.reasons is None else scope.reasons & ALL_REASONS
    part = _full_names(scope.names, scope.relative, crl.issuer)
    if not part:
        return listed
    reasons: frozenset[int] = frozenset()
    for point in certificate.crl_points:
        if not part.isdisjoint(_full_names(point.names, point.relative, certificate.issuer)):
            reasons |= ALL_REASONS if point.reasons is None else point.reasons
    return listed & reasons


def _full_names(names: tuple[GeneralName, ...], relative: bytes | None, issuer: Identity) -> set[object]:
    """In a form in which equal ones are equal."""
    if relative is not None:
        rdns = der.only(issuer.data).value + der.encode(der.SET, relative)
        names = (GeneralName(NameKind.DIRECTORY, der.encode(der.SEQUENCE, rdns)),)
    return {dn.canonical(n.value) if n.kind is NameKind.DIRECTORY else n for n in names}
