"""``terminate``: close IKE_SAs or CHILD_SAs, streaming control-log events."""

from __future__ import annotations

from cygnet.boundary.events import Terminate
from cygnet.control.outcomes import Ask, Decision
from cygnet.control.vici.codec import Message
from cygnet.control.vici.handlers.arguments import BadRequest, level, string, timeout
from cygnet.control.view import View

#: vici's argument -> the target as `cygnet down` spells it
TARGETS = {
    "target": "{}",  # ours: spelt as for `cygnet down`
    "child-id": "{{{}}}",
    "ike-id": "[{}]",
    "child": "{}{{*}}",
    "ike": "{}[*]",
}


def target(request: Message, what: str) -> str:
    """The first of the arguments that is there. Raises BadRequest when there is none."""
    for key, pattern in TARGETS.items():
        value = string(request, key)
        if value:
            if key.endswith("-id") and not value.isdecimal():
                raise BadRequest(f"'{key}' must be a number, not '{value[:32]}'")
            return pattern.format(value)
    raise BadRequest(f"missing {what} selector")


def handle(request: Message, view: View) -> Decision:
    which = target(request, "terminate")
    return Ask(lambda ref: Terminate(ref, which), level(request), timeout(request), f"'{which}'", "closed")
