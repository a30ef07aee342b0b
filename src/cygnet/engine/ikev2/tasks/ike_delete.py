"""Deleting an IKE_SA with all its CHILD_SAs, RFC 7296 §1.4.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cygnet.engine.ikev2.tasks.task import Draft, Step, Task
from cygnet.values.errors import PeerError
from cygnet.values.iana import Protocol
from cygnet.wire.header import ExchangeType
from cygnet.wire.ikev2.delete import DeletePayload
from cygnet.wire.ikev2.message import Message

if TYPE_CHECKING:
    from cygnet.engine.ikev2.sa import IkeSaV2


class DeleteIke(Task):
    NAME = "IKE_DELETE"

    def build(self) -> Draft | None:
        log_deleting(self.sa)
        self.sa.log("IKE", f"sending DELETE for IKE_SA {self.sa}")
        return self.draft()

    def draft(self) -> Draft:
        return Draft(ExchangeType.INFORMATIONAL, [DeletePayload(Protocol.IKE)])

    def process(self, message: Message) -> Step:
        self.sa.log("IKE", "IKE_SA deleted")
        self.sa.destroy()
        return Step.DONE

    def refused(self, error: PeerError) -> None:
        self.sa.destroy()

    def unanswered(self) -> None:
        """Gone here in any case; the peer will notice by its own liveness check."""
        self.sa.log("IKE", "proper IKE_SA delete failed, peer not responding")
        self.sa.destroy()


def log_deleting(sa: IkeSaV2) -> None:
    ends = f"{sa.local.address}[{sa.local_id}]...{sa.remote.address}[{sa.remote_id}]"
    sa.log("IKE", f"deleting IKE_SA {sa} between {ends}", 0)
