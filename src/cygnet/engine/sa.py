"""The IKE_SA as both versions share it: identity, endpoints, state, CHILD_SAs, who waits for it.

It knows itself and what it owns. What is done with it stands in the modules above: ``life``
(established, failed, lost, destroyed), ``children``, ``upkeep`` (by the clock), and the tasks of
the versions, which add their own state in ``ikev1.sa.IkeSaV1`` and ``ikev2.sa.IkeSaV2``. What it
wants done it says as a value (``do``), and the table of its version knows what does it.

Life of an initiated IKE_SA:

    Start -> addresses are found (Resolve, FindSource: ``waiting`` says for what)
          -> Begin           first message leaves; CONNECTING
          -> established     peer authenticated; lifetimes start; wishes become exchanges
          -> destroyed or lost
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import Enum
from typing import Self, TypeVar, cast

from cygnet.boundary.effects import Send
from cygnet.boundary.snapshot import IkeSnapshot
from cygnet.engine.child import ChildSa, esp_endpoint
from cygnet.engine.pacing import PROBE, Pacing
from cygnet.engine.registry import IdentityPair, Registry
from cygnet.engine.timers import Deadline
from cygnet.engine.wanted import Failure, WantedChildren
from cygnet.engine.wants import CreateChild, Want
from cygnet.engine.wish import Wish
from cygnet.model.config import Connection
from cygnet.values.endpoint import Address, Endpoint
from cygnet.values.identity import ANY, Identity
from cygnet.values.proposal import Proposal
from cygnet.wire.header import NO_SPI

P = TypeVar("P")

#: seconds for which a peer keeps a negotiation that is not finished: charon's and our half_open_timeout
PATIENCE_OF_PEERS = 30.0
A_SECOND = 1.0  #: what was sent less than this ago may still be answered


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
        registry: Registry[IkeSa],
        connection: Connection,
        initiator: bool,
        local: Endpoint | None = None,
        remote: Endpoint | None = None,
    ) -> None:
        self.registry = registry
        self.services = registry.services
        self.uid = self.services.new_uid()
        self._connection = connection
        registry.named.add(connection.name, self.uid, self)
        self.initiator = initiator
        self.state = IkeState.CREATED
        self._local, self._remote = local, remote
        own = registry.new_ike_spi()
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
        self.created_at = self.services.now
        self.begun_at = self.services.now  #: when its first message left for the first time
        self.established_at: float | None = None
        self.last_received = self.services.now  #: last authentic IKE message
        self.last_sent = self.services.now
        self.silent_since: float | None = None  #: an established peer was asked, and has not answered yet
        self.waiting = ""  #: what it waits for, for status
        self.failed_by = Failure.REFUSED  #: what kind of failure it was
        self.failure = ""  #: the likely reason of a failed negotiation, for the user
        self.has_carried = False  #: CHILD_SAs; without any, and meant for some, it is not renewed
        self.is_one_of_many = False  #: several connections have the same two ends; of use for IKEv1
        self.retired = False  #: another one is in its place; it only waits for its end
        self.reauthenticates: int | None = None  #: uid of the IKE_SA this one replaces
        self.gateway = ""  #: where the peer sent us instead of the configured address (RFC 5685)
        self.local_vips: list[Address] = []
        self.remote_vips: list[Address] = []
        self._parts: dict[object, object] = {}
        registry.ike_sas[self.uid] = self
        registry.by_spi[own] = self

    def do(self, want: Want) -> None:
        """What the table of its version has for this."""
        self.registry.operations[self.version][type(want)](self, want)

    def part(self, kind: Callable[[Self], P]) -> P:
        """What one operation keeps with the IKE_SA: made when first asked for."""
        if kind not in self._parts:
            self._parts[kind] = kind(self)
        return cast(P, self._parts[kind])

    def anew(self) -> Self:
        """Another one with the same peer, which we begin."""
        return type(self)(self.registry, self.connection, True)

    # identity -----------------------------------------------------------------------

    @property
    def connection(self) -> Connection:
        """Which one it serves; a responder may learn another one from the peer's identity."""
        return self._connection

    @connection.setter
    def connection(self, connection: Connection) -> None:
        self.registry.named.discard(self._connection.name, self.uid)
        self._connection = connection
        self.registry.named.add(connection.name, self.uid, self)

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
    def is_bound(self) -> bool:
        """Whether it is known which of several connections with the same peer it is for."""
        return True

    @property
    def can_carry(self) -> bool:
        """Whether a new CHILD_SA may be asked of it now or once it is established."""
        begun = self.state in (IkeState.CREATED, IkeState.CONNECTING) or self.is_established
        return begun and not self.retired and self.is_bound

    @property
    def is_first_attempt(self) -> bool:
        """Whether we have begun it, it is under way, and it replaces none that is in use."""
        replaced = self.registry.ike_sas.get(self.reauthenticates or 0)
        in_use = replaced is not None and replaced.is_established and not replaced.retired
        return self.initiator and self.state is IkeState.CONNECTING and not in_use

    @property
    @abstractmethod
    def may_withdraw(self) -> bool:
        """Whether it is a first attempt, and the peer cannot have accepted it yet."""

    def log(self, group: str, text: str, level: int = 1) -> None:
        self.services.log(group, text, level, self)

    def enter(self, state: IkeState) -> None:
        if state is self.state:
            return
        assert state in TRANSITIONS[self.state], f"IKE_SA {self}: {self.state} -> {state}"
        self.log("IKE", f"IKE_SA {self} state change: {self.state.value} => {state.value}", 2)
        self.state = state
        if state is IkeState.ESTABLISHED:
            self.registry.between.add(self.between, self.uid, self)

    def place(self, local: Endpoint, remote: Endpoint) -> None:
        """Where a negotiation begins; CHILD_SAs that it may inherit stay where they are."""
        self._local, self._remote = local, remote

    def stand_in_for(self, other: IkeSa) -> None:
        """What it has from ``other`` is where that was, as long as it has not begun itself."""
        if self._local is None or self._remote is None:
            self._local, self._remote = other._local, other._remote

    def set_endpoints(self, local: Endpoint, remote: Endpoint) -> None:
        """Move both ends (port float, NAT mapping, MOBIKE); CHILD_SAs follow."""
        if (local, remote) == (self._local, self._remote):
            return
        self._local, self._remote = local, remote
        for child in list(self.children.values()):
            if child.in_id is not None:
                child.update_endpoints()

    def mapping_changed(self, remote: Endpoint) -> None:
        """Authentic ESP came from another endpoint: follow it where the peer is behind a NAT."""
        if self.remote_behind_nat and self.is_established:
            self.log("NET", f"remote endpoint changed from {self.remote} to {remote}")
            self.set_endpoints(self.local, remote)

    # use ----------------------------------------------------------------------------

    def wish(self, wish: Wish) -> None:
        """Somebody wants this CHILD_SA over this IKE_SA, now or as soon as it is established."""
        wish.attach(self.services, self.uid)
        if wish.refs:
            self.services.part(Pacing).hurry(self.uid)
            self._hurry()
        same = next((w for w in self.wishes if w.child.name == wish.child.name), None)
        if same is not None:
            same.merge(wish)
            return
        self.wishes.append(wish)
        if self.is_established:
            self.do(CreateChild(wish))

    def _hurry(self) -> None:
        """A user does not wait for the next try, nor for the next time that the peer is asked."""
        timers, now = self.services.timers, self.services.now
        for kind in (Deadline.RETRY, Deadline.RETRANSMIT):
            waits = timers.at(self.uid, kind) is not None
            if self.established_at is None and waits and now - self.last_sent >= A_SECOND:
                timers.set(self.uid, kind, now)

    def current_children(self) -> list[ChildSa]:
        return [c for c in self.children.values() if c.is_up]

    def send(self, data: bytes) -> None:
        self.last_sent = self.services.now
        self.log("NET", f"sending packet: from {self.local} to {self.remote} ({len(data)} bytes)")
        self.services.emit(Send(self.local, self.remote, data, dscp=self.connection.dscp))

    def patience(self, delay: float) -> float:
        """Seconds to wait for an answer, of the ``delay`` that the schedule has: where the tunnel is meant
        to be up, whoever answers again is found within ``PROBE``."""
        if self.services.timers.at(self.uid, Deadline.KNOCK) is not None:
            return min(delay / 2, PROBE)
        probing = self.established_at is None and self._is_meant_to_be_up()
        return self.services.part(Pacing).patience(self.uid, min(delay, PROBE) if probing else delay)

    def _is_meant_to_be_up(self) -> bool:
        """Whether it is negotiated for what has to be up: wished for, or left to it by another one."""
        wanted = self.services.part(WantedChildren)
        replaced = self.registry.ike_sas.get(self.reauthenticates or 0)
        children = [*self.children.values(), *(replaced.children.values() if replaced else ())]
        return any(wanted.get(child.name) for child in children) or any(
            wanted.get(w.child.name) or w.policy_id is not None for w in self.wishes
        )

    def is_forgotten(self, tries: int) -> bool:
        """The peer has answered, but not what was sent ``tries`` times again since: it has given up this
        negotiation by now, and only a new one can come to anything. What a user tries goes on."""
        if self.established_at is not None or self.spi_r == NO_SPI or not tries:
            return False
        waited_for = any(w.refs for w in self.wishes)
        late = self.services.now - self.begun_at > PATIENCE_OF_PEERS
        return late and not waited_for and self._is_meant_to_be_up()

    @property
    def is_waiting(self) -> bool:
        """For its turn, or for the next try: nothing is under way now."""
        waits = self.services.part(Pacing).waits_for(self.uid)
        return bool(waits) or self.waiting.startswith("the next try")

    def may_repeat(self) -> bool:
        """Its message has had no answer: whether to send it again now, or when ``RETRANSMIT`` comes."""
        return self.services.part(Pacing).may_repeat(self.uid, self.spi_r == NO_SPI, self.last_sent)

    @property
    def is_stranger(self) -> bool:
        """Begun by a peer that may not be where it says it is."""
        return self.registry.half_open.is_stranger(self.uid)

    def count_half_open(self, proven: bool = False) -> None:
        """This IKE_SA was begun by the peer and counts against its limits until established.
        ``proven``: the peer has shown that it receives at its address."""
        self.registry.half_open.begin(self.uid, self.remote.address, proven)
        timeout = self.services.config.settings.half_open_timeout
        self.services.timers.set(self.uid, Deadline.HALF_OPEN, self.services.now + timeout)

    def no_longer_half_open(self) -> None:
        self.registry.half_open.end(self.uid)
        self.services.timers.cancel(self.uid, Deadline.HALF_OPEN)

    # shown --------------------------------------------------------------------------

    def snapshot(self) -> IkeSnapshot:
        timers = self.services.timers
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
            waiting=self.services.part(Pacing).waits_for(self.uid) or self.waiting,
            orphan=self.services.connections.named(self.name) is None,
            trouble="" if self.is_established else self.likely_trouble(),
        )

    def likely_trouble(self) -> str:
        """Why the negotiation does not come to its end; empty where nothing is known."""
        return self.failure

    @abstractmethod
    def tasks(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the queued and of the active tasks, for statusall."""
