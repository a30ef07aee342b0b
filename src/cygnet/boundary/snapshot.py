"""The engine's state as frozen values: all that status, vici and metrics ever see.

Times are the engine's ``now`` (monotonic seconds); counters come from the data plane.
"""

from __future__ import annotations

from dataclasses import dataclass

from cygnet.boundary.specs import SaId
from cygnet.model.config import Connection
from cygnet.values.endpoint import Address, Endpoint
from cygnet.values.identity import Identity
from cygnet.values.proposal import Proposal
from cygnet.values.selector import TrafficSelector


@dataclass(frozen=True, slots=True)
class ChildSnapshot:
    uid: int
    name: str
    state: str  #: CREATED, INSTALLING, INSTALLED, REKEYING, REKEYED, DELETING, DELETED as charon
    mode: str
    reqid: int
    protocol: str  #: ESP or AH
    encap: bool
    spi_in: int
    spi_out: int
    sa_in: SaId | None
    sa_out: SaId | None
    proposal: Proposal | None
    local_ts: tuple[TrafficSelector, ...]
    remote_ts: tuple[TrafficSelector, ...]
    installed_at: float | None = None
    rekey_at: float | None = None
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class IkeSnapshot:
    uid: int
    name: str
    version: int  #: 1 or 2
    state: str  #: CREATED, CONNECTING, ESTABLISHED, PASSIVE, REKEYING, REKEYED, DELETING
    initiator: bool
    spi_i: bytes
    spi_r: bytes
    local: Endpoint
    remote: Endpoint
    local_id: Identity
    remote_id: Identity
    proposal: Proposal | None
    children: tuple[ChildSnapshot, ...]
    established_at: float | None = None
    rekey_at: float | None = None
    reauth_at: float | None = None
    expires_at: float | None = None
    local_behind_nat: bool = False
    remote_behind_nat: bool = False
    local_vips: tuple[Address, ...] = ()
    remote_vips: tuple[Address, ...] = ()
    tasks_queued: tuple[str, ...] = ()
    tasks_active: tuple[str, ...] = ()
    waiting: str = ""  #: what it waits for, in words: "retransmit 3 of request 0 in 13.0s"
    orphan: bool = False  #: runs without a loaded configuration
    trouble: str = ""  #: why it is not up yet, as far as can be told: for a user who waits for it


@dataclass(frozen=True, slots=True)
class RoutedSnapshot:
    """A trap ("Routed Connections") or a shunt ("Shunted Connections")."""

    uid: int
    name: str
    mode: str
    reqid: int
    policy_id: int
    local_ts: tuple[TrafficSelector, ...]
    remote_ts: tuple[TrafficSelector, ...]
    shunt: bool = False


@dataclass(frozen=True, slots=True)
class PoolSnapshot:
    name: str
    base: str
    size: int
    online: int
    offline: int


@dataclass(frozen=True, slots=True)
class WantedSnapshot:
    """A CHILD_SA that is meant to be up, and whether it is."""

    name: str
    connection: str
    why: str  #: the setting or command that asks for it: "auto=start"
    since: float  #: since when it is wanted
    down_since: float | None  #: None: it is up
    trying: bool  #: an IKE_SA is at it now
    tries: int  #: that failed in a row
    failure: str  #: why it is down, as far as can be told
    next_try: float | None  #: None: at once, under way, or not before something changes
    given_up: str  #: why nothing is tried; empty: it is


@dataclass(frozen=True, slots=True)
class ExpiringSnapshot:
    """A certificate in use that runs out, or has."""

    name: str
    what: str  #: "certificate", "CA certificate", "certificate of the peer"
    source: str  #: the file
    not_after: int  #: unix seconds
    text: str  #: the same as a sentence with what to do


@dataclass(frozen=True, slots=True)
class Snapshot:
    now: float
    connections: tuple[Connection, ...]
    ike_sas: tuple[IkeSnapshot, ...]
    routed: tuple[RoutedSnapshot, ...]
    pools: tuple[PoolSnapshot, ...] = ()
    half_open: int = 0
    wanted: tuple[WantedSnapshot, ...] = ()
    expiring: tuple[ExpiringSnapshot, ...] = ()
