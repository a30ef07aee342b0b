"""Deleting an IKE_SA with all its CHILD_SAs, RFC 7296 §1.4.1."""

from __future__ import annotations

from cygnet.engine import life
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.task import Draft, Step
from cygnet.engine.ikev2.tasks.task import SaTask
from cygnet.values.errors import PeerError
from cygnet.values.iana import Protocol
from cygnet.wire.header import ExchangeType
from cygnet.wire.ikev2.delete import DeletePayload
from cygnet.wire.ikev2.message import Message


class DeleteIkeSa(SaTask):
    NAME = "IKE_DELETE"

    def build(self) -> Draft | None:
        log_deleting(self.sa)
        self.sa.log("IKE", f"sending DELETE for IKE_SA {self.sa}")
        return self.last_word()

    def last_word(self) -> Draft:
        return Draft(ExchangeType.INFORMATIONAL, [DeletePayload(Protocol.IKE)])

    def process(self, message: Message) -> Step:
        self.sa.log("IKE", "IKE_SA deleted")
        life.destroy(self.sa)
        return Step.DONE

    def refused(self, error: PeerError) -> None:
        life.destroy(self.sa)

    def unanswered(self) -> None:
        """Gone here in any case; the peer will notice by its own liveness check."""
        self.sa.log("IKE", "proper IKE_SA delete failed, peer not responding")
        life.destroy(self.sa)


def log_deleting(sa: IkeSaV2) -> None:
    ends = f"{sa.local.address}[{sa.local_id}]...{sa.remote.address}[{sa.remote_id}]"
    sa.log("IKE", f"deleting IKE_SA {sa} between {ends}", 0)
