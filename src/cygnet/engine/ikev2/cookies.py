"""RFC 7296 §2.6. Cookies: under load a peer must show that it receives at its address first.

    Cookie = <version of secret> | prf(secret, Ni | IPi | port | SPIi)

Nothing is kept per peer. The secret changes every ``LIFETIME`` seconds, and the one before it
is still honoured, so that a peer that is just answering gets through.
"""

from __future__ import annotations

import hmac

from cygnet.crypto.prf import prf
from cygnet.engine.services import Services
from cygnet.values.endpoint import Endpoint
from cygnet.values.iana import PrfId

LIFETIME = 120.0  #: seconds


class Cookies:
    def __init__(self, services: Services) -> None:
        self.services = services
        self._version = 0
        self._secrets: dict[int, bytes] = {}
        self._since = 0.0

    def make(self, nonce: bytes, source: Endpoint, spi_i: bytes) -> bytes:
        self._turn()
        return self._compute(self._version, nonce, source, spi_i)

    def is_valid(self, cookie: bytes, nonce: bytes, source: Endpoint, spi_i: bytes) -> bool:
        self._turn()
        version = int.from_bytes(cookie[:4])
        if len(cookie) < 4 or version not in self._secrets:
            return False
        return hmac.compare_digest(cookie, self._compute(version, nonce, source, spi_i))

    def _compute(self, version: int, nonce: bytes, source: Endpoint, spi_i: bytes) -> bytes:
        seed = nonce + source.address.packed + source.port.to_bytes(2) + spi_i
        return version.to_bytes(4) + prf(PrfId.HMAC_SHA2_256).compute(self._secrets[version], seed)

    def _turn(self) -> None:
        """A new secret when the one in use has had its time; the one before stays for as long again."""
        if self._secrets and self.services.now - self._since < LIFETIME:
            return
        kept = {self._version: self._secrets[self._version]} if self._secrets else {}
        if self.services.now - self._since >= 2 * LIFETIME:
            kept = {}
        self._version, self._since = self._version + 1, self.services.now
        self._secrets = {**kept, self._version: self.services.entropy.bytes(32)}
