"""What each kind of thing that is fetched is read as. Whoever performs Fetch calls this, off the engine's
thread; the engine itself only looks at what comes out."""

from __future__ import annotations

from collections.abc import Callable

from cygnet.boundary.effects import FetchKind
from cygnet.crypto.crl import Crl
from cygnet.crypto.ocsp import OcspAnswer
from cygnet.crypto.x509 import Certificate

#: bytes that are taken. A CRL of 200,000 entries has 8 MB, the largest ones in use some 50
MOST: dict[FetchKind, int] = {
    FetchKind.CRL: 64 << 20,
    FetchKind.OCSP: 1 << 20,
    FetchKind.CERTIFICATE: 1 << 20,
}

READERS: dict[FetchKind, Callable[[bytes], Crl | OcspAnswer | Certificate]] = {
    FetchKind.CRL: Crl.parse,
    FetchKind.OCSP: OcspAnswer.parse,
    FetchKind.CERTIFICATE: Certificate.parse,
}


def read(kind: FetchKind, data: bytes) -> Crl | OcspAnswer | Certificate:
    """Raises CertificateError or DerError."""
    return READERS[kind](data)
