"""RFC 2409 §5.7. Informational exchange: deletes, notifies and DPD, one message each way.

    --> HASH N(...)        --> HASH D

There is no answer to an informational message. A delete that gets lost would leave half an SA
behind, so cygnet says its delete again a few times unless the peer deletes its own half, which
cygnet always does when asked to (so do several others).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from cygnet.engine import life
from cygnet.engine.ikev1.exchange import Exchange
from cygnet.engine.ikev1.sa import IkeSaV1
from cygnet.engine.ikev1.task import Incoming, Next, Outgoing, Task
from cygnet.engine.sa import IkeState
from cygnet.values.errors import PeerError
from cygnet.wire.header import ExchangeType
from cygnet.wire.ikev1.delete import Delete
from cygnet.wire.ikev1.notification import Notification
from cygnet.wire.ikev1.numbers import PROTO_ISAKMP, Notify
from cygnet.wire.ikev1.payload import Payload

#: (seconds, times): how often a delete is said again while the peer does not answer with its own.
#: Of an IKE_SA: shortly, since it is shown as DELETING meanwhile, and a peer that missed it finds
#: out by DPD. Of a CHILD_SA: patiently, nothing else would ever tell the peer.
IKE_DELETE_SCHEDULE = (0.75, 2)
CHILD_DELETE_SCHEDULE = (0.75, 8)


class Unheard(NamedTuple):
    """A delete that still has to be said, at most ``tries`` times again; ``answers`` as in TellDeleted."""

    delete: Delete
    answers: frozenset[bytes]
    tries: int = CHILD_DELETE_SCHEDULE[1]


class Tell(Task):
    """A message of ours that nothing answers: a notify, a DPD request or its acknowledgement."""

    name: ClassVar[str] = "INFORMATIONAL"

    def __init__(self, sa: IkeSaV1, payloads: Sequence[Payload]) -> None:
        super().__init__(sa)
        self._payloads = payloads

    def build(self) -> Outgoing:
        return Outgoing(self._payloads, encrypted=True, covered=b"")

    def process(self, message: Incoming) -> Next:
        raise PeerError(0, "a second message of an informational exchange")


class TellDeleted(Tell):
    """A delete of ours. ``answers`` are the peer's SPIs whose delete says that it was heard."""

    name: ClassVar[str] = "DELETE"

    def __init__(self, sa: IkeSaV1, delete: Delete, answers: frozenset[bytes]) -> None:
        super().__init__(sa, [delete])
        self.delete = delete
        self.answers = answers

    @property
    def unheard(self) -> Unheard | None:
        """What another IKE_SA with the peer may say in our place: not the end of this one."""
        tries = CHILD_DELETE_SCHEDULE[1] - self.exchange.tries
        if self.delete.protocol == PROTO_ISAKMP or tries <= 0:
            return None
        return Unheard(self.delete, self.answers, tries)

    def failed(self, reason: str) -> None:
        """Not answered."""
        sa = self.sa
        if sa.state is IkeState.DELETING and sa.cookies in self.answers:
            life.destroy(sa)
        else:
            sa.peer_is_mute = True


def cookies_notify(sa_spis: bytes, notify: Notify, data: bytes = b"") -> Notification:
    """A notify about the IKE_SA itself: its SPI field holds both cookies."""
    return Notification(notify, PROTO_ISAKMP, sa_spis, data)


def tell(sa: IkeSaV1, payloads: Sequence[Payload]) -> None:
    sa.exchanges.begin(ExchangeType.INFORMATIONAL_V1, Tell(sa, payloads), expect=False)


def tell_deleted(
    sa: IkeSaV1,
    delete: Delete,
    answers: frozenset[bytes],
    repeat: bool = True,
    tries: int = CHILD_DELETE_SCHEDULE[1],
) -> Exchange:
    task = TellDeleted(sa, delete, answers)
    schedule = None
    if repeat:
        patient = delete.protocol != PROTO_ISAKMP and not sa.peer_is_mute
        schedule = (CHILD_DELETE_SCHEDULE[0], tries) if patient else IKE_DELETE_SCHEDULE
    return sa.exchanges.begin(ExchangeType.INFORMATIONAL_V1, task, schedule, expect=repeat)
