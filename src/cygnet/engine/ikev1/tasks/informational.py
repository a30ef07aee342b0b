"""RFC 2409 §5.7. Informational exchange: deletes, notifies and DPD, one message each way.

    --> HASH N(...)        --> HASH D

There is no answer to an informational message. A delete that gets lost would leave half an SA
behind, so cygnet says its delete again a few times unless the peer deletes its own half, which
cygnet always does when asked to (so do several others).
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple

from cygnet.engine import life
from cygnet.engine.ikev1.exchange import Exchange
from cygnet.engine.ikev1.sa import IkeSaV1
from cygnet.engine.ikev1.task import Incoming, Next, Outgoing, Task
from cygnet.engine.registry import IdentityPair
from cygnet.engine.sa import IkeState
from cygnet.engine.services import Services
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
MOST_UNSAID, MOST_PEERS = 64, 1000  #: deletes kept for one peer, and peers that some are kept for
MOST_IKE_SAS = 3  #: over which a delete is said, one after the other
CHILD_DELETE_SCHEDULE = (0.75, 8)


class Unheard(NamedTuple):
    """A delete that still has to be said, at most ``tries`` times again; ``answers`` as in TellDeleted."""

    delete: Delete
    answers: frozenset[bytes]
    tries: int = CHILD_DELETE_SCHEDULE[1]
    ike_sas: int = 0  #: over how many it was said in vain


class Unsaid:
    """Deletes of CHILD_SAs that were not heard while there was an IKE_SA to say them over: said again
    over the next one with the same peer, or it would keep its half for as long as that lives."""

    def __init__(self, services: Services) -> None:
        self._of: OrderedDict[IdentityPair, deque[Unheard]] = OrderedDict()

    def keep(self, sa: IkeSaV1, told: Unheard) -> None:
        if sa.remote_id.is_any or told.ike_sas >= MOST_IKE_SAS:
            return  # it has never said who it is, or does not answer what it does not know
        told = told._replace(tries=CHILD_DELETE_SCHEDULE[1], ike_sas=told.ike_sas + 1)
        self._of.setdefault(sa.between, deque(maxlen=MOST_UNSAID)).append(told)
        while len(self._of) > MOST_PEERS:
            self._of.popitem(last=False)

    def take(self, sa: IkeSaV1) -> Iterable[Unheard]:
        return self._of.pop(sa.between, ())


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
    """A delete of ours."""

    name: ClassVar[str] = "DELETE"

    def __init__(self, sa: IkeSaV1, told: Unheard) -> None:
        super().__init__(sa, [told.delete])
        self.told = told

    @property
    def unheard(self) -> Unheard | None:
        """What another IKE_SA with the peer may say in our place: not the end of this one."""
        tries = CHILD_DELETE_SCHEDULE[1] - self.exchange.tries
        if self.told.delete.protocol == PROTO_ISAKMP or tries <= 0:
            return None
        return self.told._replace(tries=tries)

    def failed(self, reason: str) -> None:
        """Not answered."""
        sa, told = self.sa, self.told
        if sa.state is IkeState.DELETING and sa.cookies in told.answers:
            life.destroy(sa)
            return
        if told.delete.protocol != PROTO_ISAKMP:
            sa.services.part(Unsaid).keep(sa, told)
        sa.peer_is_mute = True


def cookies_notify(sa_spis: bytes, notify: Notify, data: bytes = b"") -> Notification:
    """A notify about the IKE_SA itself: its SPI field holds both cookies."""
    return Notification(notify, PROTO_ISAKMP, sa_spis, data)


def tell(sa: IkeSaV1, payloads: Sequence[Payload]) -> None:
    sa.exchanges.begin(ExchangeType.INFORMATIONAL_V1, Tell(sa, payloads), expect=False)


def say_again(sa: IkeSaV1, told: Unheard) -> None:
    """A delete that is repeated until it is answered: patiently where that of a CHILD_SA may be."""
    patient = told.delete.protocol != PROTO_ISAKMP and not sa.peer_is_mute
    schedule = (CHILD_DELETE_SCHEDULE[0], told.tries) if patient else IKE_DELETE_SCHEDULE
    sa.exchanges.begin(ExchangeType.INFORMATIONAL_V1, TellDeleted(sa, told), schedule)


def say_once(sa: IkeSaV1, delete: Delete) -> Exchange:
    """An answer to the peer's delete, or one that goes with the end of the IKE_SA."""
    task = TellDeleted(sa, Unheard(delete, frozenset()))
    return sa.exchanges.begin(ExchangeType.INFORMATIONAL_V1, task, expect=False)
