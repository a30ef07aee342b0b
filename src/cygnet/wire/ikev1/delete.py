"""RFC 2408 §3.15. Delete payload."""

from __future__ import annotations

from dataclasses import dataclass

from cygnet.wire.ikev1.numbers import DOI_IPSEC, PayloadType
from cygnet.wire.reader import Reader
from cygnet.wire.writer import Writer


@dataclass(frozen=True, slots=True)
class Delete:
    """SPIs of one protocol and one size: 4 bytes for ESP and AH (the sender's inbound ones),
    16 for the IKE_SA (its cookies)."""

    protocol: int
    spis: tuple[bytes, ...]
    doi: int = DOI_IPSEC
    type = PayloadType.DELETE

    def __post_init__(self) -> None:
        if len({len(spi) for spi in self.spis}) > 1:
            raise ValueError("the SPIs of a delete have one size")

    @classmethod
    def decode(cls, reader: Reader) -> Delete:
        doi, protocol = reader.u32(), reader.u8()
        size, count = reader.u8(), reader.u16()
        if size == 0 or size * count != reader.left:
            raise reader.error(f"{count} SPIs of {size} bytes in {reader.left}")
        return cls(protocol, tuple(reader.take(size) for _ in range(count)), doi)

    def encode(self, writer: Writer) -> None:
        size = len(self.spis[0]) if self.spis else 4
        writer.u32(self.doi).u8(self.protocol).u8(size).u16(len(self.spis))
        for spi in self.spis:
            writer.put(spi)
