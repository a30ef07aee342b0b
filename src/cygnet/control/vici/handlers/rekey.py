"""``rekey``: rekey (or reauthenticate) SAs now."""

from __future__ import annotations

from cygnet.boundary.events import Rekey
from cygnet.control.outcomes import Ask, Decision
from cygnet.control.vici.codec import Message
from cygnet.control.vici.handlers.arguments import boolean, level, timeout
from cygnet.control.vici.handlers.terminate import target
from cygnet.control.view import View


def handle(request: Message, view: View) -> Decision:
    which, reauth = target(request, "rekey"), boolean(request, "reauth")
    return Ask(
        lambda ref: Rekey(ref, which, reauth), level(request), timeout(request), f"'{which}'", "rekeyed"
    )
