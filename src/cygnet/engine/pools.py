"""Pools of internal addresses: who has which, and who gets the next one.

A peer gets the address it had before, if that is still free (its lease is then only offline);
else one that nobody ever had, else the one that has been offline longest. Several IKE_SAs of
one peer (a reauthentication) share its lease.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from cygnet.boundary.effects import VirtualIp
from cygnet.boundary.snapshot import PoolSnapshot
from cygnet.engine.sa import IkeSa
from cygnet.engine.services import Services
from cygnet.model.config import Pool
from cygnet.values.endpoint import Address
from cygnet.values.identity import Identity


def bounds(addrs: str) -> tuple[Address, Address]:
    """First and last address to give. Raises ValueError on what is neither network nor range.

    Of an IPv4 network the network and the broadcast address are left out, as strongSwan does.
    """
    low, dash, high = addrs.partition("-")
    if dash:
        first, last = ip_address(low.strip()), ip_address(high.strip())
        if first.version != last.version or int(first) > int(last):
            raise ValueError(f"{addrs} is not a range of addresses")
        return first, last
    net = ip_network(addrs, strict=False)
    host = ip_address(low.split("/")[0])
    first, last = net.network_address, net.broadcast_address
    if net.num_addresses > 2:
        first += 1
        last = last - 1 if net.version == 4 else last
    # "10.9.0.10/24" begins at .10
    return max(first, host, key=int), last


@dataclass(slots=True)
class Leases:
    """One pool."""

    pool: Pool
    first: Address
    last: Address
    of: dict[Identity, Address] = field(default_factory=dict)
    online: dict[Address, int] = field(default_factory=dict)  #: how many IKE_SAs use it
    offline: dict[Address, Identity] = field(default_factory=dict)  #: longest offline first
    _fresh: int = 0  #: addresses below ``first + _fresh`` have been given at least once

    @property
    def size(self) -> int:
        return int(self.last) - int(self.first) + 1

    def take(self, who: Identity) -> Address | None:
        """None: all are in use."""
        address = self.of.get(who) or self._next()
        if address is None:
            return None
        before = self.offline.pop(address, None)
        if before is not None and before != who:
            del self.of[before]
        self.of[who] = address
        self.online[address] = self.online.get(address, 0) + 1
        return address

    def _next(self) -> Address | None:
        if self._fresh < self.size:
            self._fresh += 1
            return self.first + (self._fresh - 1)
        return next(iter(self.offline), None)

    def give_back(self, who: Identity, address: Address) -> None:
        left = self.online.get(address, 0) - 1
        if left > 0:
            self.online[address] = left
        elif self.online.pop(address, None) is not None:
            self.offline[address] = who

    def snapshot(self) -> PoolSnapshot:
        return PoolSnapshot(self.pool.name, self.pool.addrs, self.size, len(self.online), len(self.offline))


class Pools:
    """Every pool of the configuration; leases outlive an update that leaves their pool as it was."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._leases: dict[str, Leases] = {}

    def find(self, name: str) -> Leases | None:
        pool = next((p for p in self.services.config.pools if p.name == name), None)
        if pool is None:
            return None
        known = self._leases.get(name)
        if known is None or known.pool.addrs != pool.addrs:
            try:
                known = self._leases[name] = Leases(pool, *bounds(pool.addrs))
            except ValueError as error:
                self.services.log("CFG", f"pool '{name}' cannot be used: {error}")
                return None
        known.pool = pool
        return known

    def release(self, who: Identity, address: Address) -> None:
        for leases in self._leases.values():
            if int(leases.first) <= int(address) <= int(leases.last):
                leases.give_back(who, address)

    def snapshots(self) -> tuple[PoolSnapshot, ...]:
        found = (self.find(p.name) for p in self.services.config.pools)
        return tuple(leases.snapshot() for leases in found if leases is not None)


class OwnVirtualIps:
    """Our own virtual addresses, shared by the IKE_SAs that have them: added once, removed once."""

    def __init__(self, services: Services) -> None:
        self._uses: dict[Address, int] = {}

    def add(self, address: Address) -> bool:
        """Whether it is new to the machine."""
        self._uses[address] = self._uses.get(address, 0) + 1
        return self._uses[address] == 1

    def remove(self, address: Address) -> bool:
        """Whether nobody has it any more."""
        left = self._uses.pop(address, 0) - 1
        if left > 0:
            self._uses[address] = left
        return left == 0


def release_virtual_ips(sa: IkeSa) -> None:
    """The IKE_SA goes: so do the addresses it had, unless another one has them too."""
    services = sa.services
    for address in sa.local_vips:
        if services.part(OwnVirtualIps).remove(address):
            services.emit(VirtualIp(address, add=False))
    for address in sa.remote_vips:
        services.part(Pools).release(sa.remote_id, address)
    sa.local_vips, sa.remote_vips = [], []
