"""The IKE_SA as both versions share it: identity, endpoints, state, lifetimes, who waits for it.

It owns what does not depend on the version: which connection it serves, its CHILD_SAs, the
wishes (CHILD_SAs somebody waits for), when it is to be rekeyed, reauthenticated, kept alive
through a NAT, checked for life, and what follows when it is lost. ``ikev1.sa.IkeSaV1`` and
``ikev2.sa.IkeSaV2`` add the exchanges, by implementing the methods of the section "version".

Life of an initiated IKE_SA:

    start() -> addresses are found (Resolve, FindSource: ``waiting`` says for what)
            -> begin()         first message leaves; CONNECTING
            -> established()   peer authenticated; lifetimes start; wishes become exchanges
            -> destroy() or lost()
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum

from cygnet.boundary.effects import Outcome, Send
from cygnet.boundary.events import Datagram
from cygnet.boundary.notices import ChildUpDown, IkeUpDown
from cygnet.boundary.snapshot import IkeSnapshot
from cygnet.engine.addresses import find_endpoints
from cygnet.engine.child import ChildSa, ChildState, esp_endpoint
from cygnet.engine.context import Context, IdentityPair, Wish
from cygnet.engine.timers import Deadline
from cygnet.engine.updown import run_updown
from cygnet.engine.upkeep import Upkeep
from cygnet.model.config import Child, CloseAction, Connection
from cygnet.values.endpoint import Address, Endpoint
from cygnet.values.errors import RequestError
from cygnet.values.identity import ANY, Identity
from cygnet.values.proposal import Proposal
from cygnet.wire.header import Header

#: seconds until an IKE_SA that failed is tried anew (charon retries at once; a pause spares both)
RETRY_DELAY = 1.0


class IkeState(Enum):
    """As charon names them in status."""

    CREATED = "CREATED"
    CONNECTING = "CONNECTING"
    ESTABLISHED = "ESTABLISHED"
    REKEYING = "REKEYING"
    REKEYED = "REKEYED"
    DELETING = "DELETING"
    DESTROYED = "DESTROYED"


TRANSITIONS: dict[IkeState, tuple[IkeState, ...]] = {
    IkeState.CREATED: (IkeState.CONNECTING, IkeState.ESTABLISHED, IkeState.DELETING, IkeState.DESTROYED),
    IkeState.CONNECTING: (
        IkeState.CREATED,
        IkeState.ESTABLISHED,
        IkeState.DELETING,
        IkeState.DESTROYED,
    ),
    IkeState.ESTABLISHED: (
        IkeState.REKEYING,
        IkeState.REKEYED,
        IkeState.DELETING,
        IkeState.DESTROYED,
    ),
    IkeState.REKEYING: (
        IkeState.ESTABLISHED,
        IkeState.REKEYED,
        IkeState.DELETING,
        IkeState.DESTROYED,
    ),
    IkeState.REKEYED: (IkeState.DELETING, IkeState.DESTROYED),
    IkeState.DELETING: (IkeState.DESTROYED,),
    IkeState.DESTROYED: (),
}


class IkeSa(ABC):
    """One IKE_SA. ``uid`` is the number in brackets of status and logs."""

    version: int
    can_rekey: bool = True  #: whether the version has a way to change keys without a new authentication

    def __init__(
        self,
        ctx: Context,
        connection: Connection,
        initiator: bool,
        local: Endpoint | None,
        remote: Endpoint | None,
    ) -> None:
        self.ctx = ctx
        self.uid = ctx.new_uid()
        self._connection = connection
        ctx.named.add(connection.name, self.uid, self)
        self.initiator = initiator
        self.state = IkeState.CREATED
        self._local, self._remote = local, remote
        own = ctx.new_ike_spi()
        self.spi_i = own if initiator else b"\0" * 8
        self.spi_r = b"\0" * 8 if initiator else own
        self.local_id: Identity = ANY
        self.remote_id: Identity = ANY
        self.proposal: Proposal | None = None
        self.children: dict[int, ChildSa] = {}
        self.wishes: list[Wish] = []
        self.tries = 0  #: failed negotiations so far (keyingtries)
        self.local_behind_nat = False
        self.remote_behind_nat = False
        self.established_at: float | None = None
        self.last_received = ctx.now  #: last authentic IKE message
        self.last_sent = ctx.now
        self.waiting = ""  #: what it waits for, for status
        self.failure = ""  #: the likely reason of a failed negotiation, for the user
        self.reauthenticates: int | None = None  #: uid of the IKE_SA this one replaces
        self.gateway = ""  #: where the peer sent us instead of the configured address (RFC 5685)
        self.local_vips: list[Address] = []
        self.remote_vips: list[Address] = []
        self.upkeep = Upkeep(self)
        ctx.ike_sas[self.uid] = self
        ctx.by_spi[own] = self

    # identity -----------------------------------------------------------------------

    @property
    def connection(self) -> Connection:
        """Which one it serves; a responder may learn another one from the peer's identity."""
        return self._connection

    @connection.setter
    def connection(self, connection: Connection) -> None:
        self.ctx.named.discard(self._connection.name, self.uid)
        self._connection = connection
        self.ctx.named.add(connection.name, self.uid, self)

    @property
    def name(self) -> str:
        return self._connection.name

    @property
    def between(self) -> IdentityPair:
        return (self.version, self.local_id, self.remote_id)

    def __str__(self) -> str:
        return f"{self.name}[{self.uid}]"

    @property
    def own_spi(self) -> bytes:
        return self.spi_i if self.initiator else self.spi_r

    @property
    def local(self) -> Endpoint:
        assert self._local is not None, "endpoints are known from begin() on"
        return self._local

    @property
    def remote(self) -> Endpoint:
        assert self._remote is not None, "endpoints are known from begin() on"
        return self._remote

    @property
    def remote_words(self) -> tuple[str, ...]:
        """Where to find the peer: the configured addresses and names, or where a redirect sent us."""
        return (self.gateway,) if self.gateway else self.connection.remote_addrs

    @property
    def encap(self) -> bool:
        """Whether ESP goes in UDP: a NAT was found, or the connection forces it."""
        return self.local_behind_nat or self.remote_behind_nat or self.connection.force_encap

    @property
    def esp_local(self) -> Endpoint:
        return esp_endpoint(self.local, self.encap)

    @property
    def esp_remote(self) -> Endpoint:
        return esp_endpoint(self.remote, self.encap)

    @property
    def is_established(self) -> bool:
        return self.state in (IkeState.ESTABLISHED, IkeState.REKEYING)

    @property
    def can_carry(self) -> bool:
        """Whether a new CHILD_SA may be asked of it now or once it is established."""
        return self.state in (IkeState.CREATED, IkeState.CONNECTING) or self.is_established

    def log(self, group: str, text: str, level: int = 1) -> None:
        self.ctx.log(group, text, level, self)

    def enter(self, state: IkeState) -> None:
        if state is self.state:
            return
        assert state in TRANSITIONS[self.state], f"IKE_SA {self}: {self.state} -> {state}"
        self.log("IKE", f"IKE_SA {self} state change: {self.state.value} => {state.value}", 2)
        self.state = state
        if state is IkeState.ESTABLISHED:
            self.ctx.between.add(self.between, self.uid, self)

    def set_endpoints(self, local: Endpoint, remote: Endpoint) -> None:
        """Move both ends (port float, NAT mapping, MOBIKE); CHILD_SAs follow."""
        if (local, remote) == (self._local, self._remote):
            return
        self._local, self._remote = local, remote
        for child in list(self.children.values()):
            if child.in_id is not None:
                child.update_endpoints()

    # start --------------------------------------------------------------------------

    def wish(self, wish: Wish) -> None:
        """Somebody wants this CHILD_SA over this IKE_SA, now or as soon as it is established."""
        self.ctx.attach(wish, self)
        same = next((w for w in self.wishes if w.child.name == wish.child.name), None)
        if same is not None:
            same.merge(wish)
            return
        self.wishes.append(wish)
        if self.is_established:
            self.create_child(wish)

    def start(self) -> None:
        """Find both endpoints, then begin() the negotiation."""
        find_endpoints(self)

    def endpoints_found(self, local: Endpoint, remote: Endpoint) -> None:
        self._local, self._remote = local, remote
        self.waiting = ""
        self.last_received = self.ctx.now
        self.enter(IkeState.CONNECTING)
        self.begin()

    def endpoints_failed(self, reason: str) -> None:
        self.failure = reason
        self.log("IKE", reason)
        self.negotiation_failed()

    def send(self, data: bytes) -> None:
        self.last_sent = self.ctx.now
        self.log("NET", f"sending packet: from {self.local} to {self.remote} ({len(data)} bytes)")
        self.ctx.emit(Send(self.local, self.remote, data, dscp=self.connection.dscp))

    def count_half_open(self) -> None:
        """This IKE_SA was begun by the peer and counts against its limits until established."""
        self.ctx.half_open.begin(self.uid, self.remote.address)
        timeout = self.ctx.config.settings.half_open_timeout
        self.ctx.timers.set(self.uid, Deadline.HALF_OPEN, self.ctx.now + timeout)

    def no_longer_half_open(self) -> None:
        self.ctx.half_open.end(self.uid)
        self.ctx.timers.cancel(self.uid, Deadline.HALF_OPEN)

    # established --------------------------------------------------------------------

    def established(self, lifetimes: bool = True) -> None:
        """The peer is authenticated. Logs as charon, starts lifetimes, DPD, keep-alives.

        Wishes are left to the version: IKEv1 begins their Quick Modes here by calling
        ``create_child``; IKEv2 has had the first one inside IKE_AUTH.
        """
        self.established_at = self.ctx.now
        self.last_received = self.ctx.now
        self.tries = 0
        self.no_longer_half_open()
        self.enter(IkeState.ESTABLISHED)
        self.log(
            "IKE",
            f"IKE_SA {self} established between {self.local.address}[{self.local_id}]"
            f"...{self.remote.address}[{self.remote_id}]",
            0,
        )
        if lifetimes:
            self.upkeep.schedule_lifetimes()
        self.upkeep.schedule_dpd()
        self.upkeep.schedule_keepalive()
        self.ctx.emit(IkeUpDown(self.uid, self.name, True))

    def reconfigure(self, connection: Connection) -> None:
        """Take over changed timers and actions in place, without a message to the peer (update)."""
        self.connection = connection
        for child in list(self.children.values()):
            config = connection.child(child.name)
            if config is not None:
                child.reconfigure(config)
        for wish in self.wishes:
            wish.child = connection.child(wish.child.name) or wish.child
        if self.is_established:
            self.upkeep.schedule_lifetimes()
            self.upkeep.schedule_dpd()

    # children -----------------------------------------------------------------------

    def child_up(self, child: ChildSa) -> None:
        """A CHILD_SA is installed both ways: say so, and finish the wish for it."""
        local = " ".join(str(ts) for ts in child.local_ts)
        remote = " ".join(str(ts) for ts in child.remote_ts)
        self.log(
            "IKE",
            f"CHILD_SA {child} established with SPIs {child.spi_in:08x}_i {child.spi_out:08x}_o "
            f"and TS {local} === {remote}",
            0,
        )
        self.ctx.emit(ChildUpDown(self.uid, child.uid, child.name, True))
        run_updown(child, True)
        self.fulfil(child)

    def fulfil(self, child: ChildSa) -> None:
        """Whoever waits for this CHILD_SA hears that it is there."""
        wish = next((w for w in self.wishes if w.child.name == child.name), None)
        if wish is not None:
            self.wishes.remove(wish)
            self.ctx.finish(wish, Outcome.OK, f"connection '{wish.child.name}' established successfully")

    def adopt(self, other: IkeSa) -> None:
        """Take over the CHILD_SAs and wishes of ``other`` (IKEv1 reauthentication, IKEv2 IKE rekeying)."""
        for child in list(other.children.values()):
            child.move_to(self)
        wishes, other.wishes = other.wishes, []
        for wish in wishes:
            self.wish(wish)

    def mapping_changed(self, remote: Endpoint) -> None:
        """Authentic ESP came from another endpoint: follow it where the peer is behind a NAT."""
        if self.remote_behind_nat and self.is_established:
            self.log("NET", f"remote endpoint changed from {self.remote} to {remote}")
            self.set_endpoints(self.local, remote)

    def addresses_changed(self, addresses: tuple[Address, ...]) -> None:
        """The machine's own addresses changed. IKEv1 cannot move; IKEv2 does (MOBIKE)."""

    def child_failed(self, name: str, reason: str) -> None:
        """The CHILD_SA ``name`` was refused; the IKE_SA may live on. Ends the wish for it."""
        wish = next((w for w in self.wishes if w.child.name == name), None)
        if wish is not None:
            self.wishes.remove(wish)
            self.ctx.finish(wish, Outcome.FAILED, f"establishing connection '{name}' failed", reason)

    def child_down(self, child: ChildSa) -> None:
        """Remove a CHILD_SA that was up and tell so. What follows is the caller's decision."""
        was_up = child.installed_at is not None and child.state is not ChildState.DELETED
        child.remove()
        if was_up and child.rekeyed_by is None:
            self.ctx.emit(ChildUpDown(self.uid, child.uid, child.name, False))
            run_updown(child, False)
        self.ctx.closed("child", child.uid)

    def close_action(self, child: ChildSa) -> None:
        """What closeaction asks for when the peer has deleted ``child``."""
        if child.config.close_action is CloseAction.START:
            self.wish(Wish(child.config, child.reqid))
        elif child.config.close_action is CloseAction.TRAP:
            self.install_trap(child.config)

    def install_trap(self, config: Child) -> None:
        """So that the next packet brings the CHILD_SA back (action "hold")."""
        self.ctx.install_trap(self.connection, config)

    # ends ---------------------------------------------------------------------------

    def negotiation_failed(self, reason: str = "", retry: bool = True) -> None:
        """The IKE negotiation failed before it was established: try anew (keyingtries) or give up."""
        self.failure = reason or self.failure
        limit = self.connection.keyingtries
        self.tries += 1
        if retry and self.initiator and self.wishes and (limit == 0 or self.tries < limit):
            shown = f"{self.tries + 1}/{limit}" if limit else f"{self.tries + 1}"
            self.log("IKE", f"{reason or 'peer not responding'}, trying again ({shown})")
            self.replace_by_new(RETRY_DELAY)
            return
        self.give_up()

    def give_up(self) -> None:
        """No further try: everybody who waits hears why."""
        for wish in self.wishes:
            self.ctx.finish(
                wish, Outcome.FAILED, f"establishing connection '{wish.child.name}' failed", self.failure
            )
        self.wishes.clear()
        self.destroy()

    def replace_by_new(self, delay: float = 0.0) -> IkeSa:
        """Begin again with a fresh IKE_SA that takes over the wishes and the count of tries."""
        new = type(self)(self.ctx, self.connection, True, None, None)
        new.tries = self.tries
        new.failure = self.failure
        new.reauthenticates = self.reauthenticates
        wishes, self.wishes = self.wishes, []
        for wish in wishes:
            new.wish(wish)
        self.destroy()
        if delay:
            new.waiting = "the next try"
            self.ctx.timers.set(new.uid, Deadline.RETRY, self.ctx.now + delay)
        else:
            new.start()
        return new

    def lost(self, reason: str) -> None:
        """An established IKE_SA is gone (peer dead): dpdaction of each CHILD_SA, queued wishes go on."""
        self.failure = reason
        self._restart_children([(c, c.config.dpd_action) for c in self.current_children()])

    def closed_by_peer(self) -> None:
        """The peer deleted the IKE_SA: closeaction of each CHILD_SA, queued wishes go on."""
        self._restart_children([(c, c.config.close_action) for c in self.current_children()])

    def current_children(self) -> list[ChildSa]:
        return [c for c in self.children.values() if c.is_up]

    def _restart_children(self, actions: list[tuple[ChildSa, CloseAction]]) -> None:
        restart = [Wish(c.config, c.wanted_reqid) for c, a in actions if a is CloseAction.START]
        traps = [c.config for c, a in actions if a is CloseAction.TRAP]
        wishes, self.wishes = self.wishes, []
        connection, ctx = self.connection, self.ctx
        self.destroy()
        for config in traps:
            self.install_trap(config)
        wishes += [w for w in restart if all(w.child.name != x.child.name for x in wishes)]
        if wishes:
            new = type(self)(ctx, connection, True, None, None)
            new.log("IKE", f"restarting CHILD_SA {', '.join(w.child.name for w in wishes)}")
            for wish in wishes:
                new.wish(wish)
            new.start()

    def destroy(self) -> None:
        """Remove it and all it installed, silently towards the peer. Idempotent."""
        if self.state is IkeState.DESTROYED:
            return
        was_established = self.established_at is not None
        self.no_longer_half_open()
        for child in list(self.children.values()):
            self.child_down(child)
        self.closing()
        self.ctx.timers.cancel_owner(self.uid)
        self.ctx.ike_sas.pop(self.uid, None)
        self.ctx.by_spi.pop(self.own_spi, None)
        self.ctx.named.discard(self.name, self.uid)
        self.ctx.between.discard(self.between, self.uid)
        for wish in self.wishes:
            self.ctx.finish(
                wish, Outcome.FAILED, f"establishing connection '{wish.child.name}' failed", self.failure
            )
        self.wishes.clear()
        replaced = self.state is IkeState.REKEYED
        self.enter(IkeState.DESTROYED)
        if was_established and not replaced:
            self.ctx.emit(IkeUpDown(self.uid, self.name, False))
        self.ctx.closed("ike", self.uid)

    def closing(self) -> None:
        """Hook of the versions: forget registrations of their own before the SA goes."""

    # deadlines ----------------------------------------------------------------------

    def on_deadline(self, kind: Deadline, subject: int) -> None:
        """Called by the engine; kinds that only a version has go to ``on_version_deadline``."""
        child = self.children.get(subject)
        match kind:
            case Deadline.RETRY:
                self.start()
            case Deadline.HALF_OPEN:
                self.log("JOB", "deleting half open IKE_SA with "
                         f"{self.remote.address} after timeout")  # fmt: skip
                self.negotiation_failed("the peer did not finish the negotiation", retry=False)
            case Deadline.REKEY:
                self.rekey()
            case Deadline.REAUTH:
                self.reauthenticate()
            case Deadline.EXPIRE:
                self.log("IKE", f"IKE_SA {self} expired: its maximum lifetime is over")
                self.delete()
            case Deadline.RETIRE:
                self.delete()
            case Deadline.DPD:
                self.upkeep.dpd_due()
            case Deadline.KEEPALIVE:
                self.upkeep.keepalive_due()
            case Deadline.CHILD_REKEY if child is not None:
                self.rekey_child(child)
            case Deadline.CHILD_EXPIRE if child is not None:
                self.child_expired(child)
            case Deadline.CHILD_INACTIVE if child is not None:
                self.upkeep.inactivity_due(child)
            case Deadline.CHILD_RETIRE if child is not None:
                self.child_down(child)
            case Deadline.CHILD_SWITCH if child is not None:
                child.send_at_last()
            case _:
                self.on_version_deadline(kind, subject)

    def child_expired(self, child: ChildSa) -> None:
        """A hard limit: the CHILD_SA is dead; the peer is told, and nothing replaces it."""
        if child.state is ChildState.REKEYED:
            self.child_down(child)
            return
        self.log(
            "KNL", f"closing expired CHILD_SA {child} with SPIs {child.spi_in:08x}_i {child.spi_out:08x}_o"
        )
        self.delete_child(child)

    # shown --------------------------------------------------------------------------

    def snapshot(self) -> IkeSnapshot:
        timers = self.ctx.timers
        queued, active = self.tasks()
        nowhere = Endpoint.of("0.0.0.0", 0)
        return IkeSnapshot(
            uid=self.uid,
            name=self.name,
            version=self.version,
            state=self.state.value,
            initiator=self.initiator,
            spi_i=self.spi_i,
            spi_r=self.spi_r,
            local=self._local or nowhere,
            remote=self._remote or nowhere,
            local_id=self.local_id,
            remote_id=self.remote_id,
            proposal=self.proposal,
            children=tuple(c.snapshot() for c in self.children.values()),
            established_at=self.established_at,
            rekey_at=timers.at(self.uid, Deadline.REKEY),
            reauth_at=timers.at(self.uid, Deadline.REAUTH),
            expires_at=timers.at(self.uid, Deadline.EXPIRE),
            local_behind_nat=self.local_behind_nat,
            remote_behind_nat=self.remote_behind_nat,
            local_vips=tuple(self.local_vips),
            remote_vips=tuple(self.remote_vips),
            tasks_queued=queued,
            tasks_active=active,
            waiting=self.waiting,
            orphan=self.ctx.connections.named(self.name) is None,
            trouble="" if self.is_established else self.likely_trouble(),
        )

    def likely_trouble(self) -> str:
        """Why the negotiation does not come to its end; empty where nothing is known."""
        return self.failure

    # version ------------------------------------------------------------------------

    @abstractmethod
    def begin(self) -> None:
        """Endpoints are known: send the first message."""

    @abstractmethod
    def receive(self, datagram: Datagram, header: Header) -> None:
        """A message for this IKE_SA. Raises nothing; a PeerError is answered inside."""

    @abstractmethod
    def create_child(self, wish: Wish) -> None:
        """Established: negotiate a CHILD_SA for this wish (queue it when the window is full)."""

    @abstractmethod
    def rekey_child(self, child: ChildSa) -> None:
        """Replace this CHILD_SA by a new one, overlapping."""

    @abstractmethod
    def delete_child(self, child: ChildSa) -> None:
        """Close this CHILD_SA and tell the peer. Finishes with ``child_down``."""

    @abstractmethod
    def rekey(self) -> None:
        """Replace this IKE_SA's keys (IKEv2: CREATE_CHILD_SA; IKEv1: reauthenticate)."""

    @abstractmethod
    def reauthenticate(self) -> None:
        """Make a new IKE_SA with new authentication, move over, and drop this one."""

    @abstractmethod
    def delete(self) -> None:
        """Close this IKE_SA with all CHILD_SAs and tell the peer; ends in ``destroy``."""

    @abstractmethod
    def check_liveness(self) -> None:
        """Ask the peer whether it lives (RFC 3706; RFC 7296 §2.4). No answer ends in ``lost``."""

    @abstractmethod
    def tasks(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the queued and of the active tasks, for statusall."""

    def redirect(self, gateway: str) -> None:
        """Send the peer to another gateway. Raises RequestError where that cannot be."""
        raise RequestError(f"IKEv{self.version} cannot redirect a peer")

    def on_version_deadline(self, kind: Deadline, subject: int) -> None:
        """Deadlines that only one version has (RETRANSMIT, ...)."""
