"""What ESP needs of its algorithms: checked when an SA is installed, bound at its first packet.

Binding waits because most SAs of a large gateway, and nearly all of a test's, never carry a
packet, and a key schedule costs more than all the rest of an installation.
"""

from __future__ import annotations

from cygnet.boundary.specs import SaSpec
from cygnet.crypto.encr import Cipher, cipher
from cygnet.crypto.esp import EspSuite, RawAead, esp_suite, raw_aead
from cygnet.crypto.integ import Integrity, integrity
from cygnet.values.iana import IntegId

HEADER = 8  #: SPI and sequence number (RFC 4303 §2)


class EspTransform:
    """Lengths in bytes. Raises ValueError for an unknown algorithm or a key of the wrong length."""

    __slots__ = ("_aead", "_spec", "_suite", "align", "icv", "iv")

    def __init__(self, spec: SaSpec) -> None:
        row: Cipher = cipher(spec.encr)
        integ = None if row.aead else _integrity_of(spec)
        _check_key(str(spec.encr), len(spec.encr_key), row.key_length)
        self._spec = spec
        self.iv = row.iv_length
        self.icv = integ.icv_length if integ else row.icv_length
        self.align = max(4, row.block_size)
        self._suite: EspSuite | None = None
        self._aead: RawAead | None = None

    @property
    def suite(self) -> EspSuite:
        if self._suite is None:
            spec = self._spec
            self._suite = esp_suite(spec.encr, spec.encr_key, spec.integ, spec.integ_key, esn=spec.esn)
        return self._suite

    @property
    def aead(self) -> RawAead | None:
        """For the offload engine; None where the cipher is no AEAD."""
        if self._aead is None:
            self._aead = raw_aead(self._spec.encr, self._spec.encr_key)
        return self._aead

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
