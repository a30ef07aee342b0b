"""What ESP needs of its algorithms: checked when an SA is installed, bound at its first packet.

Binding waits because most SAs of a large gateway, and nearly all of a test's, never carry a
packet, and a key schedule costs more than all the rest of an installation.
"""

from __future__ import annotations

from cygnet.boundary.specs import SaSpec
from cygnet.crypto.ciphers import BoundCipher
from cygnet.crypto.encr import Cipher, cipher
from cygnet.crypto.esp import RawAead, raw_aead
from cygnet.crypto.integ import BoundIntegrity, Integrity, integrity
from cygnet.values.iana import IntegId

HEADER = 8  #: SPI and sequence number (RFC 4303 §2)


class EspTransform:
    """Lengths in bytes. Raises ValueError for an unknown algorithm or a key of the wrong length."""

    __slots__ = (
        "_aead", "_bound", "_bound_integ", "_integ", "_spec", "align", "cipher", "icv", "iv", "random_iv",
    )  # fmt: skip

    def __init__(self, spec: SaSpec) -> None:
        self._spec = spec
        self.cipher: Cipher = cipher(spec.encr)
        self._integ = None if self.cipher.aead else _integrity_of(spec)
        _check_key(str(spec.encr), len(spec.encr_key), self.cipher.key_length)
        self.iv = self.cipher.iv_length
        self.icv = self._integ.icv_length if self._integ else self.cipher.icv_length
        self.align = max(4, self.cipher.block_size)
        #: CBC's IVs must not be foreseeable (RFC 3602 §3); counter modes only need unique ones
        self.random_iv = self.cipher.block_size > 1
        self._bound: BoundCipher | None = None
        self._bound_integ: BoundIntegrity | None = None
        self._aead: RawAead | None = None

    @property
    def aead(self) -> RawAead | None:
        """For the offload engine; None where the cipher is no AEAD."""
        if self._aead is None:
            self._aead = raw_aead(self._spec.encr, self._spec.encr_key)
        return self._aead

    @property
    def bound(self) -> BoundCipher:
        if self._bound is None:
            self._bound = self.cipher.bind(self._spec.encr_key)
        return self._bound

    @property
    def integ(self) -> BoundIntegrity | None:
        """None for AEADs."""
        if self._bound_integ is None and self._integ is not None:
            self._bound_integ = self._integ.bind(self._spec.integ_key)
        return self._bound_integ

    def payload_limit(self, size: int) -> int:
        """The largest payload whose ESP packet, SPI to ICV, has at most ``size`` bytes."""
        return (size - HEADER - self.iv - self.icv) // self.align * self.align - 2


def _integrity_of(spec: SaSpec) -> Integrity:
    if spec.integ is None or spec.integ.id == IntegId.NONE:
        raise ValueError(f"{spec.encr} needs an integrity algorithm beside it")
    row = integrity(spec.integ.id)
    _check_key(str(spec.integ), len(spec.integ_key), row.key_length)
    return row


def _check_key(algorithm: str, given: int, wanted: int) -> None:
    if given != wanted:
        raise ValueError(f"{algorithm} takes {wanted} bytes of key, not {given}")
