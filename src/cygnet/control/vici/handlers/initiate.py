"""``initiate``: bring up a child, streaming control-log events."""

from __future__ import annotations

from cygnet.boundary.events import Initiate
from cygnet.control.outcomes import Ask, Decision
from cygnet.control.vici.codec import Message
from cygnet.control.vici.handlers.arguments import BadRequest, level, string, timeout
from cygnet.control.view import View


def handle(request: Message, view: View) -> Decision:
    name = string(request, "child") or string(request, "ike")
    if not name:
        raise BadRequest("missing configuration name")
    return Ask(
        lambda ref: Initiate(ref, name),
        level(request),
        timeout(request),
        f"connection '{name}'",
        "established",
    )
