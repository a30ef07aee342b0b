"""The IKE_SA of version 1: what is its own beside what both versions share.

The negotiation itself is in the tasks, messages go in by ``incoming`` and out by ``exchanges``,
deletes are in ``deletes``, other IKE_SAs with the same peer in ``succession``. Here is what ties
them: who is established, which Quick Mode comes next, what a task's end means for the IKE_SA.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from cygnet.boundary.events import Datagram
from cygnet.boundary.notices import ChildRekeyed
from cygnet.boundary.snapshot import IkeSnapshot
from cygnet.engine.child import ChildSa, ChildState
from cygnet.engine.context import Context, Selectors, Wish
from cygnet.engine.ikev1 import deletes, incoming, notifies, trouble
from cygnet.engine.ikev1.connections import uses_psk
from cygnet.engine.ikev1.dpd import Dpd
from cygnet.engine.ikev1.exchange import Exchange, Exchanges
from cygnet.engine.ikev1.fragments import Reassembly
from cygnet.engine.ikev1.keys import Phase1Keys
from cygnet.engine.ikev1.phase1 import Phase1
from cygnet.engine.ikev1.phase2 import Phase2
from cygnet.engine.ikev1.succession import Succession
from cygnet.engine.ikev1.tasks.aggressive_mode import AggressiveModeInitiator
from cygnet.engine.ikev1.tasks.informational import Tell, TellDeleted
from cygnet.engine.ikev1.tasks.main_mode import MainModeInitiator
from cygnet.engine.ikev1.tasks.quick_mode import QuickModeInitiator
from cygnet.engine.lookup import own_identity
from cygnet.engine.receipts import Receipts
from cygnet.engine.sa import IkeSa, IkeState
from cygnet.engine.timers import Deadline
from cygnet.model.config import Child, Connection
from cygnet.values.endpoint import IKE_PORT, NATT_PORT, Endpoint
from cygnet.values.errors import RequestError
from cygnet.values.iana import Protocol
from cygnet.wire.header import ExchangeType, Header
from cygnet.wire.ikev1.notification import Notification
from cygnet.wire.ikev1.numbers import PayloadType
from cygnet.wire.ikev1.payload import Payload
from cygnet.wire.ikev1.vendors import Extension

REKEY_RETRY = 15.0  #: seconds until a CHILD_SA's rekeying that was refused is tried again


class IkeSaV1(IkeSa):
    version = 1
    can_rekey = False

    def __init__(
        self,
        ctx: Context,
        connection: Connection,
        initiator: bool,
        local: Endpoint | None,
        remote: Endpoint | None,
    ) -> None:
        super().__init__(ctx, connection, initiator, local, remote)
        self.keys: Phase1Keys | None = None
        self.extensions: frozenset[Extension] = frozenset()
        self.nat_payload: PayloadType | None = None  #: NAT-T as the peer speaks it
        self.exchanges = Exchanges(self)
        self.receipts = Receipts(self)
        self.reassembly = Reassembly(ctx.config.settings.max_packet)
        self.dpd = Dpd(self)
        self.succession = Succession(self)
        self.said_unreadable = False
        self.peer_is_mute = False  #: it answers no deletes
        self.gone: deque[int] = deque(maxlen=64)  #: SPIs the peer deleted that we had not seen yet
        self._queue: deque[QuickModeInitiator] = deque()
        self.wrong_key = False  #: something could not be decrypted or verified as it should
        self._unanswered = False

    # what messages need -----------------------------------------------------------------

    @property
    def cookies(self) -> bytes:
        return self.spi_i + self.spi_r

    @property
    def need_keys(self) -> Phase1Keys:
        assert self.keys is not None, "phase 1 has made the keys"
        return self.keys

    @property
    def peer_fragments(self) -> bool:
        return Extension.FRAGMENTATION in self.extensions

    @property
    def takes_quick_mode(self) -> bool:
        return self.is_established or self.state is IkeState.REKEYED

    def iv_of(self, message_id: int) -> bytes:
        """The first IV of a phase 2 exchange, from the last block of phase 1."""
        phase_1 = self.exchanges.phase_1
        assert phase_1 is not None
        return self.need_keys.phase_2_iv(phase_1.iv, message_id)

    # phase 1 ------------------------------------------------------------------------------

    def begin(self) -> None:
        mode = "Aggressive" if self.connection.aggressive else "Main"
        self.log("IKE", f"initiating {mode} Mode IKE_SA {self} to {self.remote.address}", 0)
        self.local_id = own_identity(self.connection, self.local.address)
        task: Phase1
        if self.connection.aggressive:
            type, task = ExchangeType.AGGRESSIVE, AggressiveModeInitiator(self)
        else:
            type, task = ExchangeType.ID_PROT, MainModeInitiator(self)
        try:
            if not uses_psk(self.connection):
                raise RequestError(f"'{self.name}': IKEv1 authenticates with pre-shared keys only so far")
            self.exchanges.begin(type, task)
        except RequestError as error:
            self.log("IKE", str(error))
            self.negotiation_failed(str(error), retry=False)

    def receive(self, datagram: Datagram, header: Header) -> None:
        incoming.receive(self, datagram, header)

    def heard(self, datagram: Datagram) -> None:
        """An authentic encrypted message came in. RFC 3947 §6: only the mapping of a peer behind a NAT
        changes; to follow one that is not "opens a DoS attack possibility"."""
        self.last_received = self.ctx.now
        self.dpd.alive()
        moved = (datagram.local, datagram.remote) != (self.local, self.remote)
        if moved and self.takes_quick_mode and self.remote_behind_nat:
            self.follow(datagram)

    def follow(self, datagram: Datagram) -> None:
        """Answer to where an authentic message came from (port float, a NAT's new mapping)."""
        self.set_endpoints(datagram.local, datagram.remote)

    def float_ports(self) -> None:
        """RFC 3947 §4: behind a NAT the initiator goes to port 4500."""
        if self.nat_payload is None or not self.encap:
            return
        local_port = self.ctx.config.settings.port_nat_t
        remote_port = NATT_PORT if self.remote.port == IKE_PORT else self.remote.port
        self.set_endpoints(self.local.with_port(local_port), self.remote.with_port(remote_port))

    def phase_1_done(self) -> None:
        self.established()
        if self.initiator:
            self.succession.take_over_reauthenticated()
        self.succession.established()
        for wish in list(self.wishes):
            self.create_child(wish)

    def phase_1_failed(self, reason: str) -> None:
        """``reason`` empty: the peer did not answer."""
        if not self.initiator:
            self.destroy()
        elif reason:
            self.negotiation_failed(reason, retry=False)
        else:
            self._unanswered = True
            self.failure = trouble.silence(self)
            self.negotiation_failed()

    def give_up(self) -> None:
        if self._unanswered:
            self.log("IKE", "establishing IKE_SA failed, peer not responding")
        super().give_up()

    def suspect_psk(self) -> None:
        """Something could not be decrypted or verified as it should."""
        if self.wrong_key or self.is_established:
            return
        self.wrong_key = True
        text = f"the pre-shared keys of {self.local.address} and {self.remote.address} probably differ"
        self.log("IKE", text)
        self.ctx.alert("peer-auth-failed" if self.keys else "local-auth-failed", text, self)

    def likely_trouble(self) -> str:
        return self.failure or (trouble.silence(self) if self.initiator and self._remote else "")

    # other IKE_SAs with the same peer -----------------------------------------------------

    def rekey(self) -> None:
        self.reauthenticate()

    def reauthenticate(self) -> None:
        self.succession.reauthenticate()

    def adopt(self, other: IkeSa) -> None:
        super().adopt(other)
        self.succession.adopted()

    def closed_by_peer(self) -> None:
        """An heir keeps the CHILD_SAs: a peer that means to close them too deletes them by name."""
        if not self.succession.leave_to_heir():
            super().closed_by_peer()

    # CHILD_SAs ----------------------------------------------------------------------------

    def create_child(self, wish: Wish) -> None:
        self._queue.append(QuickModeInitiator(self, wish.child, wish))
        self.next_task()

    def rekey_child(self, child: ChildSa) -> None:
        if child.state is not ChildState.INSTALLED or not self.is_established:
            return
        newer = self.equivalents(child.config, child.local_ts, child.remote_ts)
        if any(
            c is not child and (c.installed_at or 0, c.uid) > (child.installed_at or 0, child.uid)
            for c in newer
        ):
            self.log("IKE", f"detected redundant CHILD_SA {child}")
            child.enter(ChildState.REKEYED)
            return
        child.enter(ChildState.REKEYING)
        self._queue.append(QuickModeInitiator(self, child.config, rekeyed=child))
        self.next_task()

    def next_task(self) -> None:
        """Begin the next Quick Mode; one of ours at a time, since peers need not bear more."""
        while self._queue and self.is_established and not self._initiates():
            task = self._queue.popleft()
            if task.rekeyed is not None and task.rekeyed.state is not ChildState.REKEYING:
                continue
            if task.wish is not None and task.wish not in self.wishes:
                continue  # the peer was faster
            try:
                self.exchanges.begin(ExchangeType.QUICK_MODE, task)
            except RequestError as error:
                self.log("IKE", str(error))
                task.failed(str(error))

    def _initiates(self) -> bool:
        return any(isinstance(e.task, QuickModeInitiator) for e in self.exchanges.active())

    def equivalents(self, config: Child, local: Selectors, remote: Selectors) -> list[ChildSa]:
        """CHILD_SAs in use for the same traffic, in the order of installation."""
        same = (
            c
            for c in self.children.values()
            if c.is_up and c.name == config.name and (c.local_ts, c.remote_ts) == (local, remote)
        )
        return sorted(same, key=lambda c: (c.installed_at or 0.0, c.uid))

    def equivalent(self, config: Child, local: Selectors, remote: Selectors) -> ChildSa | None:
        found = self.equivalents(config, local, remote)
        return found[-1] if found else None

    def child_up(self, child: ChildSa) -> None:
        """The wish is fulfilled first: the output of ``up`` ends where strongSwan's does."""
        self.fulfil(child)
        super().child_up(child)

    def child_rekeyed(self, old: ChildSa, new: ChildSa) -> None:
        """``new`` carries the traffic from now on; ``old`` still takes what is on the way."""
        if not old.is_up:
            return
        old.rekeyed_by = new.uid
        old.enter(ChildState.REKEYED)
        owner, timers, settings = old.sa.uid, self.ctx.timers, self.ctx.config.settings
        for kind in (Deadline.CHILD_REKEY, Deadline.CHILD_INACTIVE):
            timers.cancel(owner, kind, old.uid)
        never_expires = timers.at(owner, Deadline.CHILD_EXPIRE, old.uid) is None
        if settings.delete_rekeyed or never_expires:
            timers.set(owner, Deadline.CHILD_RETIRE, self.ctx.now + settings.delete_rekeyed_delay, old.uid)
        self.ctx.emit(ChildRekeyed(self.uid, old.uid, new.uid, new.name))

    def rekeying_failed(self, old: ChildSa) -> None:
        if old.state is not ChildState.REKEYING:
            return
        old.enter(ChildState.INSTALLED)
        self.log("IKE", f"CHILD_SA rekeying failed, trying again in {int(REKEY_RETRY)} seconds")
        self.ctx.timers.set(old.sa.uid, Deadline.CHILD_REKEY, self.ctx.now + REKEY_RETRY, old.uid)

    def delete_child(self, child: ChildSa) -> None:
        deletes.close_child(self, child)

    # informational ------------------------------------------------------------------------

    def tell(self, payloads: list[Payload]) -> None:
        self.exchanges.begin(ExchangeType.INFORMATIONAL_V1, Tell(self, payloads), expect=False)

    def notified(self, notification: Notification) -> None:
        notifies.received(self, notification)

    def deleted_by_peer(self, spis: tuple[bytes, ...]) -> None:
        deletes.ike_deleted(self, spis)

    def children_deleted_by_peer(
        self, protocol: Protocol, spis: tuple[bytes, ...], exchange: Exchange
    ) -> None:
        deletes.children_deleted(self, protocol, spis, exchange)

    def check_liveness(self) -> None:
        self.dpd.ask()

    # ends ---------------------------------------------------------------------------------

    def delete(self) -> None:
        if self.state in (IkeState.DELETING, IkeState.DESTROYED):
            return
        if self.keys is None or not self.takes_quick_mode:
            self.destroy()
            return
        deletes.close_ike(self)

    def destroy(self) -> None:
        if self.state is not IkeState.DESTROYED and self.established_at is None:
            self.succession.pass_on_children()
        super().destroy()

    def delete_unanswered(self, task: TellDeleted) -> None:
        if self.state is IkeState.DELETING and self.cookies in task.answers:
            self.destroy()
        else:
            self.peer_is_mute = True

    def peer_is_silent(self) -> None:
        """A Quick Mode of ours had no answer."""
        self.peer_is_dead(f"{self.remote.address} does not answer Quick Mode")

    def peer_is_dead(self, reason: str) -> None:
        """The dpdaction follows. The peer is not told: should it live, its own checks end in its
        dpdaction, where a delete would be taken for a wish to close (closeaction)."""
        if not self.is_established:
            self.destroy()
        elif not self.succession.leave_to_heir():
            self.lost(reason)

    def abandon_exchanges(self) -> None:
        """Take back what unfinished Quick Modes have installed; an heir tells the peer."""
        heir = self.succession.heir
        for exchange in self.exchanges.active():
            self.exchanges.close(exchange)
            task = exchange.task
            if isinstance(task, Phase2):
                told = task.take_back()
            else:
                told = task.unheard if isinstance(task, TellDeleted) else None
            if told is not None and heir is not None:
                heir.succession.inherit_delete(told)
        self._queue.clear()

    def abandon_quick_mode(self, child: ChildSa) -> None:
        """The CHILD_SA goes before its Quick Mode is over."""
        for exchange in self.exchanges.active():
            if isinstance(exchange.task, Phase2) and exchange.task.child is child:
                self.exchanges.abandon(exchange)

    def closing(self) -> None:
        self.abandon_exchanges()
        key = (1, self.spi_i, self.remote.address) if self._remote is not None else None
        if key is not None and self.ctx.initial.get(key) is self:
            del self.ctx.initial[key]
        self.succession.ended()

    # deadlines ----------------------------------------------------------------------------

    def on_deadline(self, kind: Deadline, subject: int) -> None:
        if kind is Deadline.CHILD_RETIRE and subject in self.children:
            self.delete_child(self.children[subject])
            return
        if kind is Deadline.EXPIRE and self.succession.sibling is not None:
            self.succession.sibling.adopt(self)
        super().on_deadline(kind, subject)

    def on_version_deadline(self, kind: Deadline, subject: int) -> None:
        if kind is Deadline.RETRANSMIT:
            self.exchanges.due(subject)
        elif kind is Deadline.DPD_TIMEOUT:
            self.dpd.timed_out()

    # shown --------------------------------------------------------------------------------

    def tasks(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return tuple(t.name for t in self._queue), tuple(e.task.name for e in self.exchanges.active())

    def snapshot(self) -> IkeSnapshot:
        shown = super().snapshot()
        return replace(shown, waiting=shown.waiting or self.exchanges.waiting_text())
