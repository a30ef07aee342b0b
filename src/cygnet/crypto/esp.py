"""Ciphers as the packet path wants them: bound once, then a call per packet and nothing else.

    suite = esp_suite(spec.encr, spec.encr_key, spec.integ, spec.integ_key, esn=spec.esn)
    packet = suite.seal(spi_and_sequence, high, payload)   # header | IV | ciphertext | ICV
    payload = suite.open(packet, high)                     # or IntegrityError

``payload`` is what ESP encrypts: data, padding, pad length and next header, a multiple of
``align`` bytes. ``spi_and_sequence`` are the 8 bytes of the ESP header. ``high`` are the upper
32 bits of the sequence number as 4 bytes: authentic with ``esn``, else zeros. A sequence number
must never be sealed twice with one suite: counter modes and AEADs take it for their IV
(RFC 4106 §3.1, RFC 7634 §2), which makes it unique without drawing anything.

Where every microsecond counts, ``raw_aead`` hands out the library's own object for the
combined modes, to be called on memoryviews (see ``RawAead``).

CBC without a context per packet. Making a cipher context costs more than encrypting a packet:

- sealing goes on with one CBC stream. A block with the sequence number is fed first and comes
  out as E(k, sequence ^ last ciphertext block): that is the packet's IV. It is the forward cipher
  applied to a value that does not repeat, what NIST SP 800-38A appendix C recommends, and cannot
  be predicted without the key (RFC 3602 §3).
- opening decrypts all blocks in ECB and xors them with the ciphertext one block before, which is
  what CBC decryption is.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, modes
from cryptography.hazmat.primitives.ciphers import Cipher as Context

from cygnet.crypto import encr, integ
from cygnet.crypto.ciphers import Aead, BoundCipher, Buffer
from cygnet.crypto.errors import IntegrityError
from cygnet.crypto.integ import BoundIntegrity
from cygnet.crypto.rows import Use
from cygnet.values.proposal import Transform
from cygnet.values.secret import Secret

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["EspSuite", "IntegrityError", "InvalidTag", "RawAead", "esp_suite", "raw_aead"]

HEADER = 8  #: SPI and sequence number, RFC 4303 §2


class EspSuite(Protocol):
    """One direction's algorithms with their keys. Lengths in bytes."""

    iv_length: int
    icv_length: int
    align: int  #: the payload's length is a multiple of it: the block size, at least 4

    def seal(self, header: bytes, high: bytes, payload: Buffer) -> bytes:
        """The whole ESP packet."""

    def open(self, packet: Buffer, high: bytes) -> bytes:
        """The payload of a whole ESP packet. Raises IntegrityError, also for one that is too short."""


@dataclass(frozen=True, slots=True)
class RawAead:
    """An AEAD cipher to be driven by hand.

    ``encrypt_into(nonce, data, aad, out) -> int`` with nonce = ``salt`` | 8 bytes of IV, aad the
    SPI and sequence number (with ESN: SPI | high | low), ``out`` exactly len(data) + ``icv_length``
    bytes; it may be the buffer that ``data`` is the beginning of. ``decrypt_into`` is the reverse,
    ``data`` with the ICV, ``out`` without, and raises ``InvalidTag``.
    """

    cipher: Aead
    salt: bytes
    icv_length: int
    iv_length: int = 8

    def __repr__(self) -> str:
        return f"RawAead(icv_length={self.icv_length})"


def raw_aead(transform: Transform, key: Secret) -> RawAead | None:
    """None for what is not a combined mode with an ICV of full length (AES-GCM-16, CCM, ChaCha20)."""
    chosen = encr.cipher(transform)
    if chosen.row.raw is None:
        return None
    plain, salt = chosen.split(key)
    return RawAead(chosen.row.raw(plain, chosen.icv_length), salt, chosen.icv_length)


def esp_suite(
    transform: Transform, key: Secret, integrity: Transform | None, integ_key: Secret, *, esn: bool = False
) -> EspSuite:
    """Raises ValueError on algorithms that cannot stand together and on keys of a wrong length."""
    chosen = encr.cipher(transform)
    if not chosen.row.use & Use.ESP:
        raise ValueError(f"{transform} is not for ESP")
    if chosen.aead:
        if integrity is not None and integrity.id:
            raise ValueError(f"{transform} has its own integrity check and takes no {integrity}")
        return Combined(chosen, key, esn)
    if integrity is None:
        raise ValueError(f"{transform} needs an integrity algorithm")
    mac = integ.integrity(integrity.id)
    if chosen.row.algorithm is not None:
        plain, _ = chosen.split(key)
        return CbcThenMac(chosen.row.algorithm(plain), mac.bind(integ_key), mac.icv_length, esn)
    return CipherThenMac(chosen, key, mac.bind(integ_key), mac.icv_length, esn)


