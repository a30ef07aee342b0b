"""RFC 2409 §5.7. An informational message of the peer's: its notifies and deletes."""

from __future__ import annotations

from typing import ClassVar

from cygnet.engine.ikev1 import deletes, notifies
from cygnet.engine.ikev1.keys import same
from cygnet.engine.ikev1.task import Incoming, Next, Outgoing, Task
from cygnet.values.errors import PeerError
from cygnet.values.iana import Protocol
from cygnet.wire.ikev1.delete import Delete
from cygnet.wire.ikev1.hash import Hash
from cygnet.wire.ikev1.message import Chain
from cygnet.wire.ikev1.notification import Notification
from cygnet.wire.ikev1.numbers import PROTO_ISAKMP


class Hear(Task):
    """A message of the peer's."""

    name: ClassVar[str] = "INFORMATIONAL"
    _heard: Chain

    def build(self) -> Outgoing:
        raise AssertionError("an informational message has no answer")

    def process(self, message: Incoming) -> Next:
        chain = message.chain
        first = chain.payloads[0] if chain.payloads else None
        if not message.encrypted or not isinstance(first, Hash):
            raise PeerError(0, "expected HASH payload as first payload")
        expected = self.sa.need_keys.phase_2_hash(self.exchange.message_id, chain.after(0))
        if not same(expected, first.data):
            raise PeerError(0, "received HASH payload does not match")
        self.sa.receipts.taken()
        self._heard = chain
        return Next.DONE

    def completed(self) -> None:
        sa = self.sa
        for notification in self._heard.all(Notification):
            notifies.received(sa, notification)
        for delete in self._heard.all(Delete):
            self._delete(delete)

    def _delete(self, delete: Delete) -> None:
        if delete.protocol == PROTO_ISAKMP:
            deletes.ike_deleted(self.sa, delete.spis)
        elif delete.protocol in (Protocol.ESP, Protocol.AH):
            deletes.children_deleted(self.sa, Protocol(delete.protocol), delete.spis, self.exchange)
