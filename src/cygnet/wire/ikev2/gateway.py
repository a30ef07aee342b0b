"""RFC 5685 §7.2, §7.3. How REDIRECT and REDIRECTED_FROM name a gateway.

GW Ident Type (1) | GW Ident Len (1) | identity | [Nonce Data, only in IKE_SA_INIT]
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from cygnet.values.endpoint import Address
from cygnet.wire.ikev2.numbers import GatewayType
from cygnet.wire.ikev2.payload import bad_syntax
from cygnet.wire.reader import Reader

_LENGTHS = {GatewayType.IPV4: 4, GatewayType.IPV6: 16}
_NAME_CHARACTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._")
MAX_NAME = 253  #: characters of a domain name (RFC 1035 §2.3.4, without the root)


@dataclass(frozen=True, slots=True)
class Gateway:
    """``identity``: 4 or 16 bytes of address, or a domain name of at most 253 ASCII characters."""

    kind: GatewayType
    identity: bytes

    def __post_init__(self) -> None:
        if self.kind == GatewayType.FQDN:
            fits = 1 <= len(self.identity) <= MAX_NAME and _NAME_CHARACTERS.issuperset(self.identity)
            # a name that reads as an address would be looked up as one and shown as one
            fits = fits and any(chr(c).isalpha() for c in self.identity)
        else:
            fits = len(self.identity) == _LENGTHS.get(self.kind, -1)
        if not fits:
            raise ValueError(f"a gateway of type {self.kind} with {len(self.identity)} bytes of identity")

    @classmethod
    def of_address(cls, address: Address) -> Gateway:
        return cls(GatewayType.IPV4 if address.version == 4 else GatewayType.IPV6, address.packed)

    @classmethod
    def parse(cls, text: str) -> Gateway:
        """An address or a host name. Raises ValueError."""
        try:
            return cls.of_address(ip_address(text))
        except ValueError:
            pass
        try:
            return cls(GatewayType.FQDN, text.encode("ascii"))
        except (ValueError, UnicodeEncodeError) as error:
            raise ValueError(f"'{text}' is neither an IP address nor a host name") from error

    @classmethod
    def decode(cls, data: bytes) -> tuple[Gateway, bytes]:
        """The gateway and the nonce behind it (empty where there is none)."""
        reader = Reader(data, "gateway identity")
        kind = GatewayType(reader.u8())
        identity = reader.take(reader.u8())
        try:
            return cls(kind, identity), reader.rest()
        except ValueError as error:
            raise bad_syntax(str(error)) from error

    def encode(self, nonce: bytes = b"") -> bytes:
        return bytes((self.kind, len(self.identity))) + self.identity + nonce

    def __str__(self) -> str:
        if self.kind == GatewayType.FQDN:
            return self.identity.decode("ascii")
        return str(ip_address(self.identity))
