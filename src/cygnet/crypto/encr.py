"""Encryption algorithms (transform type 1), one row each.

c = cipher(Transform(TransformType.ENCR, EncrId.AES_GCM_16, 128))
bound = c.bind(key)                      # key: c.key_length bytes of KEYMAT, salt at its end
data = bound.encrypt(iv, plaintext, aad)  # ciphertext | ICV
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.decrepit.ciphers.algorithms import Camellia, TripleDES
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from cygnet.crypto import ciphers
from cygnet.crypto.ciphers import Binder, BoundCipher
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


def _cbc(algorithm: type[AES] | type[TripleDES] | type[Camellia]) -> Binder:
    return lambda key, salt, icv: ciphers.BlockMode(algorithm(key))


def _ctr(key: bytes, salt: bytes, icv: int) -> BoundCipher:
    return ciphers.CounterMode(AES(key), salt)


def _gcm(key: bytes, salt: bytes, icv: int) -> BoundCipher:
    if icv < 16:
        return ciphers.TruncatedGcm(key, salt, icv)
    return ciphers.Combined(ciphers.raw_gcm(key, icv), salt)


def _ccm(key: bytes, salt: bytes, icv: int) -> BoundCipher:
    return ciphers.Combined(ciphers.raw_ccm(key, icv), salt)


def _chacha(key: bytes, salt: bytes, icv: int) -> BoundCipher:
    return ciphers.Combined(ciphers.raw_chacha(key, icv), salt)


def _gmac(key: bytes, salt: bytes, icv: int) -> BoundCipher:
    return ciphers.Gmac(key, salt)


def _null(key: bytes, salt: bytes, icv: int) -> BoundCipher:
    return ciphers.NullCipher()


_AES = (128, 192, 256)
_ALL = Use.IKE | Use.ESP
_V2 = Use.IKEV2 | Use.ESP  # IKEv1's phase 1 chains CBC IVs; counter modes and AEADs have no place in it


def _aead(id: EncrId, icv: int, words: tuple[str, ...], binder: Binder, salt: int) -> EncrRow:
    return EncrRow(id, _AES, 8, 1, icv, words, _V2, binder, salt=salt, aead=True)


ROWS: tuple[EncrRow, ...] = (
    EncrRow(EncrId.AES_CBC, _AES, 16, 16, 0, ("aes{bits}",), _ALL, _cbc(AES)),
    _aead(EncrId.AES_GCM_16, 16, ("aes{bits}gcm16", "aes{bits}gcm128", "aes{bits}gcm"), _gcm, salt=4),
    _aead(EncrId.AES_GCM_12, 12, ("aes{bits}gcm12", "aes{bits}gcm96"), _gcm, salt=4),
    _aead(EncrId.AES_GCM_8, 8, ("aes{bits}gcm8", "aes{bits}gcm64"), _gcm, salt=4),
    _aead(EncrId.AES_CCM_16, 16, ("aes{bits}ccm16", "aes{bits}ccm128", "aes{bits}ccm"), _ccm, salt=3),
    _aead(EncrId.AES_CCM_12, 12, ("aes{bits}ccm12", "aes{bits}ccm96"), _ccm, salt=3),
    _aead(EncrId.AES_CCM_8, 8, ("aes{bits}ccm8", "aes{bits}ccm64"), _ccm, salt=3),
    EncrRow(
        EncrId.CHACHA20_POLY1305, (), 8, 1, 16, ("chacha20poly1305",), _V2, _chacha,
        salt=4, fixed_key=32, aead=True,
    ),
    EncrRow(EncrId.AES_CTR, _AES, 8, 1, 0, ("aes{bits}ctr",), _V2, _ctr, salt=4),
    EncrRow(EncrId.CAMELLIA_CBC, _AES, 16, 16, 0, ("camellia{bits}",), _ALL, _cbc(Camellia)),
    EncrRow(EncrId.TRIPLE_DES, (), 8, 8, 0, ("3des",), _ALL, _cbc(TripleDES), fixed_key=24),
    EncrRow(
        EncrId.NULL_AUTH_AES_GMAC, _AES, 8, 1, 16, ("aes{bits}gmac",), Use.ESP, _gmac, salt=4, aead=True
    ),
    EncrRow(EncrId.NULL, (), 0, 1, 0, ("null",), Use.ESP, _null),
)  # fmt: skip

_BY_ID = {row.id: row for row in ROWS}


def cipher(transform: Transform) -> Cipher:
    """The cipher of a transform. Raises ValueError where cygnet has none of that id and key length."""
    row = _BY_ID.get(EncrId(transform.id))
    if row is None or transform not in row.transforms():
        raise ValueError(f"encryption algorithm {transform} is not supported")
    return Cipher(row, transform.key_length)
