"""Elliptic curve Diffie-Hellman: the ECP groups of RFC 5903, 5114 and 6954, X25519 and X448.

The ECP groups send x | y and share x alone (RFC 5903 §7); X25519 and X448 send and share
one coordinate (RFC 8031). The library refuses points that are not on the curve and, for
X25519 and X448, results that are all zero (RFC 8031 §3.2 lets us, RFC 7748 §6 asks for it).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x448 import X448PrivateKey, X448PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from cygnet.crypto.rows import Random


@dataclass(frozen=True, slots=True)
class EcpGroup:
    """A curve in short Weierstrass form; ``length`` bytes of a public value, two coordinates."""

    curve: ec.EllipticCurve
    length: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "length", 2 * ((self.curve.key_size + 7) // 8))

    def _draw(self, random: Random) -> ec.EllipticCurvePrivateKey:
        """A scalar in 1..n-1, from 64 bits more than n has, so that no residue is favoured."""
        order = self.curve.group_order
        scalar = int.from_bytes(random((order.bit_length() + 7) // 8 + 8), "big") % (order - 1) + 1
        return ec.derive_private_key(scalar, self.curve)

    def _point(self, peer: bytes) -> ec.EllipticCurvePublicKey:
        if len(peer) != self.length:
            raise ValueError(f"public value has {len(peer)} bytes, not {self.length}")
        try:
            return ec.EllipticCurvePublicKey.from_encoded_point(self.curve, b"\x04" + peer)
        except ValueError:
            raise ValueError("public value is not a point of the curve") from None

    def _public(self, private: ec.EllipticCurvePrivateKey) -> bytes:
        numbers, half = private.public_key().public_numbers(), self.length // 2
        return numbers.x.to_bytes(half, "big") + numbers.y.to_bytes(half, "big")

    def start(self, random: Random) -> tuple[bytes, Callable[[bytes], bytes]]:
        private = self._draw(random)
        return self._public(private), lambda peer: private.exchange(ec.ECDH(), self._point(peer))

    def answer(self, peer: bytes, random: Random) -> tuple[bytes, bytes]:
        point = self._point(peer)
        private = self._draw(random)
        return self._public(private), private.exchange(ec.ECDH(), point)


@dataclass(frozen=True, slots=True)
class MontgomeryGroup:
    """X25519 or X448 (RFC 7748)."""

    private: type[X25519PrivateKey] | type[X448PrivateKey]
    public: type[X25519PublicKey] | type[X448PublicKey]
    length: int

    def _exchange(self, private: X25519PrivateKey | X448PrivateKey, peer: bytes) -> bytes:
        if len(peer) != self.length:
            raise ValueError(f"public value has {len(peer)} bytes, not {self.length}")
        try:
            return private.exchange(self.public.from_public_bytes(peer))  # type: ignore[arg-type]
        except ValueError:
            raise ValueError("public value is of small order") from None

    def start(self, random: Random) -> tuple[bytes, Callable[[bytes], bytes]]:
        private = self.private.from_private_bytes(random(self.length))
        public = private.public_key().public_bytes_raw()
        return public, lambda peer: self._exchange(private, peer)

    def answer(self, peer: bytes, random: Random) -> tuple[bytes, bytes]:
        private = self.private.from_private_bytes(random(self.length))
        return private.public_key().public_bytes_raw(), self._exchange(private, peer)


X25519 = MontgomeryGroup(X25519PrivateKey, X25519PublicKey, 32)
X448 = MontgomeryGroup(X448PrivateKey, X448PublicKey, 56)
