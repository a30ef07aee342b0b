"""The head of `cygnet statusall`: the daemon, its pools, addresses and connections."""

from __future__ import annotations

from collections.abc import Iterator

from cygnet.boundary.snapshot import Snapshot
from cygnet.control.render.status import connection, status
from cygnet.control.render.times import since
from cygnet.control.view import Facts, Usages
from cygnet.values.span import span


def statusall(snapshot: Snapshot, facts: Facts, name: str, usages: Usages) -> Iterator[str]:
    yield (
        f"Status of IKE daemon (cygnet {facts.version}, {facts.sysname} {facts.release}, {facts.machine}):"
    )
    yield f"  uptime: {span(facts.uptime)}, since {since(facts.since)}"
    yield f"  process: pid {facts.pid}, {facts.memory // 1024} KiB resident, scheduled: {facts.scheduled}"
    yield f"  data plane: {facts.data_plane}, ports: {facts.ports[0]}/{facts.ports[1]}"
    pools = [p for p in snapshot.pools if name in ("", p.name)]
    if pools:
        yield "Virtual IP pools (size/online/offline):"
    for pool in pools:
        yield f"  {pool.base or pool.name}: {pool.size}/{pool.online}/{pool.offline}"
    yield "Listening IP addresses:"
    for address in facts.addresses:
        yield f"  {address}"
    yield "Connections:"
    for conn in snapshot.connections:
        if name in ("", conn.name):
            yield from connection(conn)
    yield from status(snapshot, name, usages)
