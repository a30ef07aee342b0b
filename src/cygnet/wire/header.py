"""RFC 2408 §3.1 and RFC 7296 §3.1. The header of 28 bytes that both versions of IKE share."""

from __future__ import annotations

from dataclasses import dataclass

from cygnet.values.errors import PeerError
from cygnet.values.iana import OpenEnum
from cygnet.wire.reader import Reader
from cygnet.wire.writer import Writer

HEADER_LENGTH = 28
SPI_LENGTH = 8
NO_SPI = bytes(SPI_LENGTH)


class ExchangeType(OpenEnum):
    """RFC 2408 §3.1, RFC 2409 appendix A, RFC 7296 §3.1, RFC 9242; named as charon logs them."""

    BASE = 1
    ID_PROT = 2  #: Main Mode
    AUTH_ONLY = 3
    AGGRESSIVE = 4
    INFORMATIONAL_V1 = 5
    TRANSACTION = 6  #: Mode Config and XAuth
    QUICK_MODE = 32
    NEW_GROUP_MODE = 33
    IKE_SA_INIT = 34
    IKE_AUTH = 35
    CREATE_CHILD_SA = 36
    INFORMATIONAL = 37
    IKE_SESSION_RESUME = 38
    IKE_INTERMEDIATE = 43
    IKE_FOLLOWUP_KE = 44


# IKEv1 flags
FLAG_ENCRYPTED = 0x01
FLAG_COMMIT = 0x02
FLAG_AUTH_ONLY = 0x04
# IKEv2 flags
FLAG_INITIATOR = 0x08
FLAG_HIGHER_VERSION = 0x10
FLAG_RESPONSE = 0x20


@dataclass(frozen=True, slots=True)
class Header:
    """``spi_i`` and ``spi_r`` are 8 bytes (cookies in IKEv1), ``length`` counts the whole message."""

    spi_i: bytes
    spi_r: bytes
    next_payload: int
    exchange: ExchangeType
    flags: int = 0
    message_id: int = 0
    length: int = HEADER_LENGTH
    major: int = 2
    minor: int = 0

    def __post_init__(self) -> None:
        if len(self.spi_i) != SPI_LENGTH or len(self.spi_r) != SPI_LENGTH:
            raise ValueError("an IKE SPI has 8 bytes")

    @classmethod
    def decode(cls, datagram: bytes) -> Header:
        """The header of a whole datagram. Raises PeerError(0) where it must be dropped:
        it is shorter than a header, or its length field disagrees with its length."""
        reader = Reader(datagram, "IKE header", malformed=0)
        header = cls(
            spi_i=reader.take(SPI_LENGTH),
            spi_r=reader.take(SPI_LENGTH),
            next_payload=reader.u8(),
            major=(version := reader.u8()) >> 4,
            minor=version & 0x0F,
            exchange=ExchangeType(reader.u8()),
            flags=reader.u8(),
            message_id=reader.u32(),
            length=reader.u32(),
        )
        if header.length != len(datagram):
            raise PeerError(0, f"IKE header says {header.length} bytes, the message has {len(datagram)}")
        return header

    def encode(self) -> bytes:
        writer = Writer().put(self.spi_i).put(self.spi_r).u8(self.next_payload)
        writer.u8(self.major << 4 | self.minor).u8(self.exchange).u8(self.flags)
        return writer.u32(self.message_id).u32(self.length).bytes()
