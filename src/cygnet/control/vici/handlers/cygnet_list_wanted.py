"""``cygnet-list-wanted``: stream what is meant to be up as cygnet-wanted events, with why it is down."""

from __future__ import annotations

from cygnet.control.outcomes import Answer, Decision
from cygnet.control.render.vici import wanted
from cygnet.control.vici.codec import Message
from cygnet.control.vici.handlers.arguments import boolean, string
from cygnet.control.view import View


def handle(request: Message, view: View) -> Decision:
    ike, child, down = string(request, "ike"), string(request, "child"), boolean(request, "down")
    snapshot = view.snapshot()
    rows = [
        one
        for one in snapshot.wanted
        if ike in ("", one.connection) and child in ("", one.name)
        if not down or one.down_since is not None
    ]
    return Answer(events=(("cygnet-wanted", {one.name: wanted(one, snapshot.now)}) for one in rows))
