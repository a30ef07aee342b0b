"""Which two endpoints an initiated IKE_SA speaks between: configured, looked up, or asked of the system.

Remote: the first concrete address of ``remote_addrs``, else the first host name (effect
Resolve). Local: the first concrete address of ``local_addrs`` of the same family, else what the
system would use towards the remote (effect FindSource).
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from cygnet.boundary.effects import FindSource, Resolve
from cygnet.boundary.events import Event, Resolved, SourceAddress
from cygnet.model.config import Connection
from cygnet.values.endpoint import IKE_PORT, NATT_PORT, Address, Endpoint

if TYPE_CHECKING:
    from cygnet.engine.sa import IkeSa

ANY_WORDS = frozenset({"%any", "%any4", "%any6", "0.0.0.0", "::", "0.0.0.0/0", "::/0"})


def concrete(word: str) -> Address | None:
    """The address a configured word stands for; None for %any, names, subnets and ranges."""
    if word in ANY_WORDS:
        return None
    try:
        return ip_address(word)
    except ValueError:
        return None


def is_host_name(word: str) -> bool:
    return (
        word not in ANY_WORDS
        and concrete(word) is None
        and "/" not in word
        and "%" not in word
        and (any(c.isalpha() for c in word) and ":" not in word)
    )


def can_initiate(connection: Connection) -> bool:
    """Whether the connection says where its peer is: a concrete address or a host name."""
    return any(concrete(w) is not None or is_host_name(w) for w in connection.remote_addrs)


def fits(word: str, address: Address, resolved: Sequence[Address] = ()) -> int:
    """How closely a configured word fits an address: 0 not, 1 any, 2 subnet or range, 3 exactly."""
    if word in ANY_WORDS:
        family = {"%any4": 4, "0.0.0.0": 4, "0.0.0.0/0": 4, "%any6": 6, "::": 6, "::/0": 6}.get(word)
        return 1 if family in (None, address.version) else 0
    single = concrete(word)
    if single is not None:
        return 3 if single == address else 0
    try:
        if "/" in word:
            return 2 if address in ip_network(word, strict=False) else 0
        low, dash, high = word.partition("-")
        if dash and not is_host_name(word):
            first, last = ip_address(low), ip_address(high)
            inside = first.version == address.version and int(first) <= int(address) <= int(last)
            return 2 if inside else 0
    except ValueError:
        return 0
    return 3 if address in resolved else 0


def find_endpoints(sa: IkeSa) -> None:
    """Find both ends, then call ``sa.endpoints_found`` or ``sa.endpoints_failed``."""
    for word in sa.remote_words:
        address = concrete(word)
        if address is not None:
            return _find_local(sa, address)
    name = next((w for w in sa.remote_words if is_host_name(w)), None)
    if name is None:
        return sa.endpoints_failed(
            f"unable to initiate to %any: the remote address of '{sa.name}' is not known"
        )
    sa.waiting = f"the address of {name}"

    def answered(event: Event) -> None:
        assert isinstance(event, Resolved)
        if event.addresses:
            sa.ctx.resolved[name] = event.addresses
            _find_local(sa, event.addresses[0])
        else:
            sa.endpoints_failed(f"unable to resolve {name}: {event.error or 'no address found'}")

    ref = sa.ctx.ask(answered, sa.uid)
    sa.ctx.emit(Resolve(ref, name, _family(sa)))
    return None


def _family(sa: IkeSa) -> int:
    """4 or 6 where the local end is fixed to one family, else 0."""
    families = {a.version for w in sa.connection.local_addrs if (a := concrete(w)) is not None}
    return families.pop() if len(families) == 1 else 0


def _find_local(sa: IkeSa, remote: Address) -> None:
    for word in sa.connection.local_addrs:
        address = concrete(word)
        if address is not None and address.version == remote.version:
            return _found(sa, address, remote)
    sa.waiting = f"a local address towards {remote}"

    def answered(event: Event) -> None:
        assert isinstance(event, SourceAddress)
        if event.address is None:
            sa.endpoints_failed(f"no route to {remote}: no local address reaches it")
        else:
            _found(sa, event.address, remote)

    ref = sa.ctx.ask(answered, sa.uid)
    sa.ctx.emit(FindSource(ref, remote))
    return None


def _found(sa: IkeSa, local: Address, remote: Address) -> None:
    settings = sa.ctx.config.settings
    local_port = sa.connection.local_port
    remote_port = sa.connection.remote_port
    if local_port == IKE_PORT:
        # a peer on another port than 500 expects the non-ESP marker: speak from 4500 from the start
        local_port = settings.port if remote_port == IKE_PORT else settings.port_nat_t
    elif local_port == NATT_PORT:
        local_port = settings.port_nat_t
    sa.endpoints_found(Endpoint(local, local_port), Endpoint(remote, remote_port))
