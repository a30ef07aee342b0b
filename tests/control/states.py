"""Snapshots to render: the oregon tunnel of the article, and the view that handlers get."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import ip_address

from cygnet.boundary.snapshot import ChildSnapshot, IkeSnapshot, RoutedSnapshot, Snapshot
from cygnet.boundary.specs import Direction, SaId, SaUsage
from cygnet.control.view import Facts
from cygnet.credentials.held import Held
from cygnet.model.config import (
    AuthMethod,
    AuthRound,
    Child,
    CloseAction,
    Connection,
    IkeVersion,
)
from cygnet.values.endpoint import Endpoint
from cygnet.values.iana import (
    EncrId,
    EsnId,
    IntegId,
    KeId,
    PrfId,
    Protocol,
    TransformType,
)
from cygnet.values.identity import Identity
from cygnet.values.proposal import Proposal, Transform
from cygnet.values.selector import TrafficSelector

NOW = 1000.0
LOCAL, REMOTE = Endpoint.of("10.31.1.185", 4500), Endpoint.of("198.51.100.77", 4500)
OURS, THEIRS = (TrafficSelector.of("10.31.0.0/16"),), (TrafficSelector.of("10.77.0.0/16"),)
SA_IN = SaId(Direction.IN, Protocol.ESP, 0xC7CF7E98, LOCAL)
SA_OUT = SaId(Direction.OUT, Protocol.ESP, 0xCA49BB0C, REMOTE)

AES = Transform(TransformType.ENCR, EncrId.AES_CBC, 128)
SHA256 = Transform(TransformType.INTEG, IntegId.HMAC_SHA2_256_128)
IKE_PROPOSAL = Proposal(
    Protocol.IKE,
    (
        AES,
        Transform(TransformType.PRF, PrfId.HMAC_SHA2_256),
        SHA256,
        Transform(TransformType.KE, KeId.MODP_2048),
    ),
)
ESP_PROPOSAL = Proposal(Protocol.ESP, (AES, SHA256, Transform(TransformType.ESN, EsnId.NO_ESN)))

CHILD = ChildSnapshot(
    uid=1,
    name="oregon",
    state="INSTALLED",
    mode="TUNNEL",
    reqid=1,
    protocol="ESP",
    encap=True,
    spi_in=0xC7CF7E98,
    spi_out=0xCA49BB0C,
    sa_in=SA_IN,
    sa_out=SA_OUT,
    proposal=ESP_PROPOSAL,
    local_ts=OURS,
    remote_ts=THEIRS,
    installed_at=NOW - 5,
    rekey_at=NOW + 2520,
    expires_at=NOW + 3595,
)
SA = IkeSnapshot(
    uid=1,
    name="oregon",
    version=1,
    state="ESTABLISHED",
    initiator=True,
    spi_i=bytes.fromhex("8a3a5b0ee8d84d13"),
    spi_r=bytes.fromhex("9c2b6d0a14d1bd9e"),
    local=LOCAL,
    remote=REMOTE,
    local_id=Identity.parse("10.31.1.185"),
    remote_id=Identity.parse("10.77.1.210"),
    proposal=IKE_PROPOSAL,
    children=(CHILD,),
    established_at=NOW - 5,
    reauth_at=NOW + 7300,
    local_behind_nat=True,
)
TRAP = RoutedSnapshot(1, "oregon", "TUNNEL", 1, 7, OURS, THEIRS)
SHUNT = RoutedSnapshot(2, "lan", "PASS", 0, 8, OURS, OURS, shunt=True)

CONNECTION = Connection(
    "oregon",
    version=IkeVersion.V1,
    local_addrs=("10.31.1.185",),
    remote_addrs=("198.51.100.77",),
    local=(AuthRound(AuthMethod.PSK, Identity.parse("10.31.1.185")),),
    remote=(AuthRound(AuthMethod.PSK, Identity.parse("10.77.1.210")),),
    children=(Child("oregon", local_ts=OURS, remote_ts=THEIRS, dpd_action=CloseAction.START),),
    dpd_delay=30.0,
)
EMPTY = Snapshot(NOW, (), (), ())
UP = Snapshot(NOW, (CONNECTION,), (SA,), ())
TRAPPED = Snapshot(NOW, (CONNECTION,), (), (TRAP,))
USAGES = {
    SA_IN: SaUsage(SA_IN, 84, 1, 3.2),
    SA_OUT: SaUsage(SA_OUT, 168, 2, 3.9),
}
CONNECTING = replace(
    UP, ike_sas=(replace(SA, state="CONNECTING", established_at=None, reauth_at=None, children=()),)
)

FACTS = Facts(
    version="0.1.0",
    sysname="Linux",
    release="6.1.0",
    machine="x86_64",
    pid=4242,
    since=1_764_000_000.0,
    uptime=300.0,
    addresses=("10.31.1.185",),
    ports=(500, 4500),
    data_plane="tun",
    memory=50 << 20,
    scheduled=1,
    algorithms=(("encryption", (("AES_CBC", "cryptography-50"),) * 9), ("prf", (("PRF_X", "y"),))),
)


@dataclass
class FakeView:
    state: Snapshot = field(default=UP)
    credentials: Held = field(default_factory=Held)

    def snapshot(self) -> Snapshot:
        return self.state

    def held(self) -> Held:
        return self.credentials

    def facts(self) -> Facts:
        return FACTS


assert ip_address("10.31.1.185") == LOCAL.address
