"""An IKE_SA of version 2: the shared one, with keys, exchanges and the tasks that use them."""

from __future__ import annotations

from cygnet.boundary.effects import Outcome
from cygnet.boundary.events import Datagram
from cygnet.boundary.notices import ChildRekeyed
from cygnet.engine.child import ChildSa, ChildState
from cygnet.engine.context import Context, Wish
from cygnet.engine.ikev2 import redirect, virtual_ips
from cygnet.engine.ikev2.channel import IN_THE_CLEAR
from cygnet.engine.ikev2.exchanges import Exchanges
from cygnet.engine.ikev2.features import Features
from cygnet.engine.ikev2.handshake import Handshake
from cygnet.engine.ikev2.incoming import Arrived
from cygnet.engine.ikev2.keys import IkeKeys
from cygnet.engine.ikev2.protect import protectors
from cygnet.engine.ikev2.tasks import mobike, reauthenticate, resume
from cygnet.engine.ikev2.tasks.child_create import CreateChild
from cygnet.engine.ikev2.tasks.child_delete import DeleteChild
from cygnet.engine.ikev2.tasks.child_rekey import RekeyChild
from cygnet.engine.ikev2.tasks.followup import Followups
from cygnet.engine.ikev2.tasks.ike_delete import DeleteIke
from cygnet.engine.ikev2.tasks.ike_init import IkeInit, ike_proposals
from cygnet.engine.ikev2.tasks.ike_intermediate import cover
from cygnet.engine.ikev2.tasks.ike_rekey import RekeyIke
from cygnet.engine.ikev2.tasks.liveness import Liveness
from cygnet.engine.ikev2.tasks.resume import Held
from cygnet.engine.ikev2.tasks.task import Task
from cygnet.engine.keylog import export_ike
from cygnet.engine.receipts import Receipts
from cygnet.engine.sa import IkeSa, IkeState
from cygnet.engine.timers import Deadline
from cygnet.model.config import Child, Connection
from cygnet.values.endpoint import Address, Endpoint
from cygnet.values.errors import PeerError
from cygnet.values.proposal import Proposal
from cygnet.wire.header import NO_SPI, ExchangeType, Header
from cygnet.wire.ikev2.chain import first_type
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify_types import NotifyType

#: range of ``retry_delay``
RETRY_SECONDS = (5.0, 15.0)
REFUSED_SECONDS = (60.0, 90.0)  #: the peer will hardly have changed its mind before


