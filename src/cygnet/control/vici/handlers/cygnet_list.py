"""``cygnet-list`` (ours): `listcerts` and its sisters as text or JSON, ready to print.

Streams cygnet-text events, as ``cygnet-status`` does.
"""

from __future__ import annotations

from cygnet.control.outcomes import Answer, Decision
from cygnet.control.render import credentials
from cygnet.control.vici.codec import Message
from cygnet.control.vici.handlers.arguments import BadRequest, boolean, string
from cygnet.control.vici.handlers.cygnet_status import events
from cygnet.control.view import View

ALL = "listall"
KINDS = (*credentials.LISTS, ALL)


def handle(request: Message, view: View) -> Decision:
    kind, in_json, utc = string(request, "what", ALL), boolean(request, "json"), boolean(request, "utc")
    if kind not in KINDS:
        raise BadRequest(f"'what' must be one of {', '.join(KINDS)}, not '{kind[:32]}'")
    held = view.held()
    if kind != ALL:
        lines = credentials.json_list(kind, held) if in_json else credentials.one_list(kind, held, utc)
    elif in_json:
        lines = credentials.every_json(held, view.facts())
    else:
        lines = credentials.every_list(held, view.facts(), utc)
    return Answer(events=events(lines))
