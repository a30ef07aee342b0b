"""Pseudo-random functions (transform type 2) and prf+.

prf(PrfId.HMAC_SHA2_256).compute(key, data)
prf_plus(prf(...), key, seed, 224)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cygnet.crypto.hash import HASH_OF_PRF, digest_length
from cygnet.crypto.mac import Cmac, Hmac, Mac, Xcbc
from cygnet.crypto.rows import Use
from cygnet.values.iana import PrfId


@dataclass(frozen=True, slots=True)
class Prf:
    """One prf. Lengths in bytes: ``key_length`` is what SK_d, SK_pi and SK_pr get (RFC 7296 §2.14)."""

    id: PrfId
    key_length: int
    output_length: int
    keywords: tuple[str, ...]
    use: Use
    bind: Callable[[bytes], Mac]  #: key of any length -> keyed prf, for several messages

    #: The prf takes keys of one length only, so nonces and secrets are cut or hashed to fit it.
    @property
    def fixed_key(self) -> bool:
        return self.id not in HASH_OF_PRF

    def compute(self, key: bytes, data: bytes) -> bytes:
        return self.bind(key).compute(data)

    def nonce_key(self, ni: bytes, nr: bytes) -> bytes:
        """The key of SKEYSEED = prf(Ni | Nr, g^ir), RFC 7296 §2.14.

        "If the negotiated PRF is AES-XCBC-PRF-128 or AES-CMAC-PRF-128, only the first 64 bits
        of Ni and the first 64 bits of Nr are used in calculating SKEYSEED, but all the bits are
        used for input to the prf+ function."
        """
        return ni[:8] + nr[:8] if self.fixed_key else ni + nr


def prf_plus(which: Prf, key: bytes, seed: bytes, length: int) -> bytes:
    """RFC 7296 §2.13: T1 | T2 | ..., cut to ``length`` bytes (at most 255 blocks)."""
    if length > 255 * which.output_length:
        raise ValueError(f"prf+ makes at most {255 * which.output_length} bytes, not {length}")
    keyed = which.bind(key)
    made, block, counter = bytearray(), b"", 1
    while len(made) < length:
        block = keyed.compute(block, seed, bytes((counter,)))
        made += block
        counter += 1
    return bytes(made[:length])


def _hmac(id: PrfId, *keywords: str) -> Prf:
    name = HASH_OF_PRF[id]
    length = digest_length(id)
    return Prf(id, length, length, keywords, Use.IKE, lambda key: Hmac(name, key))


def _xcbc(key: bytes) -> Mac:
    """RFC 4434 §2: a short key is padded with zeros, a long one is hashed with a key of zeros."""
    return Xcbc(key.ljust(16, b"\x00") if len(key) <= 16 else Xcbc(bytes(16)).compute(key))


def _cmac(key: bytes) -> Mac:
    """RFC 4615 §3: a key of another length than 16 is hashed with a key of zeros."""
    return Cmac(key if len(key) == 16 else Cmac(bytes(16)).compute(key))


ROWS: tuple[Prf, ...] = (
    _hmac(PrfId.HMAC_SHA2_256, "prfsha256"),
    _hmac(PrfId.HMAC_SHA2_384, "prfsha384"),
    _hmac(PrfId.HMAC_SHA2_512, "prfsha512"),
    _hmac(PrfId.HMAC_SHA1, "prfsha1"),
    _hmac(PrfId.HMAC_MD5, "prfmd5"),
    Prf(PrfId.AES128_XCBC, 16, 16, ("prfaesxcbc",), Use.IKEV2, _xcbc),
    Prf(PrfId.AES128_CMAC, 16, 16, ("prfaescmac",), Use.IKEV2, _cmac),
)

_BY_ID = {row.id: row for row in ROWS}


def prf(id: int) -> Prf:
    """The prf of that number. Raises ValueError where cygnet has none."""
    try:
        return _BY_ID[PrfId(id)]
    except KeyError:
        raise ValueError(f"prf {PrfId(id)} is not supported") from None
