"""Ciphers bound to a key: what ``encr``'s rows make. One class for each mode of operation.

``encrypt`` returns ciphertext | ICV, ``decrypt`` takes the same; ``iv`` is the explicit IV as it
stands in the packet. Modes without an ICV of their own leave integrity to ``integ``. Some keep the
library's context from message to message, so a bound cipher belongs to one thread.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, aead, algorithms, modes

from cygnet.crypto.errors import IntegrityError

Buffer = bytes | bytearray | memoryview

_FORGED = "authentication tag does not match"


class BoundCipher(Protocol):
    """A cipher with its key. ``decrypt`` raises IntegrityError, also on impossible lengths."""

    def encrypt(self, iv: Buffer, plaintext: Buffer, aad: Buffer = b"") -> bytes: ...

    def decrypt(self, iv: Buffer, data: Buffer, aad: Buffer = b"") -> bytes: ...


class Aead(Protocol):
    """What ``cryptography``'s AEAD objects offer and the packet path uses."""

    def encrypt_into(
        self, nonce: Buffer, data: Buffer, associated_data: Buffer | None, buf: bytearray | memoryview, /
    ) -> int: ...

    def decrypt_into(
        self, nonce: Buffer, data: Buffer, associated_data: Buffer | None, buf: bytearray | memoryview, /
    ) -> int: ...

    def encrypt(self, nonce: Buffer, data: Buffer, associated_data: Buffer | None, /) -> bytes: ...

    def decrypt(self, nonce: Buffer, data: Buffer, associated_data: Buffer | None, /) -> bytes: ...


class BlockMode:
    """CBC (RFC 2451, RFC 3602). The plaintext is padded by the caller to whole blocks."""

    __slots__ = ("_algorithm", "_block")

    def __init__(self, algorithm: BlockCipherAlgorithm) -> None:
        self._algorithm = algorithm
        self._block = algorithm.block_size // 8

    def encrypt(self, iv: Buffer, plaintext: Buffer, aad: Buffer = b"") -> bytes:
        if len(plaintext) % self._block:
            raise ValueError(f"CBC takes whole blocks of {self._block} bytes, not {len(plaintext)}")
        return Cipher(self._algorithm, modes.CBC(iv)).encryptor().update(plaintext)

    def decrypt(self, iv: Buffer, data: Buffer, aad: Buffer = b"") -> bytes:
        if len(data) % self._block or len(iv) != self._block:
            raise IntegrityError(f"ciphertext of {len(data)} bytes is not whole blocks of {self._block}")
        return Cipher(self._algorithm, modes.CBC(iv)).decryptor().update(data)


class CounterMode:
    """AES-CTR, RFC 3686: the counter block is nonce (4) | IV (8) | counter (4), from 1."""

    __slots__ = ("_context", "_nonce")

    def __init__(self, algorithm: BlockCipherAlgorithm, nonce: bytes) -> None:
        self._context = Cipher(algorithm, modes.CTR(bytes(16))).encryptor()
        self._nonce = nonce

    def encrypt(self, iv: Buffer, plaintext: Buffer, aad: Buffer = b"") -> bytes:
        self._context.reset_nonce(self._nonce + iv + b"\x00\x00\x00\x01")
        return self._context.update(plaintext)

    def decrypt(self, iv: Buffer, data: Buffer, aad: Buffer = b"") -> bytes:
        if len(iv) != 8:
            raise IntegrityError(f"an IV of {len(iv)} bytes in place of 8")
        return self.encrypt(iv, data)


