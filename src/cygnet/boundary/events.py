"""What happened. ``Engine.handle(event, now)`` takes each of these.

``ref`` ties an answer to its question: given by whoever asks (the daemon for requests of
the user, the engine for queries), unique while it is open.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cygnet.boundary.specs import SaId, SaUsage
from cygnet.model.config import Config
from cygnet.values.endpoint import Address, Endpoint
from cygnet.values.selector import TrafficSelector


@dataclass(frozen=True, slots=True)
class Datagram:
    """An IKE message. The four zero bytes of port 4500 (RFC 3948 §2.2) are already taken off."""

    local: Endpoint
    remote: Endpoint
    data: bytes


@dataclass(frozen=True, slots=True)
class Tick:
    """The timer of ``next_deadline`` fired. Being early is harmless."""


@dataclass(frozen=True, slots=True)
class Configure:
    """Load this configuration in place of the one before.

    Connections that are equal to before keep their SAs; ``fresh`` names those to treat as new
    although they are equal (``reload``). ``start`` False: load without auto= actions.
    """

    config: Config
    fresh: frozenset[str] = frozenset()
    start: bool = True


@dataclass(frozen=True, slots=True)
class Initiate:
    """``up``: bring up child ``name`` (or all children of connection ``name``)."""

    ref: int
    name: str


@dataclass(frozen=True, slots=True)
class Terminate:
    """``down``: ``name``, ``name{}``, ``name[]``, ``name{3}``, ``[3]``, ``{3}``, ``[*]``, ``{*}``."""

    ref: int
    target: str


@dataclass(frozen=True, slots=True)
class Route:
    """``route``: install the trap or shunt of child ``name``."""

    ref: int
    name: str


@dataclass(frozen=True, slots=True)
class Unroute:
    ref: int
    name: str


@dataclass(frozen=True, slots=True)
class Rekey:
    """Rekey now: ``{n}`` a CHILD_SA, ``[n]`` an IKE_SA, or a name; ``reauth`` for IKE_SAs."""

    ref: int
    target: str
    reauth: bool = False


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send peers to another ``gateway`` (RFC 5685): those of the IKE_SAs that fit all that is given.

    ``target``: a name, ``[n]``, ``[*]``; ``peer``: an address, subnet or range; ``peer_id``: an
    identity, wildcards allowed. Empty: any.
    """

    ref: int
    gateway: str
    target: str = ""
    peer: str = ""
    peer_id: str = ""


@dataclass(frozen=True, slots=True)
class Shutdown:
    """The daemon stops: delete every SA (deletes are sent once, nobody waits)."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """Answer to effect Resolve. ``addresses`` empty: it failed, ``error`` says how."""

    ref: int
    addresses: tuple[Address, ...]
    error: str = ""


@dataclass(frozen=True, slots=True)
class AddressesChanged:
    """The machine's own addresses or routes changed (MOBIKE)."""

    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class ClockSet:
    """The time of day was set: by NTP on a machine that starts in 1970, or by somebody."""

    unix_offset: float  #: the Unix time at ``now`` 0, in seconds


@dataclass(frozen=True, slots=True)
class SourceAddress:
    """Answer to effect FindSource: the local address packets to ``remote`` leave from."""

    ref: int
    address: Address | None


@dataclass(frozen=True, slots=True)
class Fetched:
    """Answer to effect Fetch. ``found`` is what was read of it (a Crl, an OcspAnswer, a Certificate, a
    Bundle), off the engine's thread, as a large CRL takes a second; None: it failed, and ``error`` says
    how. ``silent``: nobody has answered at all, so that asking the same server something else is no use."""

    ref: int
    found: object | None
    error: str = ""
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Signed:
    """Answer to effect Sign. ``error`` says why there is no signature."""

    ref: int
    signature: bytes = field(repr=False)
    error: str = ""


@dataclass(frozen=True, slots=True)
class Purge:
    """``purgecrls``, ``purgeocsp``: forget what was fetched, and what could not be."""

    ref: int
    crls: bool = False
    ocsp: bool = False


@dataclass(frozen=True, slots=True)
class PurgeIke:
    """``purgeike``: delete IKE_SAs that carry no CHILD_SA."""

    ref: int


# Reports of a data plane.


@dataclass(frozen=True, slots=True)
class Acquire:
    """A packet wants through trap ``policy_id``; source and destination say which packet."""

    policy_id: int
    reqid: int
    source: TrafficSelector
    destination: TrafficSelector


@dataclass(frozen=True, slots=True)
class Expired:
    """A byte or packet limit (or the sequence numbers' end) was reached; hard: the SA is dead."""

    sa: SaId
    reqid: int
    hard: bool


@dataclass(frozen=True, slots=True)
class Usage:
    """Answer to effect Query."""

    ref: int
    usages: tuple[SaUsage, ...]


@dataclass(frozen=True, slots=True)
class MappingChanged:
    """Authentic ESP of an encapsulated inbound SA came from another endpoint (RFC 3947 §6)."""

    sa: SaId
    remote: Endpoint


@dataclass(frozen=True, slots=True)
class InstallFailed:
    """A data plane could not install ``sa`` or policy ``policy_id``."""

    sa: SaId | None
    policy_id: int | None
    error: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Packets have left by outbound SA ``sa`` for some seconds, and none of ``reqid`` has come in."""

    sa: SaId
    reqid: int


@dataclass(frozen=True, slots=True)
class UnknownSpi:
    """ESP came from ``remote`` (port 0: not in UDP) with an SPI that no SA here has. Few of them are told."""

    local: Address
    remote: Endpoint
    spi: int


Report = Acquire | Expired | Usage | MappingChanged | InstallFailed | Unanswered | UnknownSpi
Event = (
    Datagram
    | Tick
    | Configure
    | Initiate
    | Terminate
    | Route
    | Unroute
    | Rekey
    | Redirect
    | Shutdown
    | Resolved
    | AddressesChanged
    | ClockSet
    | SourceAddress
    | Fetched
    | Signed
    | Purge
    | PurgeIke
    | Report
)
