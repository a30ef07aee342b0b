"""What the engine wants done. The daemon performs effects in order, one event's at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from cygnet.boundary.notices import Notice
from cygnet.boundary.specs import PolicySpec, SaId, SaSpec
from cygnet.values.endpoint import Address, Endpoint


@dataclass(frozen=True, slots=True)
class Send:
    """Send an IKE message. From a local port other than 500 it gets the non-ESP marker.

    ``keepalive``: the single byte 0xFF, never with a marker (RFC 3948 §2.3). ``dscp``: 0..63, for
    the packet's IP header.
    """

    local: Endpoint
    remote: Endpoint
    data: bytes
    keepalive: bool = False
    dscp: int = 0


@dataclass(frozen=True, slots=True)
class InstallSa:
    spec: SaSpec


@dataclass(frozen=True, slots=True)
class UpdateSa:
    """The outer endpoints of an SA changed (MOBIKE, NAT mapping)."""

    id: SaId
    local: Endpoint
    remote: Endpoint
    encap: bool


@dataclass(frozen=True, slots=True)
class RemoveSa:
    id: SaId


@dataclass(frozen=True, slots=True)
class InstallPolicy:
    spec: PolicySpec


@dataclass(frozen=True, slots=True)
class RemovePolicy:
    id: int


@dataclass(frozen=True, slots=True)
class ReleaseHeld:
    """The negotiation an Acquire started has failed: drop the packets held for this policy."""

    policy_id: int


@dataclass(frozen=True, slots=True)
class Query:
    """Ask the data plane for counters; answered by event Usage."""

    ref: int
    ids: tuple[SaId, ...]


@dataclass(frozen=True, slots=True)
class Resolve:
    """Look a host name up; answered by event Resolved. ``version`` 4, 6 or 0 (any)."""

    ref: int
    host: str
    version: int = 0


@dataclass(frozen=True, slots=True)
class FindSource:
    """Ask which local address reaches ``remote``; answered by event SourceAddress."""

    ref: int
    remote: Address


class FetchKind(Enum):
    """What is fetched: it says how much is taken and how it is read."""

    CRL = "CRL"
    OCSP = "OCSP answer"
    CERTIFICATE = "certificate"
    BUNDLE = "certificate bundle"

    @property
    def is_of_stranger(self) -> bool:
        """Whether whoever begins an exchange names the URI, and not a certificate of a CA of ours."""
        return self in (FetchKind.CERTIFICATE, FetchKind.BUNDLE)


@dataclass(frozen=True, slots=True)
class Fetch:
    """Get what is at ``uri``; answered by event Fetched.

    ``body`` is POSTed (an OCSP request). ``configured``: the URI is the user's own, and may name a file
    or an address of this machine; one out of a certificate may not, and a stranger's only a public
    address. ``timeout``: seconds, for all of it.
    """

    ref: int
    uri: str
    kind: FetchKind
    body: bytes = field(default=b"", repr=False)
    configured: bool = False
    timeout: float = 10.0
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Sign:
    """Sign ``data`` with the private key of ``key``, a SubjectPublicKeyInfo; answered by event Signed.

    ``scheme``: an AlgorithmIdentifier; empty: ``data`` is a digest that is signed as it is (IKEv1).
    ``raw``: an ECDSA signature is r and s side by side (RFC 4754).
    """

    ref: int
    key: bytes = field(repr=False)
    scheme: bytes
    raw: bool
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeepCrl:
    """Write a CRL to a file of that name in ipsec.d/crls, from where the next start loads it."""

    name: str
    der: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class VirtualIp:
    """Add (or remove) an internal address the peer gave us."""

    address: Address
    add: bool


@dataclass(frozen=True, slots=True)
class RunUpdown:
    """Run an updown script. ``verb``: up-client, down-client, up-host, ..."""

    command: str
    environment: tuple[tuple[str, str], ...]


class Outcome(Enum):
    """How a request of the user ended; the CLI maps it to its exit status."""

    OK = 0
    FAILED = 1
    NOT_FOUND = 3


@dataclass(frozen=True, slots=True)
class Attach:
    """Log lines of IKE_SA ``ike_uid`` belong to request ``ref`` from here on."""

    ref: int
    ike_uid: int


@dataclass(frozen=True, slots=True)
class Finish:
    """Request ``ref`` is done; ``text`` is its last line, ``reason`` what likely caused a failure."""

    ref: int
    outcome: Outcome
    text: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ExportKeys:
    """Keys for Wireshark's decryption tables; only made when asked for by an explicit switch."""

    table: str  #: "ikev1", "ikev2" or "esp"
    line: str

    def __repr__(self) -> str:
        return f"ExportKeys(table={self.table!r})"


Effect = (
    Send
    | InstallSa
    | UpdateSa
    | RemoveSa
    | InstallPolicy
    | RemovePolicy
    | ReleaseHeld
    | Query
    | Resolve
    | FindSource
    | Fetch
    | Sign
    | KeepCrl
    | VirtualIp
    | RunUpdown
    | Attach
    | Finish
    | ExportKeys
    | Notice
)
