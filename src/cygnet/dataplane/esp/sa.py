"""The state of one SA: numbers, counters, limits. The only mutable thing of the packet path."""

from __future__ import annotations

from cygnet.boundary.specs import Direction, SaId, SaMode, SaSpec, SaUsage
from cygnet.dataplane.esp.replay import ReplayWindow
from cygnet.dataplane.esp.transform import EspTransform
from cygnet.dataplane.ip.header import Buffer, flow_key, parse
from cygnet.dataplane.policy.spd import compiled, within
from cygnet.values.endpoint import Endpoint

NEVER = 1 << 70  #: a limit that no counter reaches
_MOST_FLOWS = 4096  #: remembered per SA; beyond it the memory is begun anew (a scan must not grow us)
_UDP_HEADER = 8
_SOFT_SEQUENCE = 15 / 16  #: of the numbers: time to rekey, as they must not cycle (RFC 4303 §3.3.3)


class _Sa:
    """What both directions have. ``bytes`` and ``packets`` count inner packets.

    ``due_bytes`` and ``due_packets`` are where the next limit lies: the soft one until it is told.
    """

    __slots__ = (
        "_local", "_remote", "bytes", "due_bytes", "due_packets", "encap", "esn", "flows", "last_used",
        "local", "mode", "moved_id", "offload", "packets", "remote", "soft_told", "spec", "spi", "transform",
    )  # fmt: skip

    def __init__(self, spec: SaSpec) -> None:
        self.spec = spec
        self.spi = spec.spi
        self.esn = spec.esn
        self.transform = EspTransform(spec)
        self.local, self.remote, self.encap = spec.local, spec.remote, spec.encap
        self.mode = spec.mode
        self.offload: bool | None = None  #: whether the offload engine takes it; None: not asked yet
        self.moved_id: SaId | None = None  #: its id since its endpoints changed
        self.bytes = self.packets = 0
        self.last_used: float | None = None
        self.soft_told = False
        self.due_bytes = min(spec.soft_bytes or NEVER, spec.hard_bytes or NEVER)
        self.due_packets = min(spec.soft_packets or NEVER, spec.hard_packets or NEVER)
        self._local, self._remote = compiled(spec.local_ts), compiled(spec.remote_ts)
        self.flows: dict[bytes, bool] = {}  #: by flow_key: what ``admits`` said

    @property
    def id(self) -> SaId:
        """What it is called now: its endpoints, and so its id, may have changed since it was installed."""
        return self.moved_id or self.spec.id

    def admits(self, packet: Buffer) -> bool:
        """Whether the SA's selectors cover the packet, seen in the SA's own direction."""
        key = flow_key(packet)
        if not key:
            return self._covers(packet)
        known = self.flows.get(key)
        if known is None:
            if len(self.flows) >= _MOST_FLOWS:
                self.flows.clear()
            known = self.flows[key] = self._covers(packet)
        return known

    def _covers(self, packet: Buffer) -> bool:
        flow = parse(packet)
        if flow is None:
            return False
        here = (flow.source, flow.protocol, flow.source_port)
        there = (flow.destination, flow.protocol, flow.destination_port)
        if self.spec.direction is Direction.IN:
            here, there = there, here
        return within(self._local, flow.version, *here) and within(self._remote, flow.version, *there)

    @property
    def over_hard(self) -> bool:
        spec = self.spec
        return self.bytes >= (spec.hard_bytes or NEVER) or self.packets >= (spec.hard_packets or NEVER)

    def tell_soft(self) -> None:
        """Its soft limit was told: the hard one is next."""
        self.soft_told = True
        self.due_bytes, self.due_packets = self.spec.hard_bytes or NEVER, self.spec.hard_packets or NEVER

    def idle(self, now: float) -> float | None:
        return None if self.last_used is None else max(now - self.last_used, 0.0)

    def move(self, local: Endpoint, remote: Endpoint, encap: bool) -> None:
        self.local, self.remote, self.encap = local, remote, encap


class OutboundSa(_Sa):
    """``sequence`` is the last number used, ``last`` the last there is."""

    __slots__ = ("copy_dscp", "copy_ecn", "inner_limit", "last", "mtu", "path", "sequence")

    def __init__(self, spec: SaSpec, mtu: int = 1500) -> None:
        super().__init__(spec)
        self.sequence = 0
        self.path: object = None  #: how a plane reaches its peer, kept here by the plane; None: to be found
        self.last = (1 << (64 if spec.esn else 32)) - 1
        # Each packet takes one number, so the end of the numbers is a limit of packets.
        self.due_packets = min(self.due_packets, int(self.last * _SOFT_SEQUENCE))
        self.copy_dscp, self.copy_ecn = spec.copy_dscp in ("out", "yes"), spec.copy_ecn
        self.set_mtu(mtu)

    def set_mtu(self, mtu: int) -> None:
        """``mtu`` of the outer path, IP header and all; ``inner_limit``: the largest inner packet then."""
        self.mtu = mtu
        self.inner_limit = self.transform.payload_limit(self.size_limit)
        if self.mode is SaMode.TRANSPORT:  # the packet's own IP header is the outer one
            self.inner_limit += self._outer_header

    @property
    def size_limit(self) -> int:
        """The largest ESP packet, SPI to ICV, that the path takes whole."""
        return self.mtu - self._outer_header - (_UDP_HEADER if self.encap else 0)

    @property
    def _outer_header(self) -> int:
        return 40 if self.remote.address.version == 6 else 20

    @property
    def spent(self) -> bool:
        """The sequence numbers are used up: nothing may be sealed any more."""
        return self.sequence >= self.last

    @property
    def over_hard(self) -> bool:
        return self.spent or super().over_hard

    def tell_soft(self) -> None:
        super().tell_soft()
        self.due_packets = min(self.due_packets, self.last)

    def reserve(self, count: int) -> int:
        """How many of ``count`` packets still get a sequence number, the first ``sequence`` + 1."""
        return min(count, self.last - self.sequence)

    def move(self, local: Endpoint, remote: Endpoint, encap: bool) -> None:
        super().move(local, remote, encap)
        self.path = None
        self.set_mtu(self.mtu)

    def usage(self, now: float) -> SaUsage:
        return SaUsage(self.id, self.bytes, self.packets, self.idle(now))


class InboundSa(_Sa):
    """``told`` is the endpoint last reported with MappingChanged."""

    __slots__ = (
        "copy_dscp", "copy_ecn", "dummies", "failed", "malformed", "outside", "replay", "replayed", "told",
    )  # fmt: skip

    def __init__(self, spec: SaSpec) -> None:
        super().__init__(spec)
        self.replay = ReplayWindow(spec.replay_window)
        #: whether the outer DSCP is written into inner headers, and outer congestion marks are
        self.copy_dscp, self.copy_ecn = spec.copy_dscp in ("in", "yes"), spec.copy_ecn
        self.replayed = self.failed = self.outside = self.malformed = self.dummies = 0
        self.told: Endpoint | None = None

    def usage(self, now: float) -> SaUsage:
        idle = self.idle(now)
        return SaUsage(self.id, self.bytes, self.packets, idle, self.replayed, self.failed, self.outside)
