"""``list-sas``: stream every IKE_SA with its CHILD_SAs as list-sa events."""

from __future__ import annotations

from collections.abc import Iterator

from cygnet.boundary.snapshot import IkeSnapshot, Snapshot
from cygnet.boundary.specs import SaId
from cygnet.control.outcomes import Answer, Count, Decision
from cygnet.control.render.vici import ike_sa
from cygnet.control.vici.codec import Message
from cygnet.control.vici.handlers.arguments import integer, string
from cygnet.control.view import Usages, View


def sa_ids(sas: tuple[IkeSnapshot, ...]) -> tuple[SaId, ...]:
    """Every installed SA of these, for the data plane's counters."""
    children = [child for sa in sas for child in sa.children]
    return tuple(id for c in children for id in (c.sa_in, c.sa_out) if id is not None)


def _events(
    sas: tuple[IkeSnapshot, ...], snapshot: Snapshot, usages: Usages
) -> Iterator[tuple[str, Message]]:
    for sa in sas:
        yield "list-sa", {sa.name: ike_sa(sa, snapshot.now, usages)}


def handle(request: Message, view: View) -> Decision:
    name, uid = string(request, "ike"), integer(request, "ike-id")
    child, child_uid = string(request, "child"), integer(request, "child-id")
    snapshot = view.snapshot()
    sas = tuple(
        sa
        for sa in snapshot.ike_sas
        if name in ("", sa.name)
        and uid in (0, sa.uid)
        and (not child or any(c.name == child for c in sa.children))
        and (not child_uid or any(c.uid == child_uid for c in sa.children))
    )
    return Count(sa_ids(sas), lambda usages: Answer(events=_events(sas, snapshot, usages)))
