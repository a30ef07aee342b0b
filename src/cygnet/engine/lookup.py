"""Which connection an incoming negotiation belongs to: by addresses first, by identities later."""

from __future__ import annotations

from collections.abc import Iterable

from cygnet.engine.addresses import fits
from cygnet.engine.services import Services
from cygnet.model.config import Connection, IkeVersion
from cygnet.values.endpoint import Address
from cygnet.values.identity import ANY, Identity

MOST_KEPT = 64  #: answers; a gateway hears from few peers at a time

_ACCEPTS = {1: (IkeVersion.ANY, IkeVersion.V1), 2: (IkeVersion.ANY, IkeVersion.V2)}


def by_address(services: Services, local: Address, remote: Address, version: int) -> list[Connection]:
    """Every connection that fits both addresses, the closest fit first, then in file order.

    With thousands of conns for one peer that is much work for each of its messages: kept a while.
    """
    kept, asked = services.connections.between, (local, remote, version)
    found = kept.get(asked)
    if found is None:
        if len(kept) >= MOST_KEPT:
            kept.clear()
        found = kept[asked] = _by_address(services, local, remote, version)
    return found


def _by_address(services: Services, local: Address, remote: Address, version: int) -> list[Connection]:
    scored = []
    for connection in services.connections.perhaps_with(remote):
        if connection.version not in _ACCEPTS[version]:
            continue
        ours = _best(services, connection.local_addrs, local)
        theirs = 1 if connection.allow_any else 0
        theirs = max(theirs, _best(services, connection.remote_addrs, remote))
        if ours and theirs:
            scored.append((-(theirs * 10 + ours), connection))
    scored.sort(key=lambda pair: pair[0])
    return [connection for _, connection in scored]


def _best(services: Services, words: Iterable[str], address: Address) -> int:
    return max((fits(w, address, services.resolved.get(w, ())) for w in words), default=0)


def among(services: Services, candidates: list[Connection], remote_id: Identity) -> list[Connection]:
    """Those of the candidates whose peer may have that identity, in their order."""
    called = {c.name for c in services.connections.perhaps_called(remote_id)}
    return [c for c in candidates if c.name in called]


def by_identity(
    connections: Iterable[Connection], local_id: Identity | None, remote_id: Identity
) -> list[Connection]:
    """Those whose identities fit, best first, order kept among equals.

    ``local_id``: what the peer called us (IDr), None if it did not. A connection whose remote
    identity is %any takes everybody; one whose local identity is %any answers to its address.
    """
    scored = []
    for connection in connections:
        expected = connection.remote[0]
        theirs = remote_id.matches(expected.id) or int(expected.loose_id)
        wanted = connection.local[0].id if connection.local else ANY
        ours = 1 if local_id is None or local_id.is_any or wanted.is_any else wanted.matches(local_id)
        if theirs and ours:
            scored.append((-(theirs * 10 + ours), connection))
    scored.sort(key=lambda pair: pair[0])
    return [connection for _, connection in scored]


def own_identity(connection: Connection, address: Address) -> Identity:
    """leftid, or the local address where none is configured."""
    configured = connection.local[0].id if connection.local else ANY
    return Identity.of_address(address) if configured.is_any else configured


def expected_identity(connection: Connection, address: Address) -> Identity:
    """rightid, or the remote address where none is configured and the address is concrete."""
    configured = connection.remote[0].id if connection.remote else ANY
    return Identity.of_address(address) if configured.is_any else configured
