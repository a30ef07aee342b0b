"""``install``: the trap or shunt of a child (`cygnet route`)."""

from __future__ import annotations

from cygnet.boundary.events import Route
from cygnet.control.outcomes import Ask, Decision
from cygnet.control.vici.codec import Message
from cygnet.control.vici.handlers.arguments import BadRequest, level, string, timeout
from cygnet.control.view import View


def handle(request: Message, view: View) -> Decision:
    name = string(request, "child")
    if not name:
        raise BadRequest("missing child name")
    return Ask(lambda ref: Route(ref, name), level(request), timeout(request), f"'{name}'", "routed")
