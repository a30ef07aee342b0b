"""``cygnet-status`` (ours): the text or JSON of status, statusall and listalgs, ready to print.

Streams cygnet-text events whose ``text`` is to be printed as it comes. It is made here and not
in the CLI so that it is made from typed values, and that the CLI starts quickly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cygnet.boundary.snapshot import Snapshot
from cygnet.control.outcomes import Answer, Count, Decision
from cygnet.control.render import json as as_json
from cygnet.control.render.listalgs import listalgs
from cygnet.control.render.status import status
from cygnet.control.render.statusall import statusall
from cygnet.control.vici.codec import Message
from cygnet.control.vici.handlers.arguments import BadRequest, boolean, string
from cygnet.control.vici.handlers.list_sas import sa_ids
from cygnet.control.view import Usages, View

CHUNK = 16000  #: characters an event: at most 64,000 bytes of UTF-8, below the limit of a value

KINDS = ("status", "statusall", "listalgs")


def events(lines: Iterable[str]) -> Iterator[tuple[str, Message]]:
    """Lines as cygnet-text events. A line of any length is cut where an event is full."""
    held = ""
    for line in lines:
        held += line + "\n"
        while len(held) > CHUNK:
            yield "cygnet-text", {"text": held[:CHUNK]}
            held = held[CHUNK:]
    if held:
        yield "cygnet-text", {"text": held}


def known(snapshot: Snapshot, name: str) -> bool:
    """Whether there is anything of that name: a connection or its child, an SA, a trap, a shunt."""
    return (
        any(name in (row.name, *(c.name for c in row.children)) for row in snapshot.connections)
        or any(name in (sa.name, *(c.name for c in sa.children)) for sa in snapshot.ike_sas)
        or any(name == row.name for row in snapshot.routed)
    )


def handle(request: Message, view: View) -> Decision:
    kind, name = string(request, "what", "status"), string(request, "name")
    in_json = boolean(request, "json")
    if kind not in KINDS:
        raise BadRequest(f"'what' must be one of {', '.join(KINDS)}, not '{kind[:32]}'")
    facts = view.facts()
    if kind == "listalgs":
        return Answer(events=events(as_json.lines(as_json.listalgs(facts)) if in_json else listalgs(facts)))
    snapshot = view.snapshot()
    verdict: Message = {} if not name or known(snapshot, name) else {"outcome": "3"}
    if kind == "status" and not in_json:
        return Answer(verdict, events(status(snapshot, name)))

    def with_counters(usages: Usages) -> Answer:
        if kind == "status":
            return Answer(verdict, events(as_json.lines(as_json.status(snapshot, name, usages))))
        if in_json:
            shown = as_json.lines(as_json.statusall(snapshot, facts, name, usages))
            return Answer(verdict, events(shown))
        return Answer(verdict, events(statusall(snapshot, facts, name, usages)))

    return Count(sa_ids(snapshot.ike_sas), with_counters)
