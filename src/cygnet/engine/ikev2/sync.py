"""RFC 6311. A cluster's member that takes an IKE_SA over agrees with its peer on message IDs.

    --> INFORMATIONAL request 0  {N(IKEV2_MESSAGE_ID_SYNC: nonce, M1, P1)}
    <-- INFORMATIONAL response 0 {N(IKEV2_MESSAGE_ID_SYNC: nonce, P2, M2)}

M1 is the ID of the member's next request and P1 the one it expects from us; P2 and M2 are the
same as we see it, and from then on they hold. cygnet has no cluster and so is always the peer:
it answers, and never asks.

The member may have missed the last messages of the one before it. A request of ours that it has
not seen goes on under its ID; one that it has seen, but whose answer is lost, is sent anew under
the next ID that it expects.
"""

from __future__ import annotations

from dataclasses import dataclass

from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.window import Window
from cygnet.wire.header import ExchangeType
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType

LENGTH = 12  #: bytes: nonce, EXPECTED_SEND_REQ_MESSAGE_ID, EXPECTED_RECV_REQ_MESSAGE_ID
MAX_ID = 1 << 31  #: no IKE_SA gets there honestly; below it no counter of ours can overflow


@dataclass(frozen=True, slots=True)
class Counters:
    """``send``: the sender's next request; ``receive``: the request that it expects next."""

    nonce: bytes  #: 4 bytes
    send: int
    receive: int

    @classmethod
    def decode(cls, data: bytes) -> Counters | None:
        if len(data) != LENGTH:
            return None
        return cls(data[:4], int.from_bytes(data[4:8]), int.from_bytes(data[8:]))

    def notify(self) -> NotifyPayload:
        data = self.nonce + self.send.to_bytes(4) + self.receive.to_bytes(4)
        return NotifyPayload(NotifyType.IKEV2_MESSAGE_ID_SYNC, data)


def announce() -> NotifyPayload:
    return NotifyPayload(NotifyType.IKEV2_MESSAGE_ID_SYNC_SUPPORTED)


def asked(sa: IkeSaV2, message: Message) -> NotifyPayload | None:
    """The notify of a request to synchronise: its message ID is 0 whatever the window says."""
    if (
        message.response
        or message.message_id
        or message.exchange != ExchangeType.INFORMATIONAL
        or not sa.peer.message_id_sync
        or sa.established_at is None
    ):
        return None
    return message.notify(NotifyType.IKEV2_MESSAGE_ID_SYNC)


def agree(window: Window, notify: NotifyPayload) -> Counters | None:
    """Our answer, with the window set by it; None: the request is to be dropped.

    §5.1: "The peer MUST silently drop any received synchronization message if M1 is lower than or
    equal to the highest value it has seen from the cluster. This includes any previous received
    synchronization messages": so a replayed one changes nothing.
    """
    theirs = Counters.decode(notify.data)
    if theirs is None or max(theirs.send, theirs.receive, window.own_next) >= MAX_ID:
        return None
    if theirs.send <= max(window.peer_next - 1, window.synchronised):
        return None
    return Counters(theirs.nonce, window.synchronise(theirs.receive, theirs.send), theirs.send)