class Combined:
    """AEAD ciphers (RFC 4106, 4309, 4543, 7634): the IV is the 64-bit sequence number."""

    __slots__ = ("_decrypt", "_encrypt", "_esn", "_head", "_shortest", "align", "icv_length", "iv_length")

    def __init__(self, chosen: encr.Cipher, key: Secret, esn: bool) -> None:
        bound: BoundCipher = chosen.bind(key)
        self._encrypt = bound.encrypt
        self._decrypt = bound.decrypt
        self._esn = esn
        self.iv_length = chosen.iv_length
        self.icv_length = chosen.icv_length
        self.align = 4
        self._head = HEADER + self.iv_length
        self._shortest = self._head + self.icv_length

    def seal(self, header: bytes, high: bytes, payload: Buffer) -> bytes:
        iv = high + header[4:]
        aad = header[:4] + iv if self._esn else header
        return header + iv + self._encrypt(iv, payload, aad)

    def open(self, packet: Buffer, high: bytes) -> bytes:
        if len(packet) < self._shortest:
            raise IntegrityError(f"{len(packet)} bytes are too short for an ESP packet")
        view = memoryview(packet)
        header = bytes(view[:HEADER])
        aad = header[:4] + high + header[4:] if self._esn else header
        return self._decrypt(bytes(view[HEADER : self._head]), view[self._head :], aad)


class _ThenMac:
    """Encrypt-then-MAC: the ICV is over the packet and, with ESN, the high sequence number after it."""

    __slots__ = ("_esn", "_sign", "icv_length")

    def __init__(self, mac: BoundIntegrity, icv_length: int, esn: bool) -> None:
        self._sign = mac.sign
        self._esn = esn
        self.icv_length = icv_length

    def _icv(self, packet: Buffer, high: bytes) -> bytes:
        return self._sign(packet, high) if self._esn else self._sign(packet)

    def _authentic(self, packet: Buffer, high: bytes, shortest: int) -> memoryview:
        """The packet without its ICV, checked."""
        view = memoryview(packet)
        cut = len(view) - self.icv_length
        if cut < shortest:
            raise IntegrityError(f"{len(view)} bytes are too short for an ESP packet")
        body = view[:cut]
        if not hmac.compare_digest(self._icv(body, high), view[cut:]):
            raise IntegrityError("integrity check failed")
        return body


class CipherThenMac(_ThenMac):
    """AES-CTR (RFC 3686) and NULL (RFC 2410) with a MAC."""

    __slots__ = ("_cipher", "align", "iv_length")

    def __init__(
        self, chosen: encr.Cipher, key: Secret, mac: BoundIntegrity, icv_length: int, esn: bool
    ) -> None:
        super().__init__(mac, icv_length, esn)
        self._cipher = chosen.bind(key)
        self.iv_length = chosen.iv_length
        self.align = 4

    def seal(self, header: bytes, high: bytes, payload: Buffer) -> bytes:
        iv = (high + header[4:])[: self.iv_length]
        packet = header + iv + self._cipher.encrypt(iv, payload)
        return packet + self._icv(packet, high)

    def open(self, packet: Buffer, high: bytes) -> bytes:
        head = HEADER + self.iv_length
        body = self._authentic(packet, high, head)
        return self._cipher.decrypt(bytes(body[HEADER:head]), body[head:])


class CbcThenMac(_ThenMac):
    """AES-CBC (RFC 3602) and other CBC ciphers (RFC 2451) with a MAC; how: see the module's text."""

    __slots__ = ("_decrypt", "_encrypt", "_head", "_pad", "_words", "align", "iv_length")

    def __init__(
        self, algorithm: BlockCipherAlgorithm, mac: BoundIntegrity, icv_length: int, esn: bool
    ) -> None:
        # Here, not above: the daemon knows these suites too and never opens a packet, and numpy is
        # a tenth of a second of its start.
        from numpy import frombuffer, uint64

        super().__init__(mac, icv_length, esn)
        block = algorithm.block_size // 8
        self._words: Callable[[Buffer], NDArray[uint64]] = lambda octets: frombuffer(octets, uint64)
        self._encrypt = Context(algorithm, modes.CBC(bytes(block))).encryptor().update
        self._decrypt = Context(algorithm, modes.ECB()).decryptor().update
        self._pad = bytes(block - 8)
        self._head = HEADER + block
        self.align = self.iv_length = block

    def seal(self, header: bytes, high: bytes, payload: Buffer) -> bytes:
        if len(payload) % self.align:
            raise ValueError(f"CBC takes whole blocks of {self.align} bytes, not {len(payload)}")
        packet = header + self._encrypt(b"".join((self._pad, high, header[4:], payload)))
        return packet + self._icv(packet, high)

    def open(self, packet: Buffer, high: bytes) -> bytes:
        body = self._authentic(packet, high, self._head)
        data = body[self._head :]
        if len(data) % self.align:
            raise IntegrityError(f"ciphertext of {len(data)} bytes is not whole blocks of {self.align}")
        before = self._words(body[HEADER : len(body) - self.align])
        return bytes((self._words(self._decrypt(data)) ^ before).tobytes())
