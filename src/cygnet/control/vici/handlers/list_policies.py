"""``list-policies``: stream traps and shunts as list-policy events."""

from __future__ import annotations

from cygnet.control.outcomes import Answer, Decision
from cygnet.control.render.vici import policy
from cygnet.control.vici.codec import Message
from cygnet.control.vici.handlers.arguments import boolean, string
from cygnet.control.view import View


def handle(request: Message, view: View) -> Decision:
    child = string(request, "child")
    modes = {
        "PASS": boolean(request, "pass"),
        "DROP": boolean(request, "drop"),
        "REJECT": boolean(request, "drop"),
    }
    trap = boolean(request, "trap")
    rows = [
        routed
        for routed in view.snapshot().routed
        if child in ("", routed.name) and (modes.get(routed.mode, False) if routed.shunt else trap)
    ]
    return Answer(events=(("list-policy", {r.name: policy(r)}) for r in rows))
