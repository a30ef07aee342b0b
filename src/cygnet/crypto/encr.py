"""Encryption algorithms (transform type 1), one row each.

c = cipher(Transform(TransformType.ENCR, EncrId.AES_GCM_16, 128))
bound = c.bind(key)                      # key: c.key_length bytes of KEYMAT, salt at its end
data = bound.encrypt(iv, plaintext, aad)  # ciphertext | ICV
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.decrepit.ciphers.algorithms import Camellia, TripleDES
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from cygnet.crypto import ciphers
from cygnet.crypto.ciphers import Binder, BoundCipher, RawMaker
from cygnet.crypto.rows import Use
from cygnet.values.iana import EncrId, TransformType
from cygnet.values.proposal import Transform
from cygnet.values.secret import Secret


@dataclass(frozen=True, slots=True)
class EncrRow:
    """One transform id. Lengths in bytes, ``key_bits`` in bits.

    ``key_bits`` are the values its key length attribute may have; empty: it has no such
    attribute and its key is ``fixed_key`` bytes. ``keywords`` have ``{bits}`` where the key
    length stands.
    """

    id: EncrId
    key_bits: tuple[int, ...]
    iv: int
    block: int
    icv: int  #: 0: needs an integrity algorithm
    keywords: tuple[str, ...]
    use: Use
    binder: Binder
    salt: int = 0
    fixed_key: int = 0
    aead: bool = False
    raw: RawMaker | None = None  #: the library's AEAD object, where salt | IV is its nonce
    algorithm: Callable[[bytes], BlockCipherAlgorithm] | None = None  #: of a CBC cipher, from its key

    def transforms(self) -> tuple[Transform, ...]:
        """Every transform this row stands for: one per key length."""
        return tuple(Transform(TransformType.ENCR, self.id, bits) for bits in self.key_bits or (0,))


@dataclass(frozen=True, slots=True)
class Cipher:
    """An encryption algorithm with its key length chosen. Lengths in bytes."""

    row: EncrRow
    key_bits: int

    @property
    def id(self) -> EncrId:
        return self.row.id

    @property
    def key_length(self) -> int:
        """Bytes of KEYMAT: the key and the salt after it."""
        return (self.key_bits // 8 if self.row.key_bits else self.row.fixed_key) + self.row.salt

    @property
    def iv_length(self) -> int:
        return self.row.iv

    @property
    def block_size(self) -> int:
        """Plaintext must be a multiple of it (1 for counter modes; ESP aligns to 4 itself)."""
        return self.row.block

    @property
    def icv_length(self) -> int:
        return self.row.icv

    @property
    def aead(self) -> bool:
        return self.row.aead

    def split(self, key: Secret) -> tuple[bytes, bytes]:
        """KEYMAT cut into key and salt. Raises ValueError when its length is not ``key_length``."""
        if len(key) != self.key_length:
            raise ValueError(f"{self.id} takes {self.key_length} bytes of key material, not {len(key)}")
        raw = key.reveal()
        cut = len(raw) - self.row.salt
        return raw[:cut], raw[cut:]

    def bind(self, key: Secret) -> BoundCipher:
        return self.row.binder(*self.split(key), self.row.icv)


_AES = (128, 192, 256)
_ALL = Use.IKE | Use.ESP
_V2 = Use.IKEV2 | Use.ESP  # IKEv1's phase 1 chains CBC IVs; counter modes and AEADs have no place in it


def _cbc(
    id: EncrId,
    algorithm: Callable[[bytes], BlockCipherAlgorithm],
    block: int,
    bits: tuple[int, ...],
    word: str,
    fixed_key: int = 0,
) -> EncrRow:
    def bind(key: bytes, salt: bytes, icv: int) -> BoundCipher:
        return ciphers.BlockMode(algorithm(key))

    return EncrRow(id, bits, block, block, 0, (word,), _ALL, bind, fixed_key=fixed_key, algorithm=algorithm)


def _combined(
    id: EncrId,
    icv: int,
    raw: RawMaker,
    salt: int,
    *words: str,
    bits: tuple[int, ...] = _AES,
    fixed_key: int = 0,
) -> EncrRow:
    def bind(key: bytes, salt: bytes, icv: int) -> BoundCipher:
        return ciphers.Combined(raw(key, icv), salt)

    return EncrRow(id, bits, 8, 1, icv, words, _V2, bind, salt=salt, fixed_key=fixed_key, aead=True, raw=raw)


def _short_gcm(id: EncrId, icv: int, *words: str) -> EncrRow:
    return EncrRow(id, _AES, 8, 1, icv, words, _V2, ciphers.TruncatedGcm, salt=4, aead=True)


def _ctr(key: bytes, salt: bytes, icv: int) -> BoundCipher:
    return ciphers.CounterMode(AES(key), salt)


def _gmac(key: bytes, salt: bytes, icv: int) -> BoundCipher:
    return ciphers.Gmac(key, salt)


def _null(key: bytes, salt: bytes, icv: int) -> BoundCipher:
    return ciphers.NullCipher()


_GCM, _CCM, _CHACHA = ciphers.raw_gcm, ciphers.raw_ccm, ciphers.raw_chacha

ROWS: tuple[EncrRow, ...] = (
    _cbc(EncrId.AES_CBC, AES, 16, _AES, "aes{bits}"),
    _combined(EncrId.AES_GCM_16, 16, _GCM, 4, "aes{bits}gcm16", "aes{bits}gcm128", "aes{bits}gcm"),
    _short_gcm(EncrId.AES_GCM_12, 12, "aes{bits}gcm12", "aes{bits}gcm96"),
    _short_gcm(EncrId.AES_GCM_8, 8, "aes{bits}gcm8", "aes{bits}gcm64"),
    _combined(EncrId.AES_CCM_16, 16, _CCM, 3, "aes{bits}ccm16", "aes{bits}ccm128", "aes{bits}ccm"),
    _combined(EncrId.AES_CCM_12, 12, _CCM, 3, "aes{bits}ccm12", "aes{bits}ccm96"),
    _combined(EncrId.AES_CCM_8, 8, _CCM, 3, "aes{bits}ccm8", "aes{bits}ccm64"),
    # RFC 7634 §4: no key length attribute, the key is always of 256 bits
    _combined(EncrId.CHACHA20_POLY1305, 16, _CHACHA, 4, "chacha20poly1305", bits=(), fixed_key=32),
    EncrRow(EncrId.AES_CTR, _AES, 8, 1, 0, ("aes{bits}ctr",), _V2, _ctr, salt=4),
    _cbc(EncrId.CAMELLIA_CBC, Camellia, 16, _AES, "camellia{bits}"),
    _cbc(EncrId.TRIPLE_DES, TripleDES, 8, (), "3des", fixed_key=24),
    EncrRow(EncrId.NULL_AUTH_AES_GMAC, _AES, 8, 1, 16, ("aes{bits}gmac",), Use.ESP, _gmac, salt=4, aead=True),
    EncrRow(EncrId.NULL, (), 0, 1, 0, ("null",), Use.ESP, _null),
)

_BY_ID = {row.id: row for row in ROWS}


def cipher(transform: Transform) -> Cipher:
    """The cipher of a transform. Raises ValueError where cygnet has none of that id and key length."""
    row = _BY_ID.get(EncrId(transform.id))
    if row is None or transform not in row.transforms():
        raise ValueError(f"encryption algorithm {transform} is not supported")
    return Cipher(row, transform.key_length)
