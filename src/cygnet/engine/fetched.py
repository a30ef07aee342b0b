"""What each kind of thing that is fetched is read as. Whoever performs Fetch calls this, off the engine's
thread; the engine itself only looks at what comes out."""

from __future__ import annotations

from collections.abc import Callable

from cygnet.boundary.effects import FetchKind
from cygnet.crypto.bundle import Bundle
from cygnet.crypto.crl import Crl
from cygnet.crypto.ocsp import OcspAnswer
from cygnet.crypto.x509 import LONGEST, Certificate

Found = Crl | OcspAnswer | Certificate | Bundle

#: bytes that are taken. A CRL of 200,000 entries has 8 MB, the largest ones in use some 50
MOST: dict[FetchKind, int] = {
    FetchKind.CRL: 64 << 20,
    FetchKind.OCSP: 1 << 20,
    FetchKind.CERTIFICATE: LONGEST,
    FetchKind.BUNDLE: 1 << 20,
}

READERS: dict[FetchKind, Callable[[bytes], Found]] = {
    FetchKind.CRL: Crl.parse,
    FetchKind.OCSP: OcspAnswer.parse,
    FetchKind.CERTIFICATE: Certificate.parse,
    FetchKind.BUNDLE: Bundle.parse,
}


def read(kind: FetchKind, data: bytes) -> Found:
    """Raises CertificateError or DerError."""
    return READERS[kind](data)
