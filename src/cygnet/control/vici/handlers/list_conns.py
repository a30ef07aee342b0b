"""``list-conns``: stream every loaded connection as list-conn events."""

from __future__ import annotations

from cygnet.control.outcomes import Answer, Decision
from cygnet.control.render.vici import connection
from cygnet.control.vici.codec import Message
from cygnet.control.vici.handlers.arguments import string
from cygnet.control.view import View


def handle(request: Message, view: View) -> Decision:
    name = string(request, "ike")
    conns = [c for c in view.snapshot().connections if name in ("", c.name)]
    return Answer(events=(("list-conn", {c.name: connection(c)}) for c in conns))
