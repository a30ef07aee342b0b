"""The CHILD_SA (IKEv1: the pair of IPsec SAs of one Quick Mode): its state and what it installs.

Both IKE versions use it: a task makes one, fills in what was negotiated, and installs the
inbound and the outbound side when its exchange says so (initiator: both at once; responder:
inbound before the reply, outbound after). Its lifetimes are scheduled when it is up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from cygnet.boundary.effects import InstallPolicy, InstallSa, RemovePolicy, RemoveSa, UpdateSa
from cygnet.boundary.snapshot import ChildSnapshot
from cygnet.boundary.specs import Direction, PolicyAction, PolicySpec, SaId, SaMode, SaSpec
from cygnet.engine.owner import Owner
from cygnet.engine.policy import priority_of
from cygnet.engine.services import Services
from cygnet.engine.timers import Deadline
from cygnet.model.config import Child, Lifetime
from cygnet.values.endpoint import Endpoint
from cygnet.values.errors import RequestError
from cygnet.values.iana import EsnId, IntegId, Protocol, TransformType
from cygnet.values.proposal import Proposal, Transform
from cygnet.values.secret import Secret
from cygnet.values.selector import Packet, Selectors

#: seconds; the response and two retransmissions of its request have had their time by then
SWITCH_TIME = 15.0
#: CHILD_SAs of one IKE_SA that a peer can have made; each takes some 10 KB here and in the data plane
MAX_CHILDREN = 1000


class ChildState(Enum):
    """As charon names them in status."""

    CREATED = "CREATED"
    INSTALLING = "INSTALLING"
    INSTALLED = "INSTALLED"
    REKEYING = "REKEYING"
    REKEYED = "REKEYED"
    DELETING = "DELETING"
    DELETED = "DELETED"


TRANSITIONS: dict[ChildState, tuple[ChildState, ...]] = {
    ChildState.CREATED: (ChildState.INSTALLING, ChildState.INSTALLED, ChildState.DELETED),
    ChildState.INSTALLING: (ChildState.INSTALLED, ChildState.DELETING, ChildState.DELETED),
    ChildState.INSTALLED: (ChildState.REKEYING, ChildState.REKEYED, ChildState.DELETING, ChildState.DELETED),
    ChildState.REKEYING: (ChildState.INSTALLED, ChildState.REKEYED, ChildState.DELETING, ChildState.DELETED),
    ChildState.REKEYED: (ChildState.INSTALLED, ChildState.DELETING, ChildState.DELETED),
    ChildState.DELETING: (ChildState.DELETED,),
    ChildState.DELETED: (),
}


@dataclass(frozen=True, slots=True)
class ChildKeys:
    """KEYMAT of one CHILD_SA, by direction as seen from here."""

    encr_in: Secret
    integ_in: Secret
    encr_out: Secret
    integ_out: Secret


class Held:
    """CHILD_SAs that carry on what another one still sends, by their traffic, in the order they were made."""

    def __init__(self, services: Services) -> None:
        self._of: dict[tuple[Selectors, Selectors], list[ChildSa]] = {}

    def add(self, child: ChildSa) -> None:
        self._of.setdefault((child.local_ts, child.remote_ts), []).append(child)

    def discard(self, child: ChildSa) -> None:
        held = self._of.get((child.local_ts, child.remote_ts), [])
        if child in held:
            held.remove(child)
        if not held:
            self._of.pop((child.local_ts, child.remote_ts), None)

    def like(self, child: ChildSa) -> list[ChildSa]:
        held = self._of.get((child.local_ts, child.remote_ts), ())
        return [other for other in held if other is not child and other.is_up]


class ChildSa:
    """One CHILD_SA. ``spi_in`` is ours (drawn at once), ``spi_out`` the peer's (0: not known yet)."""

    def __init__(self, services: Services, owner: Owner[ChildSa], config: Child, reqid: int = 0) -> None:
        self.services = services
        self.owner = owner
        self.config = config
        self.uid = services.new_child_uid()
        self.state = ChildState.CREATED
        self.spi_in = services.new_child_spi()
        self.spi_out = 0
        self.wanted_reqid = reqid or config.reqid
        self.reqid = self.wanted_reqid
        self.protocol = Protocol.ESP
        self.mode = SaMode.TUNNEL
        self.proposal: Proposal | None = None
        self.local_ts: Selectors = ()
        self.remote_ts: Selectors = ()
        self.policy_id: int | None = None
        self.installed_at: float | None = None
        self.in_id: SaId | None = None
        self.out_id: SaId | None = None
        self.begun_here = False  #: wanted by us, not by the peer
        self.more_possible = False  #: the peer would take what it has left out in CHILD_SAs of their own
        self.packet: Packet | None = None  #: whose it is, where a trap's packet asks for it
        self.rekeyed_by: int | None = None  #: uid of the CHILD_SA that replaced this one
        self._keys: ChildKeys | None = None
        self._held = False  #: the outbound SA waits for that of the predecessor to go
        self._holds_reqid = False

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def owner_uid(self) -> int:
        return self.owner.uid

    def __str__(self) -> str:
        return f"{self.name}{{{self.uid}}}"

    @property
    def is_up(self) -> bool:
        """Whether traffic can use it as the current one (not yet replaced or going)."""
        return self.state in (ChildState.INSTALLED, ChildState.REKEYING)

    def enter(self, state: ChildState) -> None:
        if state is self.state:
            return
        assert state in TRANSITIONS[self.state], f"CHILD_SA {self}: {self.state} -> {state}"
        self.services.log(
            "CHD", f"CHILD_SA {self} state change: {self.state.value} => {state.value}", 2, self.owner
        )
        self.state = state

    # negotiated ---------------------------------------------------------------------

    def agree(
        self, proposal: Proposal, local_ts: Selectors, remote_ts: Selectors, keys: ChildKeys, mode: SaMode
    ) -> None:
        """What both sides agreed on; nothing is installed yet."""
        if not local_ts or not remote_ts:
            raise RequestError(f"CHILD_SA {self} has no traffic selectors")
        self.proposal, self.mode = proposal, mode
        self.protocol = proposal.protocol
        self.local_ts, self.remote_ts = local_ts, remote_ts
        self._keys = keys
        self.reqid = self.services.reqids.take(local_ts, remote_ts, self.wanted_reqid)
        self._holds_reqid = True

    def _spec(self, direction: Direction) -> SaSpec:
        assert self.proposal is not None and self._keys is not None
        inbound = direction is Direction.IN
        keys, config = self._keys, self.config
        encr = self.proposal.first(TransformType.ENCR)
        integ = self.proposal.first(TransformType.INTEG)
        esn = self.proposal.first(TransformType.ESN)
        assert encr is not None
        soft_bytes, hard_bytes = self._volume(config.bytes)
        soft_packets, hard_packets = self._volume(config.packets)
        return SaSpec(
            direction=direction,
            spi=self.spi_in if inbound else self.spi_out,
            reqid=self.reqid,
            local=self.owner.esp_local,
            remote=self.owner.esp_remote,
            encr=encr,
            encr_key=keys.encr_in if inbound else keys.encr_out,
            integ=self._cut(integ) if integ is not None and integ.id else None,
            integ_key=keys.integ_in if inbound else keys.integ_out,
            protocol=self.protocol,
            mode=self.mode,
            encap=self.owner.encap,
            esn=esn is not None and esn.id == EsnId.ESN,
            local_ts=self.local_ts,
            remote_ts=self.remote_ts,
            replay_window=config.replay_window,
            soft_bytes=soft_bytes,
            hard_bytes=hard_bytes,
            soft_packets=soft_packets,
            hard_packets=hard_packets,
            tfc_padding=0 if inbound else config.tfc_padding,
            copy_df=config.copy_df,
            copy_ecn=config.copy_ecn,
            copy_dscp=config.copy_dscp,
            name=self.name,
        )

    def _cut(self, integ: Transform) -> Transform:
        """Which of the two HMAC-SHA-256 it is cannot be negotiated: they share a number."""
        cut = self.config.sha256_96 and integ.id == IntegId.HMAC_SHA2_256_128
        return replace(integ, id=IntegId.HMAC_SHA2_256_96) if cut else integ

    def _volume(self, limit: Lifetime) -> tuple[int, int]:
        """(soft, hard) with the soft one's jitter drawn."""
        if not limit.rekey:
            return 0, limit.life
        return max(1, int(limit.rekey - self.services.entropy.uniform(0, limit.jitter))), limit.life

    # install and remove -------------------------------------------------------------

    def install_inbound(self) -> None:
        if self.state is ChildState.CREATED:
            self.enter(ChildState.INSTALLING)
        spec = self._spec(Direction.IN)
        self.in_id = spec.id
        self.services.installed[spec.id] = self
        self.services.emit(InstallSa(spec))

    def install_outbound(self) -> None:
        """The outbound SA, then the policy that leads traffic to it; lifetimes start."""
        self._send_from_now()
        self._begin()

    def hold_outbound(self, seconds: float = SWITCH_TIME) -> None:
        """All but the outbound SA: one that is there goes on sending until it is removed.

        What the responder of a rekeying does (RFC 7296 §2.8): the initiator can take packets on
        the new SA only when it has seen the response, and shows that it has by deleting the old.
        """
        self._held = True
        self.services.part(Held).add(self)
        self._begin()
        self._send_in(seconds)

    def _send_in(self, seconds: float) -> None:
        self.services.timers.set(self.owner.uid, Deadline.CHILD_SWITCH, self.services.now + seconds, self.uid)

    def send_at_last(self) -> None:
        """The delete that ``hold_outbound`` waits for has not come: do without."""
        if self._held and self.is_up:
            self._send_from_now()

    def _begin(self) -> None:
        self.installed_at = self.services.now
        self.enter(ChildState.INSTALLED)
        self._schedule()

    def _send_from_now(self) -> None:
        spec = self._spec(Direction.OUT)
        self.out_id = spec.id
        self.services.installed[spec.id] = self
        self.services.emit(InstallSa(spec))
        self.install_policy()
        self._keys = None
        self._release()
        self.services.timers.cancel(self.owner.uid, Deadline.CHILD_SWITCH, self.uid)

    def _let_successor_send(self) -> None:
        held = self.services.part(Held).like(self)
        if held:
            held[-1]._send_from_now()

    def _release(self) -> None:
        if self._held:
            self._held = False
            self.services.part(Held).discard(self)

    def install_policy(self) -> None:
        """Idempotent. Before the outbound SA it has packets wait for that instead of being lost."""
        if self.config.install_policy and self.policy_id is None:
            self.policy_id = self.services.new_policy_id()
            self.services.emit(InstallPolicy(self._policy(self.policy_id)))

    def _policy(self, policy_id: int) -> PolicySpec:
        return PolicySpec(
            id=policy_id,
            action=PolicyAction.PROTECT,
            local_ts=self.local_ts,
            remote_ts=self.remote_ts,
            priority=priority_of(self.config, self.local_ts, self.remote_ts, trap=False),
            reqid=self.reqid,
            mode=self.mode,
            local=self.owner.local,
            remote=self.owner.remote,
            name=self.name,
        )

    def _schedule(self) -> None:
        assert self.installed_at is not None
        time, timers, owner = self.config.time, self.services.timers, self.owner.uid
        if time.rekey:
            soft = time.rekey - self.services.entropy.uniform(0, time.jitter)
            timers.set(owner, Deadline.CHILD_REKEY, self.installed_at + max(soft, 1.0), self.uid)
        if self._held:
            self._send_in(SWITCH_TIME)
        if time.life:
            timers.set(owner, Deadline.CHILD_EXPIRE, self.installed_at + time.life, self.uid)
        if self.config.inactivity:
            timers.set(owner, Deadline.CHILD_INACTIVE, self.services.now + self.config.inactivity, self.uid)

    def resume(self) -> None:
        """What replaced it is gone, and it is still installed both ways: it is the current one again."""
        self.rekeyed_by = None
        self.enter(ChildState.INSTALLED)
        self._cancel_timers()
        self._schedule()

    def reconfigure(self, config: Child) -> None:
        """Take over changed timers and actions in place (update)."""
        self.config = config
        if self.installed_at is not None and self.is_up:
            self._cancel_timers()
            self._schedule()

    def move_to(self, owner: Owner[ChildSa]) -> None:
        """Let another IKE_SA own this one (IKE rekeying, IKEv1 reauthentication)."""
        timers, old = self.services.timers, self.owner.uid
        for kind in CHILD_DEADLINES:
            at = timers.at(old, kind, self.uid)
            if at is not None:
                timers.cancel(old, kind, self.uid)
                timers.set(owner.uid, kind, at, self.uid)
        self.owner.children.pop(self.uid, None)
        self.owner = owner
        owner.children[self.uid] = self

    def update_endpoints(self) -> None:
        """The IKE_SA's endpoints changed: move both SAs and the policy along."""
        local, remote, encap = self.owner.esp_local, self.owner.esp_remote, self.owner.encap
        for direction, old in ((Direction.IN, self.in_id), (Direction.OUT, self.out_id)):
            if old is None:
                continue
            self.services.emit(UpdateSa(old, local, remote, encap))
            end = local if direction is Direction.IN else remote
            new = SaId(direction, old.protocol, old.spi, end)
            self.services.installed.pop(old, None)
            self.services.installed[new] = self
            if direction is Direction.IN:
                self.in_id = new
            else:
                self.out_id = new
        if self.policy_id is not None:
            old_policy, self.policy_id = self.policy_id, self.services.new_policy_id()
            self.services.emit(InstallPolicy(self._policy(self.policy_id)))
            self.services.emit(RemovePolicy(old_policy))

    def remove_outbound(self) -> None:
        """A rekeyed CHILD_SA stops sending but still takes stray packets."""
        if self.out_id is not None:
            self._let_successor_send()
            self.services.emit(RemoveSa(self.out_id))
            self.services.installed.pop(self.out_id, None)
            self.out_id = None
        self._remove_policy()

    def remove(self) -> None:
        """Take everything out of the data plane. Idempotent."""
        self._cancel_timers()
        self._release()
        self.remove_outbound()
        if self.in_id is not None:
            self.services.emit(RemoveSa(self.in_id))
            self.services.installed.pop(self.in_id, None)
            self.in_id = None
        if self._holds_reqid:
            self.services.reqids.release(self.reqid)
            self._holds_reqid = False
        self.services.release_child_spi(self.spi_in)
        self._keys = None
        self.owner.children.pop(self.uid, None)
        self.enter(ChildState.DELETED)

    def _remove_policy(self) -> None:
        if self.policy_id is not None:
            self.services.emit(RemovePolicy(self.policy_id))
            self.policy_id = None

    def _cancel_timers(self) -> None:
        for kind in CHILD_DEADLINES:
            self.services.timers.cancel(self.owner.uid, kind, self.uid)

    # shown --------------------------------------------------------------------------

    def snapshot(self) -> ChildSnapshot:
        timers, owner = self.services.timers, self.owner.uid
        return ChildSnapshot(
            uid=self.uid,
            name=self.name,
            state=self.state.value,
            mode=self.mode.value,
            reqid=self.reqid,
            protocol=self.protocol.name,
            encap=self.owner.encap,
            spi_in=self.spi_in,
            spi_out=self.spi_out,
            sa_in=self.in_id,
            sa_out=self.out_id,
            proposal=self.proposal,
            local_ts=self.local_ts,
            remote_ts=self.remote_ts,
            installed_at=self.installed_at,
            rekey_at=timers.at(owner, Deadline.CHILD_REKEY, self.uid),
            expires_at=timers.at(owner, Deadline.CHILD_EXPIRE, self.uid),
        )


#: Every deadline that belongs to a CHILD_SA (subject: its uid)
CHILD_DEADLINES = (
    Deadline.CHILD_REKEY,
    Deadline.CHILD_EXPIRE,
    Deadline.CHILD_INACTIVE,
    Deadline.CHILD_RETIRE,
    Deadline.CHILD_SWITCH,
    Deadline.SETTLE,
)


def esp_endpoint(end: Endpoint, encap: bool) -> Endpoint:
    """An IKE endpoint as ESP uses it: no ports without UDP encapsulation."""
    return end if encap else end.with_port(0)
