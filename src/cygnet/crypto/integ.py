"""Integrity algorithms (transform type 3): a MAC, its key length and where it is cut.

bound = integrity(IntegId.HMAC_SHA2_256_128).bind(key)
icv = bound.sign(data); bound.verify(data, icv)
"""

from __future__ import annotations

import hmac as stdlib_hmac
from collections.abc import Callable
from dataclasses import dataclass

from cygnet.crypto.errors import IntegrityError
from cygnet.crypto.mac import Cmac, Hmac, Mac, Xcbc
from cygnet.crypto.rows import Use
from cygnet.values.iana import IntegId, PrfId
from cygnet.values.secret import Secret


class BoundIntegrity:
    """An integrity algorithm with its key."""

    __slots__ = ("_length", "_mac")

    def __init__(self, mac: Mac, length: int) -> None:
        self._mac = mac
        self._length = length

    def sign(self, *data: bytes | bytearray | memoryview) -> bytes:
        """The ICV over the parts of ``data``, one after the other."""
        return self._mac.compute(*data)[: self._length]

    def verify(self, data: bytes | bytearray | memoryview, icv: bytes | memoryview) -> None:
        """Raises IntegrityError unless ``icv`` is the one of ``data``; in constant time."""
        if not stdlib_hmac.compare_digest(self.sign(data), icv):
            raise IntegrityError("integrity check failed")


@dataclass(frozen=True, slots=True)
class Integrity:
    """One integrity algorithm; lengths in bytes. ``prf`` is the prf that strongSwan derives from it."""

    id: IntegId
    key_length: int
    icv_length: int
    keywords: tuple[str, ...]
    use: Use
    prf: PrfId
    make: Callable[[bytes], Mac]

    def bind(self, key: Secret) -> BoundIntegrity:
        if len(key) != self.key_length:
            raise ValueError(f"{self.id} takes a key of {self.key_length} bytes, not {len(key)}")
        return BoundIntegrity(self.make(key.reveal()), self.icv_length)


def _hmac(id: IntegId, name: str, key: int, icv: int, prf: PrfId, *keywords: str, use: Use) -> Integrity:
    return Integrity(id, key, icv, keywords, use, prf, lambda secret: Hmac(name, secret))


_I, _P = IntegId, PrfId
ROWS: tuple[Integrity, ...] = (
    _hmac(_I.HMAC_SHA2_256_128, "sha256", 32, 16, _P.HMAC_SHA2_256, "sha256", "sha2_256", use=Use.ANY),
    _hmac(_I.HMAC_SHA2_384_192, "sha384", 48, 24, _P.HMAC_SHA2_384, "sha384", "sha2_384", use=Use.ANY),
    _hmac(_I.HMAC_SHA2_512_256, "sha512", 64, 32, _P.HMAC_SHA2_512, "sha512", "sha2_512", use=Use.ANY),
    _hmac(_I.HMAC_SHA1_96, "sha1", 20, 12, _P.HMAC_SHA1, "sha1", "sha", use=Use.ANY),
    # Untruncated, for Fibre Channel (RFC 4595); strongSwan takes it in IKEv2 and ESP.
    _hmac(_I.HMAC_SHA1_160, "sha1", 20, 20, _P.HMAC_SHA1, "sha1_160", use=Use.IKEV2 | Use.IPSEC),
    # Draft truncation that old Linux kernels and some appliances use; a private number.
    _hmac(_I.HMAC_SHA2_256_96, "sha256", 32, 12, _P.HMAC_SHA2_256, "sha256_96", "sha2_256_96", use=Use.IPSEC),
    _hmac(_I.HMAC_MD5_96, "md5", 16, 12, _P.HMAC_MD5, "md5", use=Use.ANY),
    _hmac(_I.HMAC_MD5_128, "md5", 16, 16, _P.HMAC_MD5, "md5_128", use=Use.IKEV2 | Use.IPSEC),
    Integrity(_I.AES_XCBC_96, 16, 12, ("aesxcbc",), Use.IKEV2 | Use.IPSEC, _P.AES128_XCBC, Xcbc),
    Integrity(_I.AES_CMAC_96, 16, 12, ("aescmac",), Use.IKEV2 | Use.IPSEC, _P.AES128_CMAC, Cmac),
)

_BY_ID = {row.id: row for row in ROWS}


def integrity(id: int) -> Integrity:
    """The integrity algorithm of that number. Raises ValueError where cygnet has none."""
    try:
        return _BY_ID[IntegId(id)]
    except KeyError:
        raise ValueError(f"integrity algorithm {IntegId(id)} is not supported") from None
