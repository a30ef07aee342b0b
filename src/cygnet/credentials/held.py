"""What of certificates, keys and revocation data is in force: for lists that a person reads."""

from __future__ import annotations

from dataclasses import dataclass

from cygnet.crypto.crl import Crl
from cygnet.crypto.ocsp import OcspAnswer
from cygnet.crypto.publickey import PublicKey
from cygnet.crypto.x509 import Certificate
from cygnet.model.config import Authority, CertificateUse


@dataclass(frozen=True, slots=True)
class HeldCertificate:
    certificate: Certificate
    use: CertificateUse
    has_key: bool  #: its private key is here
    sources: tuple[str, ...]  #: files, as they are written or found

    @property
    def files(self) -> tuple[str, ...]:
        """Each file once, with its directory where that is known."""
        return tuple(s for s in self.sources if not any(other.endswith(f"/{s}") for other in self.sources))


@dataclass(frozen=True, slots=True)
class HeldKey:
    """A raw public key."""

    key: PublicKey
    has_key: bool
    source: str


@dataclass(frozen=True, slots=True)
class HeldAuthority:
    """A ``ca`` section and its certificate."""

    told: Authority
    certificate: Certificate | None


@dataclass(frozen=True, slots=True)
class Held:
    now: int = 0  #: unix seconds
    certificates: tuple[HeldCertificate, ...] = ()
    keys: tuple[HeldKey, ...] = ()
    crls: tuple[Crl, ...] = ()
    answers: tuple[OcspAnswer, ...] = ()
    authorities: tuple[HeldAuthority, ...] = ()
