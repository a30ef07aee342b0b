"""``get-authorities``: the names of all loaded authorities."""

from __future__ import annotations

from cygnet.control.outcomes import Answer, Decision
from cygnet.control.vici.codec import Message
from cygnet.control.view import View


def handle(_request: Message, view: View) -> Decision:
    return Answer({"authorities": [one.told.name for one in view.held().authorities]})
