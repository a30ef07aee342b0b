"""Whether a certificate is revoked, by the CRLs and OCSP answers at hand (RFC 5280 §6.3, RFC 6960 §3.2).

A CRL or an answer counts only when somebody with the right to give it has signed it: the issuer of the
certificate (by whichever of its keys the chain proves), a responder that this issuer certified for
OCSP, or one that the configuration trusts. Revoked once is revoked, whoever has an older list that does
not say so yet; except "on hold", which the newest list decides. A list that is stale, or that covers
only some certificates or reasons, still tells of revocations, but it calls nobody good.

Indirect CRLs (of an issuer other than the certificate's) are not used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cygnet.credentials.judgement import Evidence, Settings, day
from cygnet.crypto.crl import ON_HOLD, REMOVE_FROM_CRL, Crl, Revoked
from cygnet.crypto.ocsp import OcspAnswer
from cygnet.crypto.publickey import SignatureAlgorithm
from cygnet.crypto.x509 import Certificate, Eku, KeyUse
from cygnet.values import dn

#: seconds that an OCSP answer or a CRL without nextUpdate is fresh
LIFETIME = 300

#: (object, who is to have signed it) -> whether that is so; counts and bounds the checks
Signed = Callable[[Certificate | Crl | OcspAnswer, Certificate], bool]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one source says."""

    since: int  #: its thisUpdate
    fresh: bool
    revoked: Revoked | None
    covers: bool = True  #: False: it would not list every revocation


@dataclass(frozen=True, slots=True)
class State:
    revoked: str = ""  #: a sentence's end, "" when nothing says that it is revoked
    good: bool = False  #: a fresh source says so
    stale: bool = False  #: there is a source, but it is out of date


class Revocation:
    """The revocation data of one judgement."""

    def __init__(self, evidence: Evidence, now: int, settings: Settings, signed: Signed) -> None:
        self._evidence, self._now, self._settings, self._signed = evidence, now, settings, signed

    def state(self, certificate: Certificate, above: tuple[Certificate, ...]) -> State:
        """``above``: the proven path from the certificate's issuer to the anchor."""
        findings = [*self._by_ocsp(certificate, above[0]), *self._by_crls(certificate, above)]
        newest = max((f.since for f in findings if f.fresh and f.covers and not f.revoked), default=None)
        for finding in findings:
            entry = finding.revoked
            if entry and (entry.reason != ON_HOLD or newest is None or newest <= finding.since):
                return State(f"was revoked ({entry.reason}) on {day(entry.at)}")
        fresh = newest is not None
        return State(good=fresh, stale=bool(findings) and not fresh)

    def _fresh(self, since: int, until: int | None) -> bool:
        if since > self._now + self._settings.skew:
            return False
        return self._now <= (since + LIFETIME if until is None else until)

    def _acceptable(self, algorithm: SignatureAlgorithm) -> bool:
        return algorithm.hash not in ("sha1", "md5") or (algorithm.hash == "sha1" and self._settings.sha1)

    # OCSP -----------------------------------------------------------------------------

    def _by_ocsp(self, certificate: Certificate, issuer: Certificate) -> Iterator[Finding]:
        for answer in self._evidence.answers:
            status = answer.status(certificate, issuer)
            if status is None or answer.unknown_critical or not self._answers_for(answer, issuer):
                continue
            fresh = self._fresh(status.this_update, status.next_update)
            if status.state == "revoked":
                entry = Revoked(certificate.serial, status.revoked_at, status.reason)
                yield Finding(status.this_update, fresh, entry)
            elif status.state == "good":
                yield Finding(status.this_update, fresh, None)

    def _answers_for(self, answer: OcspAnswer, issuer: Certificate) -> bool:
        """RFC 6960 §4.2.2.2. Authorized Responders."""
        if not self._acceptable(answer.algorithm):
            return False
        trusted = (issuer, *self._evidence.responders)
        if any(answer.is_by(one) and self._signed(answer, one) for one in trusted):
            return True
        shown = (*answer.certificates, *self._evidence.offered, *self._evidence.known)
        return any(
            answer.is_by(one) and self._may_answer(one, issuer) and self._signed(answer, one) for one in shown
        )

    def _may_answer(self, delegate: Certificate, issuer: Certificate) -> bool:
        return (
            Eku.OCSP_SIGNING in (delegate.extended_key_usage or ())
            and (delegate.key_usage is None or bool(delegate.key_usage & {0, 1}))
            and self._stands(delegate)
            and self._issued(delegate, issuer)
        )

    # CRLs -----------------------------------------------------------------------------

    def _by_crls(self, certificate: Certificate, above: tuple[Certificate, ...]) -> Iterator[Finding]:
        name = dn.canonical(certificate.issuer.data)
        crls = [
            crl
            for crl in self._evidence.crls
            if dn.canonical(crl.issuer.data) == name
            and not (crl.scope and crl.scope.indirect)
            and self._acceptable(crl.algorithm)
            and self._signed_by_issuer(crl, above)
        ]
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

    def _signed_by_issuer(self, crl: Crl, above: tuple[Certificate, ...]) -> bool:
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
                and (one in self._evidence.anchors or any(self._issued(one, ca) for ca in above))
                and self._signed(crl, one)
            ):
                return True
        return False

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


def covers(crl: Crl, certificate: Certificate) -> bool:
    """Whether the CRL would list the certificate if it were revoked, for whatever reason."""
    scope = crl.scope
    if crl.unknown_critical or (scope and (scope.only_attributes or scope.some_reasons or scope.relative)):
        return False
    if scope is None:
        return True
    if (scope.only_users and certificate.is_ca) or (scope.only_cas and not certificate.is_ca):
        return False
    points = {name for point in certificate.crl_points for name in point.names}
    return not scope.names or not points.isdisjoint(scope.names)
