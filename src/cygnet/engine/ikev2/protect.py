"""RFC 7296 §3.14, RFC 5282. SK_e and SK_a of one direction, as ``wire.ikev2.sealing`` wants them."""

from __future__ import annotations

from cygnet.crypto.ciphers import BoundCipher
from cygnet.crypto.errors import IntegrityError
from cygnet.crypto.integ import BoundIntegrity
from cygnet.engine.entropy import Entropy
from cygnet.engine.ikev2.keys import IkeKeys
from cygnet.engine.ikev2.suite import Suite
from cygnet.values.errors import PeerError
from cygnet.values.secret import Secret
from cygnet.wire.ikev2.sealing import Protector


class Direction:
    """Seals or opens what goes in one direction. A cipher with its own check needs no MAC.

    Padding: zeros, up to the block size, and the Pad Length byte. "the recipient MUST accept
    any length that results in proper alignment".
    """

    __slots__ = ("_block", "_cipher", "_counter", "_entropy", "_icv", "_integ", "_iv")

    def __init__(self, suite: Suite, encr: Secret, integ: Secret, entropy: Entropy) -> None:
        self._cipher: BoundCipher = suite.cipher.bind(encr)
        self._integ: BoundIntegrity | None = suite.integ.bind(integ) if suite.integ else None
        self._block = max(suite.cipher.block_size, 1)
        self._iv = suite.cipher.iv_length
        self._icv = suite.cipher.icv_length if self._integ is None else suite.integ.icv_length  # type: ignore[union-attr]
        self._entropy = entropy
        self._counter = 0

    def _padding(self, plaintext: int) -> int:
        return -(plaintext + 1) % self._block

    def sealed_length(self, plaintext: int) -> int:
        return self._iv + plaintext + self._padding(plaintext) + 1 + self._icv

    def _new_iv(self) -> bytes:
        """CBC: unpredictable (§3.14). Counter and combined modes: never the same twice (RFC 5282 §3.1)."""
        if self._block > 1:
            return self._entropy.bytes(self._iv)
        self._counter += 1
        return self._counter.to_bytes(self._iv)

    def seal(self, head: bytes, plaintext: bytes) -> bytes:
        padding = self._padding(len(plaintext))
        padded = plaintext + bytes(padding) + padding.to_bytes(1)
        iv = self._new_iv()
        if self._integ is None:
            return iv + self._cipher.encrypt(iv, padded, head)
        sealed = iv + self._cipher.encrypt(iv, padded)
        return sealed + self._integ.sign(head + sealed)

    def open(self, head: bytes, sealed: bytes) -> bytes:
        """Raises PeerError(0): a message that is not authentic is dropped without an answer."""
        if len(sealed) < self._iv + self._icv + 1:
            raise PeerError(0, f"encrypted payload of {len(sealed)} bytes is too short")
        iv, body = sealed[: self._iv], sealed[self._iv :]
        try:
            if self._integ is None:
                padded = self._cipher.decrypt(iv, body, head)
            else:
                body = body[: -self._icv]
                self._integ.verify(head + iv + body, sealed[-self._icv :])
                padded = self._cipher.decrypt(iv, body)
        except (IntegrityError, ValueError) as error:
            raise PeerError(0, "integrity check failed") from error
        padding = padded[-1] + 1
        if padding > len(padded):
            raise PeerError(0, f"encrypted payload has {padding} bytes of padding in {len(padded)}")
        return padded[: len(padded) - padding]


def protectors(keys: IkeKeys, initiator: bool, entropy: Entropy) -> tuple[Protector, Protector]:
    """(ours out, the peer's in) for the IKE_SA's original initiator or its responder."""
    to_r = Direction(keys.suite, keys.e_i, keys.a_i, entropy)
    to_i = Direction(keys.suite, keys.e_r, keys.a_r, entropy)
    return (to_r, to_i) if initiator else (to_i, to_r)
