"""RFC 7296 §3.6. Certificate bundles: what a certificate payload of "hash and URL of X.509 bundle" names."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from cygnet.crypto.crl import Crl
from cygnet.crypto.x509 import Certificate, CertificateError
from cygnet.values import der

MOST = 20  #: certificates and CRLs in a bundle; a chain has some three


@dataclass(frozen=True, slots=True)
class Bundle:
    """``CertificateBundle ::= SEQUENCE OF CHOICE { cert [0] Certificate, crl [1] CertificateList }``"""

    der: bytes = field(repr=False)
    certificates: tuple[Certificate, ...]  #: the first one is its owner's
    crls: tuple[Crl, ...] = ()

    @classmethod
    def parse(cls, data: bytes) -> Bundle:
        """CertificateError or DerError where the DER is none."""
        parts = der.sequence(data)
        if len(parts) > MOST:
            raise CertificateError(f"a bundle of more than {MOST} certificates and CRLs")
        certificates, crls = [], []
        for part in parts:
            if part.tag == der.context(0, constructed=True):
                certificates.append(Certificate.parse(der.only(part.value).whole))
            elif part.tag == der.context(1, constructed=True):
                crls.append(Crl.parse(der.only(part.value).whole))
            else:
                raise CertificateError("a bundle with something that is no certificate and no CRL")
        if not certificates:
            raise CertificateError("a bundle without a certificate")
        return cls(data, tuple(certificates), tuple(crls))

    def encode(self) -> bytes:
        certificates = (der.encode(der.context(0, constructed=True), one.der) for one in self.certificates)
        crls = (der.encode(der.context(1, constructed=True), one.der) for one in self.crls)
        return der.encode(der.SEQUENCE, *certificates, *crls)

    @property
    def sha1(self) -> bytes:
        return hashlib.sha1(self.der, usedforsecurity=False).digest()