class IkeSaV2(IkeSa):
    version = 2

    def __init__(
        self,
        ctx: Context,
        connection: Connection,
        initiator: bool,
        local: Endpoint | None,
        remote: Endpoint | None,
    ) -> None:
        super().__init__(ctx, connection, initiator, local, remote)
        self.exchanges = Exchanges(self)
        self.keys: IkeKeys | None = None
        self.handshake: Handshake | None = Handshake()
        self.peer = Features()
        self.first_request = b""  #: responder: the IKE_SA_INIT request, to know a retransmission
        self.peer_addresses: list[Address] = []  #: of the peer, beside the one in use (MOBIKE)
        self.nat_mapping = b""  #: hash of how the peer last saw our address (MOBIKE)
        self.receipts = Receipts(self)
        self.arrived: Arrived | None = None  #: what is being acted on
        self.followups = Followups()
        self.contested: RekeyIke | None = None  #: made by the peer while this task of ours did the same
        self.overtaken: list[bytes] = []  #: SPIs of deletes that came before the CHILD_SA they are for
        self.is_successor = False  #: made to replace another one, not yet in its place
        self._waiting: dict[int, Task] = {}
        self._number = 0
        self._note = ""  #: what this class last wrote into ``waiting``
        self._initial: tuple[int, bytes, Address] | None = None
        self.nat_known = False  #: both ends said where they think they are
        self.crash_token = b""  #: what the peer will show when it has lost this IKE_SA
        self.held: Held | None = None  #: what this IKE_SA can be resumed with
        self.redirected_from: Address | None = None  #: the gateway that sent us to this one
        self.is_client = initiator  #: we began it all: unlike ``initiator`` this outlives rekeyings

    # what tasks use -------------------------------------------------------------------

    @property
    def is_gone(self) -> bool:
        return self.state is IkeState.DESTROYED

    @property
    def secrets(self) -> IkeKeys:
        assert self.keys is not None, "there are keys from IKE_SA_INIT on"
        return self.keys

    @property
    def shaking(self) -> Handshake:
        assert self.handshake is not None, "not yet authenticated"
        return self.handshake

    def set_keys(self, keys: IkeKeys) -> None:
        self.keys = keys
        self.proposal = keys.suite.proposal
        self.exchanges.channel.protect(*protectors(keys, self.initiator, self.ctx.entropy))
        export_ike(self, keys)

    def replied(self, message: Message, datagrams: list[bytes], inner: bytes) -> None:
        """A response of ours goes out: AUTH will cover those of IKE_SA_INIT and IKE_INTERMEDIATE."""
        if self.handshake is None or self.initiator or self.keys is None:
            return
        if message.exchange in IN_THE_CLEAR:
            self.handshake.response = datagrams[0]
        elif message.exchange == ExchangeType.IKE_INTERMEDIATE and message.error() is None:
            cover(self, message, first_type(message.payloads), inner, by_initiator=False)

    def heard_from(self, event: Datagram, response: bool) -> None:
        """An authentic, new message came: RFC 7296 §2.23, follow a peer behind a NAT.

        "the host not behind a NAT SHOULD send all packets (including retransmission packets) to
        the IP address and port from the last valid authenticated packet from the other end".
        With MOBIKE only the initiator moves, and says so (RFC 4555 §3.8), and only to where it has
        sent something: a source address is not covered by the integrity check, so whoever carries
        the response could choose any.
        """
        if (event.local, event.remote) == (self.local, self.remote):
            return
        if self.is_established and mobike.is_used(self):
            if self.is_client and response:
                mobike.answered_from(self, event.local, event.remote)
            return
        if self.is_established and (self.local_behind_nat or not self.remote_behind_nat):
            return
        self.set_endpoints(event.local, event.remote)

    # receiving ------------------------------------------------------------------------

    def receive(self, datagram: Datagram, header: Header) -> None:
        self.receipts.arrived(datagram)
        try:
            self.exchanges.incoming.receive(datagram, header)
        except PeerError as error:
            self.receipts.unproven("NET", f"ignoring message from {datagram.remote}: {error.detail}")
        finally:
            self.receipts.over()

    # life -----------------------------------------------------------------------------

    def begin(self) -> None:
        self.exchanges.add(resume.task_for(self) or IkeInit(self))

    def broken(self, error: PeerError) -> None:
        """The peer's response cannot be accepted: the IKE_SA cannot go on."""
        self.failure = error.detail
        self.log("IKE", error.detail)
        if self.established_at is None:
            self.negotiation_failed(retry=False)
        else:
            self.delete()

    def malformed(self, detail: str) -> None:
        """We have called an authentic message of the peer's malformed, which ends the IKE_SA at both
        ends (§2.21.3): "the IKE SA is deleted without needing an explicit INFORMATIONAL exchange"."""
        self.log("IKE", f"closing {self}: the peer's message cannot be read")
        if self.established_at is None:
            self.failure = detail
            self.destroy()
        else:
            self.lost(f"a message of {self.remote.address} could not be read: {detail}")

    def rejected(self) -> None:
        """The peer calls an authentic message of ours malformed and has forgotten the IKE_SA."""
        reason = f"{self.remote.address} could not read our message (INVALID_SYNTAX)"
        self.log("IKE", f"received INVALID_SYNTAX notify error, {reason}", 0)
        if self.established_at is None:
            self.negotiation_failed(reason, retry=False)
        else:
            self.lost(reason)

    def _silence(self) -> str:
        """Why the peer may not have answered."""
        peer = self.remote.address
        if self.established_at is not None:
            return f"{peer} did not answer"
        if self.spi_r == NO_SPI:
            return f"{peer} did not answer: it is down, or UDP port {self.remote.port} is filtered on the way"
        return (
            f"{peer} answered the first message and no other: UDP port {self.remote.port} or large "
            "packets may be filtered on the way"
        )

    def peer_is_silent(self) -> None:
        """No answer to any retransmission."""
        reason = self._silence()
        if self.established_at is not None:
            self.lost(reason)
            return
        limit = self.connection.keyingtries
        if limit == 0 or self.tries + 1 < limit:
            shown = f"{self.tries + 2}/{limit}" if limit else f"{self.tries + 2}"
            self.log("IKE", f"peer not responding, trying again ({shown})")
        else:
            self.log("IKE", "establishing IKE_SA failed, peer not responding")
        self.negotiation_failed(reason)

    def closing(self) -> None:
        unsent = self.exchanges.unsent(DeleteIke)
        if unsent is not None:
            self.exchanges.send_once(unsent.draft())
        self.exchanges.drop_all()
        self.forget_initial()
        virtual_ips.release(self)
        self.handshake = None

    def expect_again(self) -> None:
        """Responder: until it is established, its first request may come again, without our SPI."""
        self._initial = (2, self.spi_i, self.remote.address)
        self.ctx.initial[self._initial] = self

    def forget_initial(self) -> None:
        if self._initial is not None:
            self.ctx.initial.pop(self._initial, None)
            self._initial, self.first_request = None, b""

    def established(self, lifetimes: bool = True) -> None:
        resumed = self.handshake.resumed if self.handshake is not None else None
        self.handshake = None
        self.forget_initial()
        super().established(lifetimes)
        if resumed is not None:
            resume.carry_on(self, resumed)

    def lost(self, reason: str) -> None:
        resume.keep(self)
        super().lost(reason)

    # operations -----------------------------------------------------------------------

    def create_child(self, wish: Wish) -> None:
        self.exchanges.add(CreateChild(self, wish))

    def rekey_child(self, child: ChildSa) -> None:
        if child.state is ChildState.INSTALLED:
            self.exchanges.add(RekeyChild(self, child))

    def delete_child(self, child: ChildSa) -> None:
        self.exchanges.add(DeleteChild(self, child))

    def rekey(self) -> None:
        self.exchanges.add(RekeyIke(self))

    def redirect(self, gateway: str) -> None:
        redirect.redirect(self, gateway)

    def reauthenticate(self) -> None:
        reauthenticate.begin(self)

    def delete(self) -> None:
        """Close it and tell the peer. A request that is under way is finished first: the window is 1."""
        if self.state is IkeState.DELETING:
            return
        if self.established_at is None:
            self.give_up()
            return
        if self.state is IkeState.REKEYED:  # keeps that state: its end is no news to anybody
            self.exchanges.drop_all()
            self.exchanges.add(DeleteIke(self))
            return
        for wish in self.wishes:
            self.ctx.finish(
                wish, Outcome.FAILED, f"establishing connection '{wish.child.name}' failed", self.failure
            )
        self.wishes.clear()
        self.enter(IkeState.DELETING)
        self.exchanges.drop_queue()
        self.exchanges.add(DeleteIke(self))

    def check_liveness(self) -> None:
        if self.exchanges.active is None and not self.exchanges.queue:
            self.exchanges.add(Liveness(self))

    def addresses_changed(self, addresses: tuple[Address, ...]) -> None:
        mobike.addresses_changed(self)

    def likely_trouble(self) -> str:
        pending = self.exchanges.window.pending
        if pending is not None and pending.tries:
            sent = f"{pending.exchange} was sent {pending.tries + 1} times"
            return f"{self.remote.address} has not answered, {sent}"
        return self.failure

    def on_version_deadline(self, kind: Deadline, subject: int) -> None:
        if kind is Deadline.RETRANSMIT:
            self.exchanges.retransmit()
        elif kind is Deadline.AGAIN:
            task = self._waiting.pop(subject, None)
            if task is not None:
                self.exchanges.add(task)

    def tasks(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        active = self.exchanges.active
        note = self.exchanges.describe()
        if note or self.waiting == self._note:  # not what others wrote there
            self.waiting = self._note = note
        return tuple(t.NAME for t in self.exchanges.queue), (active.NAME,) if active else ()

    # children -------------------------------------------------------------------------

    def new_child(self, config: Child, reqid: int = 0) -> ChildSa:
        child = ChildSa(self.ctx, self, config, reqid)
        self.children[child.uid] = child
        return child

    def child_by_outbound(self, spi: bytes) -> ChildSa | None:
        """The CHILD_SA that the peer means by its own inbound SPI."""
        wanted = int.from_bytes(spi)
        return next((c for c in self.children.values() if c.spi_out == wanted and wanted), None)

    def child_up(self, child: ChildSa) -> None:
        super().child_up(child)
        self.finish_reauthentication()

    def child_failed(self, name: str, reason: str) -> None:
        super().child_failed(name, reason)
        self.finish_reauthentication()

    def finish_reauthentication(self) -> None:
        """The IKE_SA that this one replaces goes, once no CHILD_SA is waited for any more."""
        if self.reauthenticates is not None and not self.wishes and self.is_established:
            reauthenticate.finish(self)

    def child_error(self, name: str, error: PeerError) -> None:
        """The peer refused a CHILD_SA with an error notify."""
        self.log("IKE", f"received {NotifyType(error.notify)} notify, no CHILD_SA built", 0)
        self.child_failed(name, error.detail)

    def keep_without_child(self) -> None:
        """IKE_AUTH made the IKE_SA but not its CHILD_SA."""
        if self.ctx.config.settings.close_ike_on_child_failure:
            self.log("IKE", "closing IKE_SA due CHILD_SA setup failure")
            self.delete()
        else:
            self.log("IKE", "failed to establish CHILD_SA, keeping IKE_SA")

    def child_replaced(self, old: ChildSa, new: ChildSa) -> None:
        """``new`` carries the traffic of ``old`` from here on."""
        local = " ".join(str(ts) for ts in new.local_ts)
        remote = " ".join(str(ts) for ts in new.remote_ts)
        self.log(
            "IKE",
            f"CHILD_SA {new} established with SPIs {new.spi_in:08x}_i {new.spi_out:08x}_o "
            f"and TS {local} === {remote}",
            0,
        )
        self.ctx.emit(ChildRekeyed(self.uid, old.uid, new.uid, new.name))

    def not_while_rekeying(self, message: Message) -> None:
        """§2.25.2: no CHILD_SA is made or rekeyed while we rekey the IKE_SA."""
        if isinstance(self.exchanges.active, RekeyIke):
            raise PeerError(
                NotifyType.TEMPORARY_FAILURE, f"refusing {message.title}: the IKE_SA is being rekeyed"
            )

    def retry_delay(self, refused: bool = False) -> float:
        """Seconds until what met TEMPORARY_FAILURE (``refused``: any other error) is tried again; at
        random, so that two ends that refuse each other do not meet again (§2.25)."""
        return self.ctx.entropy.uniform(*(REFUSED_SECONDS if refused else RETRY_SECONDS))

    def again(self, task: Task) -> None:
        """Try a task anew in a while."""
        self._number += 1
        self._waiting[self._number] = task
        self.ctx.timers.set(self.uid, Deadline.AGAIN, self.ctx.now + self.retry_delay(), self._number)

    # rekeying of the IKE_SA -------------------------------------------------------------

    @property
    def own_proposals(self) -> tuple[Proposal, ...]:
        return ike_proposals(self.connection)

    @property
    def can_carry(self) -> bool:
        return super().can_carry and not self.is_successor
