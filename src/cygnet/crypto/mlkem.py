"""ML-KEM (FIPS 203) as a key exchange method (draft-ietf-ipsecme-ikev2-mlkem).

The initiator's public value is an encapsulation key, the responder's the ciphertext made for
it. ML-KEM-512 is not here: the library leaves it out on purpose.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.mlkem import (
    MLKEM768PrivateKey,
    MLKEM768PublicKey,
    MLKEM1024PrivateKey,
    MLKEM1024PublicKey,
)

from cygnet.crypto.rows import Random


@dataclass(frozen=True, slots=True)
class Kem:
    """One parameter set; ``length`` and ``answer_length`` are bytes of key and ciphertext."""

    private: type[MLKEM768PrivateKey] | type[MLKEM1024PrivateKey]
    public: type[MLKEM768PublicKey] | type[MLKEM1024PublicKey]
    length: int
    answer_length: int

    def start(self, random: Random) -> tuple[bytes, Callable[[bytes], bytes]]:
        private = self.private.from_seed_bytes(random(64))  # d | z, FIPS 203 §7.1

        def finish(ciphertext: bytes) -> bytes:
            if len(ciphertext) != self.answer_length:
                raise ValueError(f"ciphertext has {len(ciphertext)} bytes, not {self.answer_length}")
            return private.decapsulate(ciphertext)

        return private.public_key().public_bytes_raw(), finish

    def answer(self, peer: bytes, random: Random) -> tuple[bytes, bytes]:
        """The library draws the message m itself, so this one answer is not replayable."""
        if len(peer) != self.length:
            raise ValueError(f"public value has {len(peer)} bytes, not {self.length}")
        try:
            key = self.public.from_public_bytes(peer)  # checks the modulus, FIPS 203 §7.2
        except ValueError:
            raise ValueError("public value is not an ML-KEM encapsulation key") from None
        secret, ciphertext = key.encapsulate()
        return ciphertext, secret


ML_KEM_768 = Kem(MLKEM768PrivateKey, MLKEM768PublicKey, 1184, 1088)
ML_KEM_1024 = Kem(MLKEM1024PrivateKey, MLKEM1024PublicKey, 1568, 1568)
