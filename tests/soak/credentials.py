"""The certificates of one life: a root, maybe an intermediate, and what each end shows at the moment.

Private keys are made once per process, certificates and CRLs as they are needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from cygnet.model.config import (
    AuthMethod,
    AuthRound,
    CertificateFile,
    CertificateUse,
    Config,
    Strict,
)
from tests.certs import NOW, YEAR, Holder, make, new_key
from tests.exchange.certified import key_file
from tests.soak.plan import Certificates

SUBJECTS = {"left": "oregon", "right": "far"}
FRESH = 200  #: seconds that a CRL is good for
SUB, ROOT = "http://crl.example.org/sub.crl", "http://crl.example.org/root.crl"


@cache
def key(kind: str, owner: str) -> Any:
    return new_key(kind)


class Credentials:
    """``revoked``: serial number -> reason, of the CA that has issued the ends' certificates."""

    def __init__(self, of: Certificates) -> None:
        self.of = of
        kind = "rsa-2048" if of.key.startswith("rsa") else "p256"
        self.root = make("Root", ca=True, key=key(kind, "root"))
        self.issuer = self.root
        if of.chain:
            crls = [ROOT] if of.fetched else []
            self.issuer = self.root.issues("Sub", ca=True, key=key(kind, "sub"), crls=crls)
        self.revoked: dict[int, str] = {}
        self._number = 1
        self.shown = {end: self._issue(end, NOW + YEAR) for end in SUBJECTS}

    def renew(self, end: str, until: float | None = None) -> None:
        """Another certificate for the same key, valid until that time of the life (None: for ever)."""
        self.shown[end] = self._issue(end, NOW + YEAR if until is None else NOW + int(until))

    def revoke(self, end: str, reason: str) -> None:
        self.revoked[self.shown[end].certificate.serial] = reason

    def _issue(self, end: str, until: int) -> Holder:
        crls = [SUB if self.of.chain else ROOT] if self.of.fetched else []
        return self.issuer.issues(SUBJECTS[end], key=key(self.of.key, end), until=until, crls=crls)

    def config(self, end: str, config: Config) -> Config:
        """That end's configuration as a daemon has it that has just read its files."""
        own, other = self.shown[end], self.shown["right" if end == "left" else "left"]
        local = AuthRound(AuthMethod.PUBKEY, own.certificate.subject, certs=("own",))
        remote = AuthRound(AuthMethod.PUBKEY, other.certificate.subject)
        intermediates = [self.issuer] if self.of.chain else []
        return replace(
            config,
            connections=tuple(replace(c, local=(local,), remote=(remote,)) for c in config.connections),
            secrets=(),
            certificates=(
                *(CertificateFile(h.certificate.der, "own") for h in (own, *intermediates)),
                CertificateFile(self.root.certificate.der, "root", CertificateUse.CA),
            ),
            keys=(key_file(own),),
            settings=replace(config.settings, strict_crl=Strict.YES if self.of.fetched else Strict.NO),
        )

    def crl(self, now: float) -> bytes:
        """The list of the ends' issuer."""
        return self._list(self.issuer, now, self.revoked)

    def web(self, now: float) -> dict[str, bytes]:
        """What a web server has at that time of the life."""
        if not self.of.chain:
            return {ROOT: self.crl(now)}
        return {SUB: self.crl(now), ROOT: self._list(self.root, now, {})}

    def _list(self, ca: Holder, now: float, revoked: dict[int, str]) -> bytes:
        self._number += 1
        since = NOW + int(now)
        return ca.crl(revoked, since=since, until=since + FRESH, number=self._number).der


def reread(config: Config, crls: Sequence[bytes]) -> Config:
    return replace(config, crls=tuple(crls))