class Combined:
    """An AEAD whose nonce is salt | IV and whose ICV has its full length (GCM-16, CCM, ChaCha20)."""

    __slots__ = ("_decrypt", "_encrypt", "_salt")

    def __init__(self, cipher: Aead, salt: bytes) -> None:
        self._encrypt = cipher.encrypt
        self._decrypt = cipher.decrypt
        self._salt = salt

    def encrypt(self, iv: Buffer, plaintext: Buffer, aad: Buffer = b"") -> bytes:
        return self._encrypt(self._salt + iv, plaintext, aad)

    def decrypt(self, iv: Buffer, data: Buffer, aad: Buffer = b"") -> bytes:
        try:
            return self._decrypt(self._salt + iv, data, aad)
        except (InvalidTag, ValueError):
            raise IntegrityError(_FORGED) from None


class TruncatedGcm:
    """AES-GCM with an ICV of 8 or 12 bytes (RFC 4106 §6): the first bytes of the full tag.

    The library's quick GCM object checks full tags only. So ``decrypt`` takes the counter mode
    out of GCM (its counter starts at 2, NIST SP 800-38D §7.1), encrypts what came out again and
    compares the tags; that is three times as fast as the general context, which takes any length.
    """

    __slots__ = ("_counter", "_full", "_icv", "_salt")

    def __init__(self, key: bytes, salt: bytes, icv: int) -> None:
        self._full = aead.AESGCM(key)
        self._counter = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor()
        self._salt = salt
        self._icv = icv

    def encrypt(self, iv: Buffer, plaintext: Buffer, aad: Buffer = b"") -> bytes:
        return self._full.encrypt(self._salt + iv, plaintext, aad)[: self._icv - 16]

    def decrypt(self, iv: Buffer, data: Buffer, aad: Buffer = b"") -> bytes:
        if len(data) < self._icv or len(iv) != 8:
            raise IntegrityError(_FORGED)
        self._counter.reset_nonce(self._salt + iv + b"\x00\x00\x00\x02")
        plaintext = self._counter.update(data[: -self._icv])
        if not hmac.compare_digest(self.encrypt(iv, plaintext, aad)[-self._icv :], data[-self._icv :]):
            raise IntegrityError(_FORGED)
        return plaintext


class Gmac:
    """ENCR_NULL_AUTH_AES_GMAC, RFC 4543: nothing is encrypted; AAD | IV | payload is authentic."""

    __slots__ = ("_gcm", "_salt")

    def __init__(self, key: bytes, salt: bytes) -> None:
        self._gcm = aead.AESGCM(key)
        self._salt = salt

    def encrypt(self, iv: Buffer, plaintext: Buffer, aad: Buffer = b"") -> bytes:
        tag = self._gcm.encrypt(self._salt + iv, b"", b"".join((aad, iv, plaintext)))
        return bytes(plaintext) + tag

    def decrypt(self, iv: Buffer, data: Buffer, aad: Buffer = b"") -> bytes:
        if len(data) < 16:
            raise IntegrityError(_FORGED)
        plaintext, tag = bytes(data[:-16]), data[-16:]
        try:
            self._gcm.decrypt(self._salt + iv, tag, b"".join((aad, iv, plaintext)))
        except (InvalidTag, ValueError):
            raise IntegrityError(_FORGED) from None
        return plaintext


class NullCipher:
    """ENCR_NULL, RFC 2410."""

    __slots__ = ()

    def encrypt(self, iv: Buffer, plaintext: Buffer, aad: Buffer = b"") -> bytes:
        return bytes(plaintext)

    def decrypt(self, iv: Buffer, data: Buffer, aad: Buffer = b"") -> bytes:
        return bytes(data)


#: key without salt, salt, ICV length -> bound cipher
Binder = Callable[[bytes, bytes, int], BoundCipher]
#: key without salt, ICV length -> the library's AEAD object
RawMaker = Callable[[bytes, int], Aead]


def raw_gcm(key: bytes, icv: int) -> Aead:
    return aead.AESGCM(key)


def raw_ccm(key: bytes, icv: int) -> Aead:
    return aead.AESCCM(key, tag_length=icv)


def raw_chacha(key: bytes, icv: int) -> Aead:
    return aead.ChaCha20Poly1305(key)
