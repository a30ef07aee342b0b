"""RFC 2408 §3.9 and §3.10. Certificate and Certificate Request payloads."""

from __future__ import annotations

from dataclasses import dataclass

from cygnet.wire.ikev1.numbers import PayloadType
from cygnet.wire.reader import Reader
from cygnet.wire.writer import Writer

X509_SIGNATURE = 4  #: the encoding that everybody uses


@dataclass(frozen=True, slots=True)
class Cert:
    encoding: int
    data: bytes
    type = PayloadType.CERT

    @classmethod
    def decode(cls, reader: Reader) -> Cert:
        return cls(reader.u8(), reader.rest())

    def encode(self, writer: Writer) -> None:
        writer.u8(self.encoding).put(self.data)


@dataclass(frozen=True, slots=True)
class CertReq:
    """``authority`` is the DER name of the CA wanted; empty: any."""

    encoding: int
    authority: bytes
    type = PayloadType.CERTREQ

    @classmethod
    def decode(cls, reader: Reader) -> CertReq:
        return cls(reader.u8(), reader.rest())

    def encode(self, writer: Writer) -> None:
        writer.u8(self.encoding).put(self.authority)
