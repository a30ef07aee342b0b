"""The state of one direction of a CHILD_SA as the packet path keeps it: mutable, plain numbers.

AEADs with a 4-byte salt, an 8-byte explicit IV and a 16-byte ICV: AES-GCM-16 (RFC 4106) and
ChaCha20-Poly1305 (RFC 7634). The IV is the sequence number, which never repeats under a key.
"""

from __future__ import annotations

from collections.abc import Callable

from cygnet.crypto.ciphers import Aead
from cygnet.dataplane.tun.fast.flow import flow_key
from cygnet.dataplane.tun.fast.window import ReplayWindow

HEADER = 16  #: bytes before the ciphertext: SPI, sequence number, IV
ICV = 16
OVERHEAD = HEADER + 2 + ICV  #: bytes that ESP adds before padding: with pad length and next header
ALIGNMENT = 4  #: of the ciphertext's end (RFC 4303 §2.4)

#: flows whose selector decision one SA remembers; beyond, it starts anew (a scan must not grow us)
FLOWS = 4096

_LAST_SHORT = (1 << 32) - 1  #: without ESN a sequence number must not cycle (RFC 4303 §3.3.3)
_LAST_LONG = (1 << 64) - 1


class OutboundSa:
    """What sealing needs and changes. Sizes in bytes."""

    __slots__ = (
        "_size_limit", "aead", "bytes", "esn", "inner_limit", "last", "packets", "salt", "sequence", "spi",
    )  # fmt: skip

    def __init__(
        self,
        spi: int,
        aead: Aead,
        salt: bytes,
        *,
        esn: bool = False,
        sequence: int = 0,
        size_limit: int = 1472,
    ) -> None:
        self.spi = spi
        self.aead = aead
        self.salt = salt
        self.esn = esn
        self.sequence = sequence  #: the last one used; 64 bits, 32 without ESN
        self.last = _LAST_LONG if esn else _LAST_SHORT
        self.bytes = 0  #: of inner packets sealed
        self.packets = 0
        self.size_limit = size_limit

    @property
    def size_limit(self) -> int:
        """Largest ESP datagram wanted, from the ESP header to the ICV (outer MTU - IP - UDP)."""
        return self._size_limit

    @size_limit.setter
    def size_limit(self, size: int) -> None:
        self._size_limit = size
        self.inner_limit = (size - HEADER - ICV) // ALIGNMENT * ALIGNMENT - 2

    @property
    def spent(self) -> bool:
        """The sequence numbers are used up: nothing may be sealed any more."""
        return self.sequence >= self.last

    def reserve(self, count: int) -> int:
        """How many of ``count`` packets still get a sequence number, the first ``sequence`` + 1."""
        return min(count, self.last - self.sequence)

    def __repr__(self) -> str:
        return f"OutboundSa(spi={self.spi:#010x}, packets={self.packets})"


class InboundSa:
    """What opening needs and changes.

    ``admits(packet)`` is the selector check of RFC 4301 §5.2, asked once per flow.
    ``decap_ecn(packet, ecn)`` changes the inner header for outer CE or ECT(1), False: drop.
    """

    __slots__ = (
        "_admits", "_flows", "aead", "bytes", "decap_ecn", "dummies", "esn", "failed", "malformed",
        "outside", "packets", "replay", "replayed", "salt", "spi",
    )  # fmt: skip

    def __init__(
        self,
        spi: int,
        aead: Aead,
        salt: bytes,
        admits: Callable[[memoryview], bool],
        *,
        esn: bool = False,
        window: int = 32,
        decap_ecn: Callable[[memoryview, int], bool] | None = None,
    ) -> None:
        self.spi = spi
        self.aead = aead
        self.salt = salt
        self._admits = admits
        self._flows: dict[bytes, bool] = {}
        self.esn = esn
        self.replay = ReplayWindow(window)
        self.decap_ecn = decap_ecn
        self.bytes = 0  #: of inner packets opened, authentic ones
        self.packets = 0
        self.replayed = 0  #: dropped: outside of or already in the replay window
        self.failed = 0  #: dropped: wrong ICV
        self.outside = 0  #: dropped: not within the selectors
        self.malformed = 0  #: dropped: authentic, but no IP packet inside or wrong padding
        self.dummies = 0  #: dropped: next header 59, traffic flow confidentiality (RFC 4303 §2.6)

    def admits(self, packet: memoryview) -> bool:
        key = flow_key(packet)
        if key is None:
            return self._admits(packet)
        known = self._flows.get(key)
        if known is None:
            if len(self._flows) >= FLOWS:
                self._flows.clear()
            known = self._flows[key] = self._admits(packet)
        return known

    def forget_flows(self) -> None:
        """The selectors changed: ask about every flow again."""
        self._flows.clear()

    def __repr__(self) -> str:
        return f"InboundSa(spi={self.spi:#010x}, packets={self.packets})"
