"""RFC 2408 §3.14. Notification payload."""

from __future__ import annotations

from dataclasses import dataclass

from cygnet.wire.ikev1.numbers import DOI_IPSEC, PROTO_ISAKMP, Notify, PayloadType
from cygnet.wire.reader import Reader
from cygnet.wire.writer import Writer


@dataclass(frozen=True, slots=True)
class Notification:
    """``spi``: 0 to 16 bytes; the two cookies together for notifies about the IKE_SA itself."""

    notify: Notify
    protocol: int = PROTO_ISAKMP
    spi: bytes = b""
    data: bytes = b""
    doi: int = DOI_IPSEC
    type = PayloadType.NOTIFY

    @classmethod
    def decode(cls, reader: Reader) -> Notification:
        doi, protocol = reader.u32(), reader.u8()
        spi_size = reader.u8()
        notify = Notify(reader.u16())
        return cls(notify, protocol, reader.take(spi_size), reader.rest(), doi)

    def encode(self, writer: Writer) -> None:
        writer.u32(self.doi).u8(self.protocol).u8(len(self.spi)).u16(self.notify)
        writer.put(self.spi).put(self.data)
