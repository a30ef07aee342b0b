"""What the tasks of one IKE_SA have in common, and the answer to a fault of the peer's."""

from __future__ import annotations

from cygnet.engine.ikev2 import ends
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.task import Reply, Task
from cygnet.values.errors import PeerError
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType


class SaTask(Task):
    """An operation that we initiate. ``sa`` changes when the IKE_SA is rekeyed before it has begun."""

    def __init__(self, sa: IkeSaV2) -> None:
        self.sa = sa

    def refused(self, error: PeerError) -> None:
        """By default the IKE_SA cannot go on."""
        ends.broken(self.sa, error)

    def unanswered(self) -> None:
        ends.peer_is_silent(self.sa)


def error_reply(error: PeerError) -> Reply:
    """RFC 7296 §2.21: the one notification that tells the peer what was wrong."""
    return Reply([NotifyPayload(NotifyType(error.notify), error.data)])
