"""Liveness check, RFC 7296 §2.4: an empty INFORMATIONAL request that any living peer answers.

It is sent only when nothing else is under way: every request is a liveness check as well.
"""

from __future__ import annotations

from cygnet.engine.ikev2.task import Draft, Step
from cygnet.engine.ikev2.tasks import mobike
from cygnet.engine.ikev2.tasks.task import SaTask
from cygnet.wire.header import ExchangeType
from cygnet.wire.ikev2.message import Message


class Liveness(SaTask):
    NAME = "IKE_DPD"

    def build(self) -> Draft | None:
        self.sa.log("IKE", "sending DPD request")
        return Draft(ExchangeType.INFORMATIONAL, [*mobike.mapping_notifies(self.sa)])

    def process(self, message: Message) -> Step:
        if mobike.note_mapping(self.sa, message):
            self.sa.log("IKE", "NAT mappings changed, the peer sees us at another address")
            mobike.move(self.sa, self.sa.local, self.sa.remote)
        return Step.DONE
