"""``stats``: uptime, load and counts. cygnet's engine is one thread; its queues are always empty
when this is asked, because every event is handled to its end.
"""

from __future__ import annotations

from cygnet.control.outcomes import Answer, Decision
from cygnet.control.render.times import since
from cygnet.control.vici.codec import Message
from cygnet.control.view import View
from cygnet.values.span import span

PRIORITIES = ("critical", "high", "medium", "low")


def handle(request: Message, view: View) -> Decision:
    facts, snapshot = view.facts(), view.snapshot()
    idle: Message = dict.fromkeys(PRIORITIES, "0")
    return Answer(
        {
            "uptime": {"running": span(facts.uptime), "since": since(facts.since)},
            "workers": {"total": "1", "idle": "0", "active": {**idle, "medium": "1"}},
            "queues": idle,
            "scheduled": str(facts.scheduled),
            "ikesas": {"total": str(len(snapshot.ike_sas)), "half-open": str(snapshot.half_open)},
            "plugins": [facts.data_plane],
            "mem": {"total": str(facts.memory), "allocs": "0"},
        }
    )
