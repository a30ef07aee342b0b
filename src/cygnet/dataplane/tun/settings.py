"""What an operator may set of the userspace data plane."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TunSettings:
    """Defaults are charon's where it has the setting (routing_table, routing_table_prio)."""

    device: str = "cygnet0"  #: name of the TUN device, at most 15 characters
    mtu: int = 1400  #: of the device: fits ESP with any cipher in UDP over IPv4 on Ethernet
    routing_table: int = 220  #: the table that holds all of our routes
    routing_table_prio: int = 220  #: of the rule that leads there
    mark: int = 220  #: SO_MARK of outer packets, which that rule lets pass by; never 0
    set_routes: bool = True  #: charon.install_routes; False: the user routes to the device
    set_virtual_ips: bool = True  #: charon.install_virtual_ip
    drop_unprotected: bool = True  #: what arrives in the clear for a protected network
    hold_packets: int = 64  #: kept for one trap while its tunnel is negotiated
    hold_bytes: int = 256 * 1024  #: kept for all traps together
    hold_seconds: float = 60.0  #: a packet older than this is of no use to its sender any more
    socket_buffer: int = 4 << 20  #: bytes; the kernel's default of 208 KB loses packets in bursts

    def __post_init__(self) -> None:
        if not 0 < self.mark < 1 << 32:
            raise ValueError(
                f"mark {self.mark} is not in 1..2**32-1: without one ESP would be routed into itself"
            )
        if not 0 < len(self.device.encode()) < 16:
            raise ValueError(f"device name '{self.device}' is not 1 to 15 bytes long")
