"""The certificates and keys of one configuration: which is ours, which are trusted.

A self-signed certificate of ipsec.d/cacerts (or of a ``ca`` section) is an anchor, another one an
intermediate that completes chains. Certificates of peers that are loaded (ipsec.d/certs, rightcert)
are trusted as they are, as strongSwan has it. Nothing a peer has shown is kept here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

from cygnet.credentials import match
from cygnet.credentials.held import Held, HeldAuthority, HeldCertificate, HeldKey
from cygnet.credentials.judgement import Evidence, Source
from cygnet.crypto.crl import Crl
from cygnet.crypto.ocsp import OcspAnswer
from cygnet.crypto.publickey import PublicKey, public_key
from cygnet.crypto.x509 import Certificate
from cygnet.model.config import AuthRound, CertificateUse, Config
from cygnet.values import dn
from cygnet.values.identity import Identity

MAX_DEPTH = 10  #: certificates in a chain of ours, the root among them


class Store:
    """Raises CertificateError or IssuingError where the configuration holds what is none; its loader
    has looked at everything once."""

    def __init__(self, config: Config) -> None:
        self.holds = _contents(config)
        by_use: defaultdict[CertificateUse, dict[Certificate, list[str]]] = defaultdict(dict)
        self._named: defaultdict[str, list[Certificate]] = defaultdict(list)
        self._bare: defaultdict[str, list[PublicKey]] = defaultdict(list)
        for file in config.certificates:
            if file.bare:
                self._bare[file.source].append(public_key(file.der))
                continue
            certificate = Certificate.parse(file.der)
            by_use[file.use].setdefault(certificate, []).append(file.source)
            self._named[file.source].append(certificate)
        self._keys = {one.spki: public_key(one.spki) for one in config.keys}
        cas = by_use[CertificateUse.CA]
        self.ends = tuple(by_use[CertificateUse.END])
        self.anchors = tuple(c for c in cas if c.self_issued)
        self.known = tuple(c for c in (*cas, *self.ends) if not (c in cas and c.self_issued) and c.is_ca)
        self.responders = tuple(by_use[CertificateUse.OCSP])
        self.attribute_authorities = tuple(by_use[CertificateUse.AA])
        self.crls = tuple(Crl.parse(data) for data in config.crls)
        self.held = tuple(
            HeldCertificate(certificate, use, self.key_of(certificate.key) is not None, tuple(sources))
            for use in CertificateUse
            for certificate, sources in by_use[use].items()
        )
        self._told = config.authorities
        self.strict = config.settings.strict_crl
        self.sources = tuple(
            Source(ca, told.ocsp_uris, told.crl_uris)
            for told in config.authorities
            for ca in self._named[told.source]
        )
        self._cert_bases = tuple(
            (told.cert_uri_base, ca)
            for told in config.authorities
            for ca in self._named[told.source]
            if told.cert_uri_base
        )
        self._by_sha1 = {one.sha1: one for one in (*self.ends, *self.known)}
        self._by_subject: defaultdict[dn.Canonical, list[Certificate]] = defaultdict(list)
        for one in (*cas, *self.ends):
            self._by_subject[dn.canonical(one.subject.data)].append(one)

    # ours -----------------------------------------------------------------------------

    def key_of(self, key: PublicKey) -> PublicKey | None:
        """That key, where its private part is here."""
        return self._keys.get(key.spki)

    def named(self, round: AuthRound) -> tuple[Certificate, ...]:
        """The certificates that a round of authentication names."""
        return tuple(c for source in round.certs for c in self._named.get(source, ()))

    def bare(self, round: AuthRound) -> tuple[PublicKey, ...]:
        """The raw public keys that it names."""
        return tuple(k for source in round.certs for k in self._bare.get(source, ()))

    def own(self, round: AuthRound, identity: Identity, asked: Collection[bytes] = ()) -> Certificate | None:
        """The certificate to authenticate with: of those whose key we have, one that is named or, where
        none is, one of that identity; of several one of a CA that the peer has asked for (``asked``:
        key ids as in CERTREQ)."""
        named = self.named(round)
        ours = [c for c in named or self.ends if self.key_of(c.key) is not None]
        if not named:
            ours = [c for c in ours if match.fits(c, identity)]
        wanted = (c for c in ours if asked and any(ca.key.spki_keyid in asked for ca in self.issuers(c)))
        return next(wanted, ours[0] if ours else None)

    def own_bare(self, round: AuthRound) -> PublicKey | None:
        """A key that goes without certificate (leftsigkey)."""
        return next((k for key in self.bare(round) if (k := self.key_of(key)) is not None), None)

    def issuers(self, certificate: Certificate) -> tuple[Certificate, ...]:
        """The CAs above a certificate of ours as far as they are here, nearest first, the root as well."""
        chain: list[Certificate] = [certificate]
        while not chain[-1].self_issued and len(chain) < MAX_DEPTH:
            name = dn.canonical(chain[-1].issuer.data)
            above = [c for c in self._by_subject.get(name, ()) if c.is_ca and c not in chain]
            wanted = chain[-1].authority_key_id
            above.sort(key=lambda c: (wanted is None or c.subject_key_id != wanted, c.self_issued))
            if not above:
                break
            chain.append(above[0])
        return tuple(chain[1:])

    def everything(self, now: int, crls: Iterable[Crl] = (), answers: Iterable[OcspAnswer] = ()) -> Held:
        """All of it to be listed at ``now``, with the CRLs and OCSP answers that were fetched."""
        return Held(
            now=now,
            certificates=self.held,
            keys=tuple(
                HeldKey(key, self.key_of(key) is not None, source)
                for source, keys in self._bare.items()
                for key in keys
            ),
            crls=tuple(dict.fromkeys((*self.crls, *crls))),
            answers=tuple(answers),
            authorities=tuple(
                HeldAuthority(told, next(iter(self._named.get(told.source, ())), None)) for told in self._told
            ),
        )

    def url(self, certificate: Certificate) -> str:
        """Where a certificate of ours is for peers that look it up: certuribase of its CA and the hash in
        hex, as strongSwan has it. Empty: nowhere."""
        above = self.issuers(certificate)[:1]
        bases = (base for base, ca in self._cert_bases if ca in above)
        return next((base + certificate.sha1.hex() for base in bases), "")

    # the peer's -------------------------------------------------------------------------

    def of_peer(self, identity: Identity, round: AuthRound) -> tuple[Certificate, ...]:
        """Certificates that are here for a peer that sends none."""
        least = match.least(round)
        return tuple(c for c in self.named(round) or self.ends if match.fits(c, identity) >= least)

    def evidence(
        self, leaf: Certificate, offered: Iterable[Certificate], pinned: Collection[Certificate] = ()
    ) -> Evidence:
        """What is here to judge that certificate by. ``pinned``: certificates trusted as they are."""
        trusted = (leaf,) if leaf in pinned or leaf in self.ends else ()
        return Evidence(
            anchors=(*trusted, *self.anchors),
            offered=tuple(offered),
            known=self.known,
            crls=self.crls,
            responders=self.responders,
            sources=self.sources,
        )

    def by_sha1(self, hash: bytes) -> Certificate | None:
        return self._by_sha1.get(hash)

    def makes(self, url: str, hash: bytes) -> bool:
        """Whether that is where a ca section has the certificate of that hash."""
        return any(url == base + hash.hex() for base, _ in self._cert_bases)

    def authorities(self, rounds: Iterable[AuthRound]) -> tuple[Certificate, ...]:
        """The CAs whose certificates the peer may show: those that its rounds name, else all."""
        every = (*self.anchors, *(c for c in self.known if c not in self.ends))
        wanted = dict.fromkeys(name for round in rounds for name in round.authorities)
        if not wanted:
            return every
        plain = {name.spelling for name in wanted if not name.is_pattern}
        patterns = [name for name in wanted if name.is_pattern]
        return (
            tuple(
                c
                for c in every
                if c.subject.spelling in plain or any(c.subject.matches(name) for name in patterns)
            )
            or every
        )


def store_for(config: Config, before: Store | None = None) -> Store:
    """The store of a configuration; ``before`` itself where it holds the same."""
    return before if before is not None and before.holds == _contents(config) else Store(config)


def _contents(config: Config) -> tuple[object, ...]:
    return config.certificates, config.keys, config.crls, config.authorities, config.settings.strict_crl
