"""ESP packets (RFC 4303 §2): sealing a payload, opening what came.

SPI (4) | sequence number (4) | IV | payload | TFC padding | padding | pad length | next header | ICV
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from cygnet.crypto.errors import IntegrityError
from cygnet.dataplane.drops import Drop
from cygnet.dataplane.esp.sa import InboundSa, OutboundSa
from cygnet.dataplane.esp.transform import HEADER
from cygnet.dataplane.ip.header import Buffer

_LOW = 0xFFFF_FFFF
_WORDS = struct.Struct("!II")
_LONG_AAD = struct.Struct("!IQ")
#: RFC 4303 §2.4: 1, 2, 3, ...; the longest is 255
_PADDING = bytes(range(1, 256))


def seal(sa: OutboundSa, payload: Buffer, next_header: int, random: Callable[[int], bytes]) -> bytes | None:
    """The ESP packet, None when the SA's sequence numbers are used up. Counts nothing but them."""
    if sa.spent:
        return None
    sa.sequence = sequence = sa.sequence + 1
    transform = sa.transform
    header = _WORDS.pack(sa.spi, sequence & _LOW)
    iv = random(transform.iv) if transform.random_iv else sequence.to_bytes(8, "big")[8 - transform.iv :]
    filler = bytes(max(sa.spec.tfc_padding - len(payload), 0)) if sa.spec.tfc_padding else b""
    short = -(len(payload) + len(filler) + 2) % transform.align
    plain = b"".join((payload, filler, _PADDING[:short], bytes((short, next_header))))
    integ = transform.integ
    if integ is None:
        aad = _LONG_AAD.pack(sa.spi, sequence) if sa.esn else header
        return header + iv + transform.bound.encrypt(iv, plain, aad)
    packet = header + iv + transform.bound.encrypt(iv, plain)
    # RFC 4303 §2.2.1: with ESN and a separate ICV the upper half is hashed last, though not sent.
    upper = (sequence >> 32).to_bytes(4, "big") if sa.esn else b""
    return packet + integ.sign(packet + upper)


def open(sa: InboundSa, packet: bytes) -> tuple[bytes, int] | Drop:
    """(payload with any TFC padding, next header) of an authentic packet, else why not.

    Moves the replay window and counts ``replayed``, ``failed``; not bytes and packets.
    """
    transform = sa.transform
    start, end = HEADER + transform.iv, len(packet) - transform.icv
    if end - start < 2:
        return Drop.MALFORMED
    sequence = int.from_bytes(packet[4:8], "big")
    if sa.esn:
        sequence = sa.replay.expand(sequence)
    if not sa.replay.check(sequence):
        sa.replayed += 1
        return Drop.REPLAYED
    try:
        plain = _verified(sa, packet, sequence, start, end)
    except IntegrityError:
        sa.failed += 1
        return Drop.FORGED
    sa.replay.accept(sequence)
    length = len(plain) - 2 - plain[-2]
    if length < 0 or plain[length:-2] != _PADDING[: plain[-2]]:
        return Drop.MALFORMED
    return plain[:length], plain[-1]


def _verified(sa: InboundSa, packet: bytes, sequence: int, start: int, end: int) -> bytes:
    transform = sa.transform
    iv, integ = packet[HEADER:start], transform.integ
    if integ is None:
        aad = _LONG_AAD.pack(sa.spi, sequence) if sa.esn else packet[:HEADER]
        return transform.bound.decrypt(iv, packet[start:], aad)
    upper = (sequence >> 32).to_bytes(4, "big") if sa.esn else b""
    integ.verify(packet[:end] + upper, packet[end:])
    return transform.bound.decrypt(iv, packet[start:end])
