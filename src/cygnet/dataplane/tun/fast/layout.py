"""The ESP layout that the offload engine knows, and which SAs have it.

Tunnel mode with an AEAD of 4-byte salt, 8-byte explicit IV and 16-byte ICV: AES-GCM-16
(RFC 4106) and ChaCha20-Poly1305 (RFC 7634). The IV is the sequence number, which never repeats
under a key.
"""

from __future__ import annotations

from cygnet.boundary.specs import SaMode
from cygnet.dataplane.esp.sa import InboundSa, OutboundSa

HEADER = 16  #: bytes before the ciphertext: SPI, sequence number, IV
ICV = 16
SALT = 4
OVERHEAD = HEADER + 2 + ICV  #: bytes that ESP adds beside padding: pad length and next header too
ALIGNMENT = 4  #: of the ciphertext's end (RFC 4303 §2.4)
IPV4, IPV6 = 4, 41  #: next header numbers of what is inside


def takes(sa: InboundSa | OutboundSa) -> bool:
    """Whether ``Sealer`` or ``Opener`` may be given this SA's packets."""
    aead = sa.transform.aead
    return (
        aead is not None
        and sa.mode is SaMode.TUNNEL
        and not sa.spec.tfc_padding
        and (len(aead.salt), aead.iv_length, aead.icv_length) == (SALT, 8, ICV)
    )


def padding(inner: int) -> int:
    """Pad bytes that align an inner packet of ``inner`` bytes and the two bytes after the padding."""
    return -(inner + 2) % ALIGNMENT


def trailer(inner: int, next_header: int) -> bytes:
    """Padding, pad length and next header."""
    pad = padding(inner)
    return bytes((*range(1, pad + 1), pad, next_header))


def sealed_size(inner: int) -> int:
    """Bytes of the ESP datagram for an inner packet of ``inner`` bytes."""
    return OVERHEAD + inner + padding(inner)
