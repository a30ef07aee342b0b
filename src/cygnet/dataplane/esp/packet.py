"""ESP packets (RFC 4303 §2): sealing a payload, opening what came.

SPI (4) | sequence number (4) | IV | payload | TFC padding | padding | pad length | next header | ICV
"""

from __future__ import annotations

import struct

from cygnet.crypto.errors import IntegrityError
from cygnet.dataplane.drops import Drop
from cygnet.dataplane.esp.sa import InboundSa, OutboundSa
from cygnet.dataplane.ip.header import Buffer

_LOW = 0xFFFF_FFFF
_WORDS = struct.Struct("!II")
#: RFC 4303 §2.4: 1, 2, 3, ...; the longest is 255
_PADDING = bytes(range(1, 256))


def seal(sa: OutboundSa, payload: Buffer, next_header: int) -> bytes | None:
    """The ESP packet, None when the SA's sequence numbers are used up. Counts nothing but them."""
    if sa.spent:
        return None
    sa.sequence = sequence = sa.sequence + 1
    filler = bytes(max(sa.spec.tfc_padding - len(payload), 0))
    short = -(len(payload) + len(filler) + 2) % sa.transform.align
    plain = b"".join((payload, filler, _PADDING[:short], bytes((short, next_header))))
    header = _WORDS.pack(sa.spi, sequence & _LOW)
    return sa.transform.suite.seal(header, (sequence >> 32).to_bytes(4, "big"), plain)


def open(sa: InboundSa, packet: bytes) -> tuple[bytes, int] | Drop:
    """(payload with any TFC padding, next header) of an authentic packet, else why not.

    Moves the replay window; the caller counts.
    """
    if len(packet) < 8:
        return Drop.MALFORMED
    sequence = int.from_bytes(packet[4:8], "big")
    if sa.esn:
        sequence = sa.replay.expand(sequence)
    if not sa.replay.check(sequence):
        return Drop.REPLAYED
    try:
        plain = sa.transform.suite.open(packet, (sequence >> 32).to_bytes(4, "big"))
    except IntegrityError:
        return Drop.FORGED
    sa.replay.accept(sequence)
    length = len(plain) - 2 - plain[-2] if len(plain) >= 2 else -1
    if length < 0 or plain[length:-2] != _PADDING[: plain[-2]]:
        return Drop.MALFORMED
    return plain[:length], plain[-1]
