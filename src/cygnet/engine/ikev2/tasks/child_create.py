"""CREATE_CHILD_SA for a further CHILD_SA, RFC 7296 §1.3.1."""

from __future__ import annotations

from collections.abc import Callable

from cygnet.engine.child import MAX_CHILDREN, ChildSa
from cygnet.engine.ikev2 import child_terms, children
from cygnet.engine.ikev2.keys import Nonces
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.task import Reply
from cygnet.engine.ikev2.tasks.child_exchange import NONCE_LENGTH, ChildExchange, reply_with_ke
from cygnet.engine.ikev2.tasks.ike_rekey import not_while_rekeying
from cygnet.engine.wish import Wish
from cygnet.values.errors import PeerError
from cygnet.values.secret import Secret
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.nonce import NoncePayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.payload import Payload
from cygnet.wire.ikev2.sa import SaPayload


class CreateChildSa(ChildExchange):
    NAME = "CHILD_CREATE"

    def __init__(self, sa: IkeSaV2, wish: Wish) -> None:
        super().__init__(sa)
        self.wish = wish

    def begin(self) -> ChildSa | None:
        sa = self.sa
        if self.wish not in sa.wishes:
            return None
        child = sa.new_child(self.wish.child, self.wish.reqid)
        child.begun_here, child.packet = True, self.wish.packet
        reqid = f" reqid {self.wish.reqid}" if self.wish.reqid else ""
        sa.log("CHD", f"establishing CHILD_SA {child}{reqid}", 0)
        return child

    def ahead(self) -> list[Payload]:
        return []

    def made(self, child: ChildSa, nonces: Nonces) -> None:
        child.install_inbound()
        child.install_outbound()
        children.child_up(self.sa, child)

    def not_made(self, error: PeerError) -> None:
        if error.notify:
            children.child_error(self.sa, self.wish.child.name, error)
        else:
            children.child_failed(self.sa, self.wish.child.name, error.detail)

    def later(self) -> None:
        self.sa.again(CreateChildSa(self.sa, self.wish))


def answer(sa: IkeSaV2, message: Message) -> Reply:
    """Raises PeerError; NO_ADDITIONAL_SAS where the peer has enough (§1.3.1)."""
    not_while_rekeying(sa, message)
    if len(sa.children) >= MAX_CHILDREN:
        raise PeerError(NotifyType.NO_ADDITIONAL_SAS, f"the peer has {MAX_CHILDREN} CHILD_SAs already")
    terms = child_terms.agree(sa, message, with_ke=True)
    nonces = Nonces(message.need(NoncePayload).data, sa.services.entropy.bytes(NONCE_LENGTH))
    child = sa.new_child(terms.config)
    payloads = child_terms.answer_payloads(child, terms, message.need(SaPayload).proposals)

    def complete(secrets: list[Secret]) -> Callable[[], None]:
        child_terms.take_request(sa, child, terms, nonces, secrets)
        child.install_inbound()
        child.install_policy()

        def after() -> None:
            children.send_behind(sa, child)
            children.child_up(sa, child)

        return after

    return reply_with_ke(sa, message, terms.proposal, nonces.r, payloads, complete, child.remove)
