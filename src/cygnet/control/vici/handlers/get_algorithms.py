"""``get-algorithms``: what this daemon can do, and by which library."""

from __future__ import annotations

from cygnet.control.outcomes import Answer, Decision
from cygnet.control.vici.codec import Message
from cygnet.control.view import View


def handle(request: Message, view: View) -> Decision:
    return Answer({kind: dict(names) for kind, names in view.facts().algorithms})
