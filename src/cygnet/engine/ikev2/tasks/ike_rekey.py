"""CREATE_CHILD_SA that rekeys the IKE_SA, RFC 7296 §1.3.2, §2.8, §2.18, with the collisions of §2.25.2.

    request   SA (with the new initiator SPI), Ni, KEi
    response  SA (with the new responder SPI), Nr, KEr | error

The new IKE_SA inherits the CHILD_SAs; whoever asked deletes the old one. When both ends ask
at the same time there are two new ones, and the one with the lowest nonce is closed by the
end that began its exchange, just as with CHILD_SAs: the CHILD_SAs go to the other one.

    the peer's request finds the old IKE_SA ...        answer
      established, nothing under way                   the new one replaces it
      being rekeyed by us                              as usual; our response will decide
      with a CHILD_SA being made, rekeyed or deleted   TEMPORARY_FAILURE
      being deleted, or replaced already               TEMPORARY_FAILURE (``dispatch``)
    the peer's delete of the old IKE_SA finds us rekeying it
      and its own new one is there                     that one wins, ours is forgotten
      and there is none                                it is closed, ours is forgotten
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from cygnet.crypto.names import proposal_text
from cygnet.engine import life
from cygnet.engine.ikev2.keys import Nonces, rekeyed_keys
from cygnet.engine.ikev2.proposals import answered_with, ike_proposals, unusable_kes, with_none
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.succession import successor_of, take_over
from cygnet.engine.ikev2.suite import Suite
from cygnet.engine.ikev2.task import Draft, Reply, Step
from cygnet.engine.ikev2.tasks.child_delete import DeleteChildSa
from cygnet.engine.ikev2.tasks.child_exchange import NONCE_LENGTH, ChildExchange, KeOffer, reply_with_ke
from cygnet.engine.ikev2.tasks.followup import Rounds
from cygnet.engine.ikev2.tasks.task import SaTask
from cygnet.engine.sa import IkeState
from cygnet.engine.timers import Deadline
from cygnet.engine.upkeep import retire
from cygnet.engine.wants import Delete
from cygnet.values.errors import PeerError
from cygnet.values.iana import KeId, Protocol
from cygnet.values.proposal import Proposal, select
from cygnet.values.secret import Secret
from cygnet.wire.header import SPI_LENGTH, ExchangeType
from cygnet.wire.ikev2.delete import DeletePayload
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.nonce import NoncePayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.payload import Payload
from cygnet.wire.ikev2.sa import SaPayload


@dataclass(slots=True)
class Rival:
    """The IKE_SA that the peer made to replace the same old one; it has keys and nothing else yet."""

    sa: IkeSaV2
    nonces: Nonces


class RekeyIkeSa(SaTask):
    NAME = "IKE_REKEY"

    def __init__(self, sa: IkeSaV2) -> None:
        super().__init__(sa)
        self.new: IkeSaV2 | None = None
        self.rival: Rival | None = None
        self.nonce = b""
        self.offer: KeOffer | None = None
        self.suite: Suite | None = None
        self.nonces: Nonces | None = None
        self.rounds: Rounds | None = None  #: additional key exchanges under way

    def build(self) -> Draft | None:
        sa = self.sa
        if self.new is None:
            if sa.state is not IkeState.ESTABLISHED:
                return None
            sa.enter(IkeState.REKEYING)
            self.new = successor_of(sa, initiator=True)
            sa.log("IKE", f"initiating IKE_SA {self.new} to {sa.remote.address}")
            self.nonce = sa.services.entropy.bytes(NONCE_LENGTH)
            self.offer = KeOffer(sa, ike_proposals(sa.connection))
        if self.rounds is not None:
            return self.rounds.draft()
        assert self.offer is not None
        proposals = tuple(replace(p, spi=self.new.spi_i) for p in ike_proposals(sa.connection))
        payloads: list[Payload] = [SaPayload(proposals), NoncePayload(self.nonce), *self.offer.payloads()]
        return Draft(ExchangeType.CREATE_CHILD_SA, payloads)

    def process(self, message: Message) -> Step:
        sa, new, offer = self.sa, self.new, self.offer
        assert new is not None and offer is not None
        if self.rounds is not None:
            if not self.rounds.take(message):
                return Step.MORE
            return self._conclude(new, self.rounds.secrets)
        error = message.error()
        if error is not None and error.kind == NotifyType.INVALID_KE_PAYLOAD:
            offer.retry(error.data)
            return Step.MORE
        if error is not None:
            sa.log("IKE", f"received {error.kind} notify error, rekeying of the IKE_SA failed")
            self._not_made(error.kind != NotifyType.TEMPORARY_FAILURE)
            return Step.DONE
        selected = answered_with(ike_proposals(sa.connection), message.need(SaPayload).proposals)
        if selected is None or len(selected.spi) != SPI_LENGTH or not any(selected.spi):
            raise PeerError(0, "peer selected an IKE proposal that was not offered")
        self.suite = _suite(selected)
        self.nonces = Nonces(self.nonce, message.need(NoncePayload).data)
        secrets = offer.finish(self.suite.ke, message)
        new.spi_r = selected.spi
        sa.log("CFG", f"selected proposal: IKE:{proposal_text(selected)}")
        if self.suite.additional:
            self.rounds = Rounds(sa, self.suite.additional, secrets, message)
            return Step.MORE
        return self._conclude(new, secrets)

    def _conclude(self, new: IkeSaV2, secrets: list[Secret]) -> Step:
        assert self.suite is not None and self.nonces is not None
        new.set_keys(rekeyed_keys(self.sa.secrets, self.suite, self.nonces, secrets, new.spi_i, new.spi_r))
        self.new = None
        self._settle(new, self.nonces)
        return Step.DONE

    def _settle(self, mine: IkeSaV2, nonces: Nonces) -> None:
        """Our exchange is through: with a rival the nonces decide."""
        sa, rival = self.sa, self.rival
        if not sa.is_established:  # it is being closed meanwhile: the new one goes with it
            take_over(mine, sa, quietly=True)
            mine.do(Delete())
            return
        if rival is None:
            take_over(mine, sa)
            sa.do(Delete())
            return
        if nonces.lowest < rival.nonces.lowest:
            sa.log("IKE", f"IKE_SA rekey collision lost, deleting our redundant {mine}")
            _replace(sa, rival)
            take_over(mine, sa, quietly=True)
            mine.do(Delete())
            return
        sa.log("IKE", f"IKE_SA rekey collision won, waiting for the delete of {rival.sa}")
        take_over(mine, sa)
        if not rival.sa.is_gone:  # the peer knew that it lost before we did
            take_over(rival.sa, sa, quietly=True)
            retire(rival.sa)
        sa.do(Delete())

    def _not_made(self, refused: bool) -> None:
        """Refused: the rival replaces the old IKE_SA; without one it goes on and is tried again."""
        sa, rival = self.sa, self.rival
        self._forget()
        if not sa.is_established:
            return
        if rival is not None:
            _replace(sa, rival)
            return
        sa.enter(IkeState.ESTABLISHED)
        sa.services.timers.set(sa.uid, Deadline.REKEY, sa.services.now + sa.retry_delay(refused))

    def _forget(self) -> None:
        new, self.new = self.new, None
        if new is not None:
            life.destroy(new)

    def refused(self, error: PeerError) -> None:
        self._forget()
        super().refused(error)

    def dropped(self) -> None:
        self._forget()
        if self.rival is not None and self.rival.sa.established_at is None:
            life.destroy(self.rival.sa)
        if self.sa.state is IkeState.REKEYING:
            self.sa.enter(IkeState.ESTABLISHED)


def not_while_rekeying(sa: IkeSaV2, message: Message) -> None:
    """§2.25.2: no CHILD_SA is made or rekeyed while we rekey the IKE_SA."""
    if isinstance(sa.exchanges.active, RekeyIkeSa):
        raise PeerError(
            NotifyType.TEMPORARY_FAILURE, f"refusing {message.title}: the IKE_SA is being rekeyed"
        )


def settle_deleted(sa: IkeSaV2) -> None:
    """The peer has deleted ``sa`` while we were rekeying it: it did not see our request, so its
    own new IKE_SA, if it made one, is the successor (§2.25.2: "forget about its own request")."""
    ours = sa.exchanges.active
    if isinstance(ours, RekeyIkeSa) and ours.rival is not None and sa.is_established:
        rival, ours.rival = ours.rival, None
        if not rival.sa.is_gone:
            take_over(rival.sa, sa)


def deletes_ike(message: Message) -> bool:
    return any(d.protocol == Protocol.IKE for d in message.all(DeletePayload))


def used_by_peer(sa: IkeSaV2) -> None:
    """A request came over a contested new IKE_SA that is not its delete: for the peer it is the
    successor, whatever becomes of our own exchange (which it may never have seen)."""
    ours, sa.contested = sa.contested, None
    if isinstance(ours, RekeyIkeSa) and ours.rival is not None and ours.sa.is_established:
        ours.rival = None
        take_over(sa, ours.sa)
        retire(ours.sa)


def _replace(old: IkeSaV2, rival: Rival) -> None:
    """The peer's new IKE_SA is the successor; if the peer has closed that already, all is closed."""
    if rival.sa.is_gone:
        life.closed_by_peer(old)
    else:
        take_over(rival.sa, old)
        retire(old)


