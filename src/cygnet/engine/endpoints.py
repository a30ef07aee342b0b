"""Which two endpoints an initiated IKE_SA speaks between: configured, looked up, or asked of the system.

Remote: the first concrete address of ``remote_addrs``, else the first host name (effect
Resolve). Local: the first concrete address of ``local_addrs`` of the same family, else what the
system would use towards the remote (effect FindSource).
"""

from __future__ import annotations

from cygnet.boundary.effects import FindSource, Resolve
from cygnet.boundary.events import Event, Resolved, SourceAddress
from cygnet.engine.addresses import concrete, is_host_name
from cygnet.engine.life import begin_between, negotiation_failed
from cygnet.engine.sa import IkeSa
from cygnet.values.endpoint import IKE_PORT, NATT_PORT, Address, Endpoint


def find_endpoints(sa: IkeSa) -> None:
    """Find both ends and begin, or fail."""
    for word in sa.remote_words:
        address = concrete(word)
        if address is not None:
            return _find_local(sa, address)
    name = next((w for w in sa.remote_words if is_host_name(w)), None)
    if name is None:
        reason = f"unable to initiate to %any: the remote address of '{sa.name}' is not known"
        return _failed(sa, reason, retry=False)
    sa.waiting = f"the address of {name}"

    def answered(event: Event) -> None:
        assert isinstance(event, Resolved)
        if event.addresses:
            sa.services.resolve(name, event.addresses)
            _find_local(sa, event.addresses[0])
        else:
            _failed(sa, f"unable to resolve {name}: {event.error or 'no address found'}")

    ref = sa.services.ask(answered, sa.uid)
    sa.services.emit(Resolve(ref, name, _family(sa)))
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
            _failed(sa, f"no route to {remote}: no local address reaches it")
        else:
            _found(sa, event.address, remote)

    ref = sa.services.ask(answered, sa.uid)
    sa.services.emit(FindSource(ref, remote))
    return None


def _found(sa: IkeSa, local: Address, remote: Address) -> None:
    settings = sa.services.config.settings
    local_port = sa.connection.local_port
    remote_port = sa.connection.remote_port
    if local_port == IKE_PORT:
        # a peer on another port than 500 expects the non-ESP marker: speak from 4500 from the start
        local_port = settings.port if remote_port == IKE_PORT else settings.port_nat_t
    elif local_port == NATT_PORT:
        local_port = settings.port_nat_t
    begin_between(sa, Endpoint(local, local_port), Endpoint(remote, remote_port))


def _failed(sa: IkeSa, reason: str, retry: bool = True) -> None:
    sa.failure = reason
    sa.log("IKE", reason)
    negotiation_failed(sa, retry=retry)
