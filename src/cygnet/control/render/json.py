"""`--json`: snapshots as plain dicts, numbers as numbers, absent things as null.

The shape is cygnet's own and additive: keys are added, never renamed. What may be ten thousand
entries long is an iterator, so that ``lines`` makes it bit by bit and tunnels are not held up.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from cygnet.boundary.snapshot import ChildSnapshot, IkeSnapshot, RoutedSnapshot, Snapshot, WantedSnapshot
from cygnet.boundary.specs import SaId
from cygnet.control.render.status import child_proposal, connecting
from cygnet.control.view import Facts, Usages
from cygnet.crypto.names import proposal_text
from cygnet.model.config import Connection


def lines(value: dict[str, object]) -> Iterator[str]:
    """The JSON of a dict: one line for each key, and for each item of what is an iterator."""
    yield "{"
    for number, (key, item) in enumerate(value.items(), 1):
        comma = "," if number < len(value) else ""
        if isinstance(item, Iterator):
            yield f"  {json.dumps(key)}: ["
            yield from _items(item)
            yield f"  ]{comma}"
        else:
            yield f"  {json.dumps(key)}: {json.dumps(item)}{comma}"
    yield "}"


def _items(items: Iterator[object]) -> Iterator[str]:
    held = next(items, None)
    while held is not None:
        following = next(items, None)
        yield f"    {json.dumps(held)}{',' if following is not None else ''}"
        held = following


def status(snapshot: Snapshot, name: str, usages: Usages) -> dict[str, object]:
    def wanted(other: str) -> bool:
        return name in ("", other)

    sas = [
        sa for sa in snapshot.ike_sas if wanted(sa.name) or any(wanted(child.name) for child in sa.children)
    ]
    return {
        "up": len(sas) - connecting(sas),
        "connecting": connecting(sas),
        "security_associations": (_ike_sa(sa, snapshot.now, usages) for sa in sas),
        "routed": [_routed(r) for r in snapshot.routed if not r.shunt and wanted(r.name)],
        "shunted": [_routed(r) for r in snapshot.routed if r.shunt and wanted(r.name)],
        "wanted": [_wanted(w, snapshot.now) for w in snapshot.wanted if wanted(w.name)],
        "expiring": [
            {"name": e.name, "what": e.what, "file": e.source, "not_after": e.not_after, "text": e.text}
            for e in snapshot.expiring
        ],
    }


def statusall(snapshot: Snapshot, facts: Facts, name: str, usages: Usages) -> dict[str, object]:
    return {
        "daemon": {
            "version": facts.version,
            "system": f"{facts.sysname} {facts.release}",
            "machine": facts.machine,
            "pid": facts.pid,
            "since": facts.since,
            "uptime": facts.uptime,
            "resident_bytes": facts.memory,
            "data_plane": facts.data_plane,
            "ports": list(facts.ports),
            "addresses": list(facts.addresses),
        },
        "pools": [
            {"name": p.name, "base": p.base, "size": p.size, "online": p.online, "offline": p.offline}
            for p in snapshot.pools
            if name in ("", p.name)
        ],
        "connections": (_connection(c) for c in snapshot.connections if name in ("", c.name)),
        **status(snapshot, name, usages),
    }


def listalgs(facts: Facts) -> dict[str, object]:
    return {kind: dict(names) for kind, names in facts.algorithms}


def _until(moment: float | None, now: float) -> float | None:
    return None if moment is None else round(moment - now, 3)


def _ike_sa(sa: IkeSnapshot, now: float, usages: Usages) -> dict[str, object]:
    age = _until(sa.established_at, now)
    return {
        "name": sa.name,
        "uid": sa.uid,
        "version": sa.version,
        "state": sa.state,
        "initiator": sa.initiator,
        "spi_initiator": sa.spi_i.hex(),
        "spi_responder": sa.spi_r.hex(),
        "local": {"address": str(sa.local.address), "port": sa.local.port, "id": str(sa.local_id)},
        "remote": {"address": str(sa.remote.address), "port": sa.remote.port, "id": str(sa.remote_id)},
        "behind_nat": {"local": sa.local_behind_nat, "remote": sa.remote_behind_nat},
        "proposal": proposal_text(sa.proposal) if sa.proposal else None,
        "established_seconds": None if age is None else -age,
        "rekey_in": _until(sa.rekey_at, now),
        "reauth_in": _until(sa.reauth_at, now),
        "expires_in": _until(sa.expires_at, now),
        "local_vips": [str(a) for a in sa.local_vips],
        "remote_vips": [str(a) for a in sa.remote_vips],
        "tasks_queued": list(sa.tasks_queued),
        "tasks_active": list(sa.tasks_active),
        "waiting": sa.waiting or None,
        "without_configuration": sa.orphan,
        "children": [_child(c, now, usages) for c in sa.children],
    }


def _child(child: ChildSnapshot, now: float, usages: Usages) -> dict[str, object]:
    age = _until(child.installed_at, now)
    return {
        "name": child.name,
        "uid": child.uid,
        "state": child.state,
        "mode": child.mode,
        "reqid": child.reqid,
        "protocol": child.protocol,
        "encap": child.encap,
        "spi_in": f"{child.spi_in:08x}" if child.spi_in else None,
        "spi_out": f"{child.spi_out:08x}" if child.spi_out else None,
        "proposal": child_proposal(child.proposal) if child.proposal else None,
        "local_ts": [str(t) for t in child.local_ts],
        "remote_ts": [str(t) for t in child.remote_ts],
        "in": _usage(child.sa_in, usages),
        "out": _usage(child.sa_out, usages),
        "installed_seconds": None if age is None else -age,
        "rekey_in": _until(child.rekey_at, now),
        "expires_in": _until(child.expires_at, now),
    }


def _usage(id: SaId | None, usages: Usages) -> dict[str, object] | None:
    usage = usages.get(id) if id else None
    if usage is None:
        return None
    return {
        "bytes": usage.bytes,
        "packets": usage.packets,
        "idle": usage.idle,
        "replayed": usage.replayed,
        "failed": usage.failed,
        "outside": usage.outside,
    }


def _wanted(wanted: WantedSnapshot, now: float) -> dict[str, object]:
    """Ages and times to come in seconds."""
    return {
        "name": wanted.name,
        "connection": wanted.connection,
        "why": wanted.why,
        "wanted_for": now - wanted.since,
        "up": wanted.down_since is None,
        "down_for": None if wanted.down_since is None else now - wanted.down_since,
        "trying": wanted.trying,
        "failed_tries": wanted.tries,
        "failure": wanted.failure or None,
        "next_try_in": None if wanted.next_try is None else max(0.0, wanted.next_try - now),
        "given_up": wanted.given_up or None,
    }


def _routed(routed: RoutedSnapshot) -> dict[str, object]:
    return {
        "name": routed.name,
        "uid": routed.uid,
        "mode": routed.mode,
        "reqid": routed.reqid,
        "local_ts": [str(t) for t in routed.local_ts],
        "remote_ts": [str(t) for t in routed.remote_ts],
    }


def _connection(conn: Connection) -> dict[str, object]:
    return {
        "name": conn.name,
        "version": conn.version.value,
        "local_addrs": list(conn.local_addrs),
        "remote_addrs": list(conn.remote_addrs),
        "local": [{"method": r.method.value, "id": str(r.id)} for r in conn.local],
        "remote": [{"method": r.method.value, "id": str(r.id)} for r in conn.remote],
        "dpd_delay": conn.dpd_delay,
        "children": [
            {
                "name": c.name,
                "mode": c.mode.value,
                "local_ts": [str(t) for t in c.local_ts],
                "remote_ts": [str(t) for t in c.remote_ts],
                "start_action": c.start_action.value,
                "dpd_action": c.dpd_action.value,
                "close_action": c.close_action.value,
            }
            for c in conn.children
        ],
    }
