"""Finite-field Diffie-Hellman: the MODP groups of RFC 2409, 3526 and 5114.

Every name for it in ``cryptography`` is deprecated, so this is the one module that uses it.
Two ways to g^x, because OpenSSL knows only some primes by name:

- groups 5 and 14-18 are known to it: loading a public value costs microseconds and the
  exponentiation is in constant time (0.3 ms for 2048 bits);
- of the others (1, 2, 22-24) it would prove with every loaded value that the prime is safe
  (38 ms for 1024 bits, all other work waiting), so these use ``pow``.

A private exponent is drawn from the injected entropy, and g^x made as an exchange with g for
the peer's value: an exponentiation like the other, and replayable.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.utils import CryptographyDeprecationWarning

from cygnet.crypto.rows import Random

with warnings.catch_warnings():
    warnings.simplefilter("ignore", CryptographyDeprecationWarning)
    from cryptography.hazmat.primitives.asymmetric.dh import (
        DHParameterNumbers,
        DHPrivateNumbers,
        DHPublicNumbers,
    )

from cygnet.crypto import primes


@dataclass(frozen=True, slots=True)
class ModpGroup:
    """A prime, a generator, and how long private exponents are (bits, RFC 7919 §5.2 and NIST)."""

    prime: int
    generator: int
    exponent_bits: int
    named: bool  #: OpenSSL knows the prime
    length: int = field(init=False)  #: bytes of a public value and of the shared secret

    def __post_init__(self) -> None:
        object.__setattr__(self, "length", (self.prime.bit_length() + 7) // 8)

    def draw(self, random: Random) -> int:
        """A private exponent: the top bit set, so that its length is always the same."""
        count = (self.exponent_bits + 7) // 8
        drawn = int.from_bytes(random(count), "big") % (1 << self.exponent_bits)
        return drawn | 1 << self.exponent_bits - 1

    def check(self, public: bytes) -> int:
        """RFC 6989 §2.1: 1 < y < p-1, and the full length (RFC 7296 §3.4 pads with zeros).

        §2.2's test against small subgroups (groups 22-24) is for those who use a private
        exponent twice; cygnet draws a new one for every exchange.
        """
        if len(public) != self.length:
            raise ValueError(f"public value has {len(public)} bytes, not {self.length}")
        value = int.from_bytes(public, "big")
        if not 1 < value < self.prime - 1:
            raise ValueError("public value is not between 1 and p-1")
        return value

    def power(self, base: int, exponent: int) -> bytes:
        if not self.named:
            return pow(base, exponent, self.prime).to_bytes(self.length, "big")
        parameters = DHParameterNumbers(self.prime, self.generator)
        # The public value beside the private one is not looked at; g's place is taken by any.
        private = DHPrivateNumbers(exponent, DHPublicNumbers(self.generator, parameters)).private_key()
        return private.exchange(DHPublicNumbers(base, parameters).public_key())

    def start(self, random: Random) -> tuple[bytes, Callable[[bytes], bytes]]:
        exponent = self.draw(random)
        return self.power(self.generator, exponent), lambda peer: self.power(self.check(peer), exponent)

    def answer(self, peer: bytes, random: Random) -> tuple[bytes, bytes]:
        value = self.check(peer)
        exponent = self.draw(random)
        return self.power(self.generator, exponent), self.power(value, exponent)


def modp(prime: int, exponent_bits: int, *, named: bool = True, generator: int = 2) -> ModpGroup:
    return ModpGroup(prime, generator, exponent_bits, named)


GROUPS = {
    768: modp(primes.MODP_768, 160, named=False),
    1024: modp(primes.MODP_1024, 160, named=False),
    1536: modp(primes.MODP_1536, 200),
    2048: modp(primes.MODP_2048, 225),
    3072: modp(primes.MODP_3072, 275),
    4096: modp(primes.MODP_4096, 325),
    6144: modp(primes.MODP_6144, 375),
    8192: modp(primes.MODP_8192, 400),
}
#: RFC 5114 §2; exponents as long as the order of the subgroup
MODP_1024_160 = modp(primes.MODP_1024_160, 160, named=False, generator=primes.MODP_1024_160_GENERATOR)
MODP_2048_224 = modp(primes.MODP_2048_224, 224, named=False, generator=primes.MODP_2048_224_GENERATOR)
MODP_2048_256 = modp(primes.MODP_2048_256, 256, named=False, generator=primes.MODP_2048_256_GENERATOR)
