"""RFC 7296 §3.7. Certificate Request payload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cygnet.wire.ikev2.numbers import CertEncoding, PayloadType
from cygnet.wire.ikev2.payload import TypedPayload
from cygnet.wire.reader import Reader


@dataclass(frozen=True, slots=True)
class CertReqPayload(TypedPayload):
    TYPE: ClassVar = PayloadType.CERTREQ
    NAME: ClassVar = "CERTREQ"

    encoding: CertEncoding
    authority: bytes  #: for X.509: SHA-1 hashes of the CAs' public key infos, 20 bytes each

    @classmethod
    def decode(cls, reader: Reader) -> CertReqPayload:
        return cls(CertEncoding(reader.u8()), reader.rest())

    def encode(self) -> bytes:
        return self.encoding.to_bytes(1) + self.authority
