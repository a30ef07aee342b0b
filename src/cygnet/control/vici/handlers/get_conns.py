"""``get-conns``: the names of all loaded connections."""

from __future__ import annotations

from cygnet.control.outcomes import Answer, Decision
from cygnet.control.vici.codec import Message
from cygnet.control.view import View


def handle(_request: Message, view: View) -> Decision:
    return Answer({"conns": [c.name for c in view.snapshot().connections]})
