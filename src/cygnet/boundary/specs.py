"""What a data plane installs: one direction of a CHILD_SA, and policies.

How they belong together: a **policy** says which outbound packets are to be protected and
names a ``reqid``; the data plane sends such a packet through the newest outbound SA with
that reqid. An **SA** carries its selectors too, for the check after decapsulation
(RFC 4301 §5.2). A policy with ``trap`` whose reqid has no outbound SA reports ``Acquire``
and holds the packet. Several policies may have the same selectors (a trap and the tunnel it
started, a CHILD_SA and its rekeyed successor): each has its ``id`` and goes on its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from cygnet.values.endpoint import Endpoint
from cygnet.values.iana import Protocol
from cygnet.values.proposal import Transform
from cygnet.values.secret import Secret
from cygnet.values.selector import TrafficSelector


class Direction(Enum):
    IN = "in"
    OUT = "out"


class SaMode(Enum):
    TUNNEL = "TUNNEL"
    TRANSPORT = "TRANSPORT"
    BEET = "BEET"


@dataclass(frozen=True, slots=True)
class SaId:
    """The key of an SA: for IN ours (``destination`` is us), for OUT the peer's.

    ``spi`` is 1..2**32-1 as an int. ``destination`` is the outer destination address.
    """

    direction: Direction
    protocol: Protocol
    spi: int
    destination: Endpoint


@dataclass(frozen=True, slots=True)
class SaSpec:
    """One direction of a CHILD_SA.

    ``encr_key`` includes the salt or nonce of counter and AEAD modes at its end, as KEYMAT
    gives it (RFC 4106 §8.1, RFC 7634 §2). ``integ`` is None for AEAD.
    ``local`` and ``remote`` are the outer endpoints as seen from here; their ports count only
    with ``encap`` (RFC 3948 UDP encapsulation).
    """

    direction: Direction
    spi: int
    reqid: int
    local: Endpoint
    remote: Endpoint
    encr: Transform
    encr_key: Secret
    integ: Transform | None = None
    integ_key: Secret = field(default=Secret(b""))
    protocol: Protocol = Protocol.ESP
    mode: SaMode = SaMode.TUNNEL
    encap: bool = False
    esn: bool = False
    local_ts: tuple[TrafficSelector, ...] = ()
    remote_ts: tuple[TrafficSelector, ...] = ()
    replay_window: int = 32
    soft_bytes: int = 0  #: report Expired(hard=False) at this many bytes; 0: never
    hard_bytes: int = 0
    soft_packets: int = 0
    hard_packets: int = 0
    tfc_padding: int = 0
    copy_df: bool = True
    copy_ecn: bool = True
    copy_dscp: str = "out"
    name: str = ""  #: of the child, for logs and status

    @property
    def id(self) -> SaId:
        end = self.local if self.direction is Direction.IN else self.remote
        return SaId(self.direction, self.protocol, self.spi, end)


class PolicyAction(Enum):
    PROTECT = "protect"
    PASS = "pass"
    DROP = "drop"  #: silently
    REJECT = "reject"  #: with an ICMP answer


@dataclass(frozen=True, slots=True)
class PolicySpec:
    """Which outbound packets get which treatment; the inbound check mirrors it.

    Lower ``priority`` numbers win; on a tie the higher ``id``. ``local`` and ``remote`` are
    the outer addresses for PROTECT (what the routes must not cover), None for shunts and
    for a trap whose peer is not known.
    """

    id: int
    action: PolicyAction
    local_ts: tuple[TrafficSelector, ...]
    remote_ts: tuple[TrafficSelector, ...]
    priority: int
    reqid: int = 0
    trap: bool = False
    mode: SaMode = SaMode.TUNNEL
    local: Endpoint | None = None
    remote: Endpoint | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class SaUsage:
    """Counters of one SA. ``idle`` is seconds since the last packet, None: no packet yet."""

    id: SaId
    bytes: int
    packets: int
    idle: float | None
    replayed: int = 0  #: dropped: outside or already in the replay window
    failed: int = 0  #: dropped: integrity check failed
    outside: int = 0  #: dropped: decapsulated packet not within the SA's selectors