def _suite(selected: Proposal) -> Suite:
    try:
        return Suite.of(selected)
    except ValueError as error:
        raise PeerError(NotifyType.NO_PROPOSAL_CHOSEN, f"unusable IKE proposal: {error}") from error


def _busy(sa: IkeSaV2) -> bool:
    """Whether we are making, rekeying or deleting a CHILD_SA right now."""
    return isinstance(sa.exchanges.active, ChildExchange | DeleteChildSa)


def _is_contested(sa: IkeSaV2) -> bool:
    """Whether there is a new IKE_SA of the peer's already, while we make ours."""
    ours = sa.exchanges.active
    return isinstance(ours, RekeyIkeSa) and ours.rival is not None and not ours.rival.sa.is_gone


def answer(sa: IkeSaV2, message: Message) -> Reply:
    if _busy(sa):
        raise PeerError(NotifyType.TEMPORARY_FAILURE, "refusing to rekey the IKE_SA: a CHILD_SA is in work")
    if _is_contested(sa):  # or a peer could have us make any number of them
        raise PeerError(
            NotifyType.TEMPORARY_FAILURE, "refusing to rekey the IKE_SA: the peer has done so already"
        )
    theirs = [p for p in message.need(SaPayload).proposals if len(p.spi) == SPI_LENGTH and any(p.spi)]
    selected = select(ike_proposals(sa.connection), [unusable_kes(p) for p in theirs])
    if selected is None:
        raise PeerError(NotifyType.NO_PROPOSAL_CHOSEN, "no acceptable proposal found")
    suite = _suite(selected)
    if suite.ke == KeId.NONE:
        raise PeerError(NotifyType.NO_PROPOSAL_CHOSEN, "an IKE_SA cannot be rekeyed without a key exchange")
    sa.log("IKE", f"{sa.remote.address} is initiating an IKE_SA")
    sa.log("CFG", f"selected proposal: IKE:{proposal_text(selected)}")
    new = successor_of(sa, initiator=False)
    new.spi_i = selected.spi
    nonces = Nonces(message.need(NoncePayload).data, sa.services.entropy.bytes(NONCE_LENGTH))
    chosen = replace(with_none(selected, theirs), spi=new.spi_r, protocol=Protocol.IKE)

    def complete(secrets: list[Secret]) -> Callable[[], None]:
        new.set_keys(rekeyed_keys(sa.secrets, suite, nonces, secrets, new.spi_i, new.spi_r))
        return after

    def after() -> None:
        ours = sa.exchanges.active
        if isinstance(ours, RekeyIkeSa) and ours.new is not None:
            sa.log("IKE", f"IKE_SA rekey collision for {sa}, waiting for our response")
            ours.rival = Rival(new, nonces)
            new.contested = ours
            return
        take_over(new, sa)
        retire(sa)

    return reply_with_ke(
        sa, message, selected, nonces.r, [SaPayload((chosen,))], complete, lambda: life.destroy(new)
    )
