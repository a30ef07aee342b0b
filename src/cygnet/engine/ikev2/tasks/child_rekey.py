"""CREATE_CHILD_SA that rekeys a CHILD_SA, RFC 7296 §1.3.3, §2.8, with every collision of §2.25.1.

Whoever rekeys makes a second CHILD_SA beside the old one and then deletes the old one, so
that no packet is without an SA. When both ends rekey the same CHILD_SA at the same time there
are three, and the nonces decide (§2.8.1):

    "the SA created with the lowest of the four nonces used in the two exchanges SHOULD be
    closed by the endpoint that created it"

Both ends compute the same. The loser deletes its own new CHILD_SA, the winner the old one. The
loser's never carries our traffic: it is installed inbound only.

    the peer's request finds the old CHILD_SA ...      answer
      as it is                                         the new one replaces it
      being rekeyed by us                              as usual; our response will decide
      that too, and the peer has made its own already  TEMPORARY_FAILURE: there are two to decide between
      being deleted, or replaced already               TEMPORARY_FAILURE
      not at all, and one of ours is being made        TEMPORARY_FAILURE: it may be that one
      not at all                                       CHILD_SA_NOT_FOUND
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cygnet.engine.child import ChildSa, ChildState
from cygnet.engine.ikev2 import child_terms, children
from cygnet.engine.ikev2.keys import Nonces
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.task import Reply
from cygnet.engine.ikev2.tasks.child_exchange import NONCE_LENGTH, ChildExchange, reply_with_ke
from cygnet.engine.ikev2.tasks.ike_rekey import not_while_rekeying
from cygnet.engine.timers import Deadline
from cygnet.engine.wants import DeleteChild
from cygnet.engine.wish import Wish
from cygnet.values.errors import PeerError
from cygnet.values.secret import Secret
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.nonce import NoncePayload
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.payload import Payload
from cygnet.wire.ikev2.sa import SaPayload


@dataclass(slots=True)
class Rival:
    """The CHILD_SA that the peer made to replace the same old one."""

    child: ChildSa
    nonces: Nonces


class RekeyChildSa(ChildExchange):
    NAME = "CHILD_REKEY"

    def __init__(self, sa: IkeSaV2, old: ChildSa) -> None:
        super().__init__(sa)
        self.old = old
        self.rival: Rival | None = None

    def begin(self) -> ChildSa | None:
        if self.old.state is not ChildState.INSTALLED or self.old.owner is not self.sa:
            return None
        self.old.enter(ChildState.REKEYING)
        new = self.sa.new_child(self.old.config, self.old.reqid)
        new.begun_here = self.old.begun_here
        self.sa.log("CHD", f"establishing CHILD_SA {new} reqid {self.old.reqid}", 1)
        return new

    def ahead(self) -> list[Payload]:
        spi = self.old.spi_in.to_bytes(child_terms.SPI_LENGTH)
        return [NotifyPayload(NotifyType.REKEY_SA, b"", self.old.protocol, spi)]

    def made(self, child: ChildSa, nonces: Nonces) -> None:
        sa, rival = self.sa, self.rival
        child.install_inbound()
        if rival is not None and nonces.lowest < rival.nonces.lowest:
            sa.log("IKE", f"CHILD_SA rekey collision lost, deleting our redundant {child}")
            child.rekeyed_by = rival.child.uid
            self._replaced_by(rival.child)
            sa.do(DeleteChild(child))
            return
        child.install_outbound()
        if rival is not None:
            sa.log("IKE", f"CHILD_SA rekey collision won, waiting for the delete of {rival.child}")
            rival.child.rekeyed_by = child.uid
            retire(rival.child)
        children.child_replaced(sa, self.old, child)
        self._replaced_by(child)
        if self.old.state is not ChildState.DELETED:
            sa.do(DeleteChild(self.old))

    def _replaced_by(self, new: ChildSa) -> None:
        if self.old.state in (ChildState.DELETED, ChildState.DELETING):
            return
        self.old.rekeyed_by = new.uid
        retire(self.old)
        if new.out_id is not None:
            self.old.remove_outbound()

    def not_made(self, error: PeerError) -> None:
        if self._settled():
            return
        if error.notify == NotifyType.CHILD_SA_NOT_FOUND:
            # §2.25: "the requestor SHOULD delete the Child SA" that only it still has, and make anew
            self.sa.log("IKE", f"peer has no CHILD_SA {self.old} any more, creating a new one")
            config, reqid = self.old.config, self.old.reqid
            self.sa.do(DeleteChild(self.old))
            self.sa.wish(Wish(config, reqid))
            return
        self.sa.log("IKE", f"rekeying CHILD_SA {self.old} failed: {error.detail}")
        self._back(self.sa.retry_delay(refused=True))

    def later(self) -> None:
        if not self._settled():
            self._back(self.sa.retry_delay())

    def _settled(self) -> bool:
        """Whether the old CHILD_SA is gone, or the peer has replaced it meanwhile."""
        if self.rival is not None and self.rival.child.state is not ChildState.DELETED:
            self._replaced_by(self.rival.child)
            return True
        return self.old.state in (ChildState.DELETED, ChildState.DELETING, ChildState.REKEYED)

    def _back(self, delay: float) -> None:
        """As before; try again in a while, if the lifetime leaves one."""
        self.old.enter(ChildState.INSTALLED)
        sa = self.sa
        sa.services.timers.set(sa.uid, Deadline.CHILD_REKEY, sa.services.now + delay, self.old.uid)

    def dropped(self) -> None:
        super().dropped()
        if self.old.state is ChildState.REKEYING:
            self.old.enter(ChildState.INSTALLED)


def retire(child: ChildSa) -> None:
    """It is replaced, and takes packets until it is deleted."""
    if child.state in (ChildState.INSTALLED, ChildState.REKEYING):
        child.enter(ChildState.REKEYED)


def answer(sa: IkeSaV2, message: Message) -> Reply:
    notify = message.notify(NotifyType.REKEY_SA)
    assert notify is not None
    not_while_rekeying(sa, message)
    old = sa.child_by_outbound(notify.spi)
    if old is None and isinstance(sa.exchanges.active, ChildExchange):
        # perhaps the one that our request has made, whose response we have not seen yet
        raise PeerError(
            NotifyType.TEMPORARY_FAILURE, f"CHILD_SA with SPI {notify.spi.hex()} is not known yet"
        )
    if old is None:
        sa.log("IKE", f"peer rekeys unknown CHILD_SA with SPI {notify.spi.hex()}")
        missing = NotifyPayload(NotifyType.CHILD_SA_NOT_FOUND, b"", notify.protocol, notify.spi)
        return Reply([missing])
    if not old.is_up:
        raise PeerError(NotifyType.TEMPORARY_FAILURE, f"CHILD_SA {old} is {old.state.value}, not rekeying it")
    _not_contested_already(sa, old)
    terms = child_terms.agree(sa, message, with_ke=True, config=old.config)
    nonces = Nonces(message.need(NoncePayload).data, sa.services.entropy.bytes(NONCE_LENGTH))
    new = sa.new_child(old.config, old.reqid)
    new.begun_here = old.begun_here
    payloads = child_terms.answer_payloads(new, terms, message.need(SaPayload).proposals)

    def complete(secrets: list[Secret]) -> Callable[[], None]:
        if not old.is_up:  # only where additional key exchanges have taken their time
            raise PeerError(NotifyType.TEMPORARY_FAILURE, f"CHILD_SA {old} is {old.state.value} meanwhile")
        _not_contested_already(sa, old)
        child_terms.take_request(sa, new, terms, nonces, secrets)
        new.install_inbound()
        return lambda: _replaced_by_peer(sa, old, Rival(new, nonces))

    return reply_with_ke(sa, message, terms.proposal, nonces.r, payloads, complete, new.remove)


def _not_contested_already(sa: IkeSaV2, old: ChildSa) -> None:
    """A second replacement would take the place of the first in our decision, and leave that behind."""
    ours = sa.exchanges.active
    if not isinstance(ours, RekeyChildSa) or ours.old is not old or ours.rival is None:
        return
    if ours.rival.child.state is not ChildState.DELETED:
        text = f"CHILD_SA {old} is being rekeyed by both ends, the peer has done so already"
        raise PeerError(NotifyType.TEMPORARY_FAILURE, text)


def _replaced_by_peer(sa: IkeSaV2, old: ChildSa, rival: Rival) -> None:
    """The response is on its way: the peer's new CHILD_SA takes over, or contests with ours.

    Traffic goes on through the old one until the peer deletes that.
    """
    new = rival.child
    new.hold_outbound()
    children.child_replaced(sa, old, new)
    ours = sa.exchanges.active
    if isinstance(ours, RekeyChildSa) and ours.old is old and ours.new is not None:
        sa.log("IKE", f"CHILD_SA rekey collision for {old}, waiting for our response")
        ours.rival = rival
        return
    old.rekeyed_by = new.uid
    retire(old)
