"""``get-pools``: address pools with their use."""

from __future__ import annotations

from cygnet.control.outcomes import Answer, Decision
from cygnet.control.vici.codec import Message
from cygnet.control.vici.handlers.arguments import string
from cygnet.control.view import View


def handle(request: Message, view: View) -> Decision:
    name = string(request, "name")
    return Answer(
        {
            pool.name: {
                "base": pool.base,
                "size": str(pool.size),
                "online": str(pool.online),
                "offline": str(pool.offline),
            }
            for pool in view.snapshot().pools
            if name in ("", pool.name)
        }
    )
