"""What goes into judging a chain, beside the certificates, and what comes out (see ``path``)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from cygnet.crypto.addrblock import AddressBlock
from cygnet.crypto.crl import Crl
from cygnet.crypto.ocsp import OcspAnswer
from cygnet.crypto.publickey import KeyKind
from cygnet.crypto.x509 import ANY_POLICY, Certificate
from cygnet.model.config import Strict


@dataclass(frozen=True, slots=True)
class Settings:
    strict: Strict = Strict.NO
    rsa_bits: int = 2048  #: the shortest RSA modulus; NIST SP 800-57 gives shorter ones below 112 bits
    ecdsa_bits: int = 224  #: the smallest curve, of the same strength
    sha1: bool = False  #: whether signatures over SHA-1 count; collisions are for sale since 2020
    #: RFC 5280 §6.1.1: user-initial-policy-set and its three flags
    policies: frozenset[str] = frozenset({ANY_POLICY})
    explicit_policy: bool = False
    inhibit_mapping: bool = False
    inhibit_any_policy: bool = False
    #: one of these OIDs (or anyExtendedKeyUsage) where the leaf has extendedKeyUsage; empty: not judged.
    #: RFC 4945 §5.1.3.12 wants IKE to take certificates whatever they say there.
    purposes: frozenset[str] = frozenset()
    max_depth: int = 10  #: certificates in a path, the leaf and the anchor among them
    max_signatures: int = 100  #: signatures checked in one judgement; each costs some 50 to 500 us
    max_paths: int = 50  #: paths and dead ends looked at
    max_steps: int = 500  #: from certificates to who may have issued them; each costs some 20 us
    skew: int = 300  #: seconds that a CRL or an OCSP answer may be from the future

    def weak(self, certificate: Certificate) -> bool:
        least = {KeyKind.RSA: self.rsa_bits, KeyKind.ECDSA: self.ecdsa_bits}
        return certificate.key.bits < least.get(certificate.key.kind, 0)


@dataclass(frozen=True, slots=True)
class Source:
    """Where revocation data about what a CA has issued is, by configuration (a ``ca`` section)."""

    issuer: Certificate
    ocsp_uris: tuple[str, ...] = ()
    crl_uris: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known when a certificate is judged."""

    anchors: tuple[Certificate, ...] = ()  #: trusted without proof: CAs, or single certificates as they are
    offered: tuple[Certificate, ...] = ()  #: what the peer sent along
    known: tuple[Certificate, ...] = ()  #: intermediates from files; never from earlier peers
    crls: tuple[Crl, ...] = ()
    answers: tuple[OcspAnswer, ...] = ()
    responders: tuple[Certificate, ...] = ()  #: OCSP signers trusted by configuration (ipsec.d/ocspcerts)
    sources: tuple[Source, ...] = ()


class Why(StrEnum):
    """The rules that a path can break; one word for tables, tests and counters."""

    NO_ISSUER = "no issuer"
    UNTRUSTED_ROOT = "untrusted root"
    SIGNATURE = "signature"
    LOOP = "loop"
    TOO_DEEP = "too deep"
    GAVE_UP = "gave up"
    EXPIRED = "expired"
    NOT_YET_VALID = "not yet valid"
    NO_CA = "no CA"
    PATH_LENGTH = "path length"
    KEY_USAGE = "key usage"
    EXTENDED_KEY_USAGE = "extended key usage"
    UNKNOWN_CRITICAL = "unknown critical extension"
    NAME_CONSTRAINTS = "name constraints"
    POLICY = "policy"
    ADDRESS_BLOCKS = "address blocks"
    WEAK_KEY = "weak key"
    WEAK_HASH = "weak hash"
    REVOKED = "revoked"
    NO_STATUS = "no status"


@dataclass(frozen=True, slots=True)
class Reason:
    why: Why
    certificate: Certificate
    text: str  #: a short sentence without a full stop that names the certificate

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Attempt:
    """A path that was tried, from the leaf as far as it got, and all that is wrong with it."""

    path: tuple[Certificate, ...]
    reasons: tuple[Reason, ...]

    def __str__(self) -> str:
        return "; ".join(map(str, self.reasons))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Revocation data that is missing or stale: of which certificate, and where it may be fetched.

    Only of certificates whose signatures chain to an anchor: a stranger's certificate must not make
    us call the hosts that it names.
    """

    certificate: Certificate
    issuer: Certificate
    ocsp_uris: tuple[str, ...]  #: those of the configuration first
    crl_uris: tuple[str, ...]
    above: tuple[Certificate, ...] = ()  #: the proven path from the issuer to the anchor
    configured: frozenset[str] = frozenset()  #: the URIs that are of the configuration


def wanted_of(certificate: Certificate, above: tuple[Certificate, ...], sources: Iterable[Source]) -> Wanted:
    """Where to ask about a certificate: what the configuration says of its CA, then what it says itself."""
    ca = above[0]
    ours = [s for s in sources if s.issuer.key == ca.key and s.issuer.subject == ca.subject]
    ocsp = tuple(uri for source in ours for uri in source.ocsp_uris)
    crls = tuple(uri for source in ours for uri in source.crl_uris)
    return Wanted(
        certificate,
        ca,
        tuple(dict.fromkeys(ocsp + certificate.ocsp_uris)),
        tuple(dict.fromkeys(crls + certificate.crl_uris)),
        above,
        frozenset(ocsp + crls),
    )


@dataclass(frozen=True, slots=True)
class Path:
    """A chain that stands."""

    chain: tuple[Certificate, ...]  #: from the leaf to the anchor, both included
    policies: frozenset[str]  #: the user-constrained-policy-set of RFC 5280 §6.1.6
    #: RFC 3779: what the leaf may speak for, nothing of it inherited any more; None: anything
    address_blocks: tuple[AddressBlock, ...] | None = None
    #: certificates of the chain that a fresh CRL or OCSP answer calls good
    known_good: frozenset[Certificate] = frozenset()

    @property
    def leaf(self) -> Certificate:
        return self.chain[0]

    @property
    def anchor(self) -> Certificate:
        return self.chain[-1]


@dataclass(frozen=True, slots=True)
class Verdict:
    """``path`` or, where that is None, ``attempts`` with the reasons; never both empty.

    ``wanted`` may stand beside either: with strict=NO a path stands without revocation data, and a
    careful caller fetches what is wanted and asks again.
    """

    path: Path | None
    attempts: tuple[Attempt, ...] = ()
    wanted: tuple[Wanted, ...] = field(default=())

    @property
    def lacks_status_only(self) -> bool:
        """Whether a path would stand if what is wanted were here and good."""
        return any({r.why for r in attempt.reasons} == {Why.NO_STATUS} for attempt in self.attempts)

    @property
    def reasons(self) -> tuple[str, ...]:
        """The sentences of all attempts, each once; those of the attempt that came furthest first."""
        return tuple(
            dict.fromkeys(
                reason.text
                for attempt in sorted(self.attempts, key=lambda a: -len(a.path))
                for reason in attempt.reasons
            )
        )


def day(moment: int) -> str:
    """A unix time as a date."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")
