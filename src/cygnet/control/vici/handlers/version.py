"""``version``: of the daemon and of the system it runs on."""

from __future__ import annotations

from cygnet.control.outcomes import Answer, Decision
from cygnet.control.vici.codec import Message
from cygnet.control.view import View


def handle(request: Message, view: View) -> Decision:
    facts = view.facts()
    return Answer(
        {
            "daemon": "cygnet",
            "version": facts.version,
            "sysname": facts.sysname,
            "release": facts.release,
            "machine": facts.machine,
        }
    )
