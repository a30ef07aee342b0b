"""Pools of virtual addresses, out of rightsourceip and rightdns."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from cygnet.config.keywords.addresses import CONFIG_WORDS
from cygnet.config.written import Written
from cygnet.model.config import Pool

#: Names behind ``%`` that mean a service of strongSwan and not a pool.
_EXTERNAL = ("dhcp", "radius")


@dataclass(slots=True)
class Pools:
    """The pools of all conns. As in strongSwan, conns that write the same network share one."""

    _pools: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)  #: addrs and dns by name

    def used(self, names: Collection[str]) -> tuple[Pool, ...]:
        """The pools of these names (those of conns that were left out are not among them)."""
        return tuple(
            Pool(name, addrs, (("dns", dns),) if dns else ())
            for name, (addrs, dns) in self._pools.items()
            if name in names
        )

    def of(self, written: Written) -> tuple[str, ...]:
        """The names of the pools that the conn's remote end is served from."""
        names = []
        side = written.remote_side
        if written.remote.dns and not written.remote.sourceip:
            written.warn("dns", f"without effect: no addresses are given out ({side}sourceip)", side)
        if written.local.dns:
            reason = "asking for DNS servers is not supported yet, ignored"
            written.warn("dns", reason, written.local_side)
        for source in written.remote.sourceip or ():
            if source in CONFIG_WORDS:
                reason = (
                    f"'{source}' on the remote side (any address the client asks for) is not supported yet"
                )
                written.refuse("sourceip", f"{reason}; name a network", side, source)
            elif source.startswith("%"):
                kind = "service" if source[1:] in _EXTERNAL else "external pool"
                written.refuse("sourceip", f"the {kind} '{source}' is not supported yet", side, source)
            else:
                self._add(source, written)
                names.append(source)
        return tuple(names)

    def _add(self, name: str, written: Written) -> None:
        dns = tuple(d for d in written.remote.dns or () if not d.startswith("%"))
        addrs, before = self._pools.get(name, (name, dns))
        if set(before) != set(dns):
            reason = f"pool {name} is shared with another conn that has other servers; clients are told all"
            written.warn("dns", reason, written.remote_side)
        self._pools[name] = (addrs, tuple(dict.fromkeys(before + dns)))
