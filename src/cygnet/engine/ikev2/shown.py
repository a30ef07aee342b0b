"""What a peer has shown and asked for: CERT and CERTREQ of one handshake."""

from __future__ import annotations

from dataclasses import dataclass, field

from cygnet.crypto.crl import Crl
from cygnet.crypto.publickey import PublicKey
from cygnet.crypto.x509 import Certificate


@dataclass(slots=True)
class Shown:
    certificates: list[Certificate] = field(default_factory=list)
    keys: list[PublicKey] = field(default_factory=list)  #: raw public keys (RFC 7670)
    crls: list[Crl] = field(default_factory=list)
    asked: bool = False
    authorities: set[bytes] = field(default_factory=set)  #: key ids of the CAs that it has asked for
