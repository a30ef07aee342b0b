"""An IP address with a UDP port: one end of an IKE or ESP conversation."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address

IKE_PORT = 500  #: RFC 7296 §2
NATT_PORT = 4500  #: RFC 3948, RFC 7296 §2.23


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``address`` as an ipaddress value, ``port`` 0..65535 (0: any, or none for raw ESP)."""

    address: Address
    port: int = IKE_PORT

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 0xFFFF:
            raise ValueError(f"port {self.port} is not in 0..65535")

    @classmethod
    def of(cls, address: str, port: int = IKE_PORT) -> Endpoint:
        """``Endpoint.of("192.0.2.1", 500)``. Raises ValueError on a bad address."""
        return cls(ip_address(address), port)

    def with_port(self, port: int) -> Endpoint:
        return Endpoint(self.address, port)

    def __str__(self) -> str:
        """As strongSwan prints it in its log: ``192.0.2.1[500]``."""
        return f"{self.address}[{self.port}]"
