"""A data plane in memory: the same contract and the same packet path, with lists for a network.

For tests of engines and of configurations::

    near, far = MemoryPlane(clock), MemoryPlane(clock)
    join(near, far)
    ... install the SAs that two engines negotiated ...
    near.send(ping)            # a packet of near's host
    far.delivered              # what came out of the tunnel

Two thousand SAs cost no cryptography until a packet uses them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cygnet.boundary.events import Report
from cygnet.boundary.specs import PolicySpec, SaId, SaSpec
from cygnet.dataplane.esp.sa import OutboundSa
from cygnet.dataplane.forwarder import Forwarder
from cygnet.dataplane.policy.traps import HoldLimits
from cygnet.values.endpoint import Address, Endpoint

#: local, remote, ESP packet, whether it is in UDP
Transmit = Callable[[Endpoint, Endpoint, bytes, bool], None]


class MemoryPlane:
    """``transmit`` takes what goes to the network; without one it is kept in ``transmitted``."""

    name = "memory"

    def __init__(
        self,
        clock: Callable[[], float],
        transmit: Transmit | None = None,
        limits: HoldLimits = HoldLimits(),  # noqa: B008 - an immutable value
    ) -> None:
        self._clock, self._limits = clock, limits
        self.transmit = transmit
        self.delivered: list[bytes] = []  #: packets for this host, ICMP errors too
        self.passed: list[bytes] = []  #: packets that a pass policy let by
        self.transmitted: list[tuple[Endpoint, Endpoint, bytes, bool]] = []
        self.virtual_ips: set[Address] = set()
        self._report: Callable[[Report], None] = lambda report: None
        self.forwarder = self._fresh()

    def _fresh(self) -> Forwarder:
        return Forwarder(self, lambda report: self._report(report), self._limits)

    # DataPlane ---------------------------------------------------------------------------

    def start(self, report: Callable[[Report], None]) -> None:
        self.stop()
        self._report = report

    def stop(self) -> None:
        self.forwarder = self._fresh()
        self.virtual_ips.clear()

    def install_sa(self, spec: SaSpec) -> None:
        self.forwarder.install_sa(spec, self._clock())

    def update_sa(self, id: SaId, local: Endpoint, remote: Endpoint, encap: bool) -> None:
        self.forwarder.update_sa(id, local, remote, encap)

    def remove_sa(self, id: SaId) -> None:
        self.forwarder.remove_sa(id)

    def install_policy(self, spec: PolicySpec) -> None:
        self.forwarder.install_policy(spec)

    def remove_policy(self, id: int) -> None:
        self.forwarder.remove_policy(id, self._clock())

    def release_held(self, policy_id: int) -> None:
        self.forwarder.release_held(policy_id, self._clock())

    def query(self, ref: int, ids: Sequence[SaId]) -> None:
        self.forwarder.query(ref, ids, self._clock())

    def add_virtual_ip(self, address: Address) -> None:
        self.virtual_ips.add(address)

    def remove_virtual_ip(self, address: Address) -> None:
        self.virtual_ips.discard(address)

    # packets -----------------------------------------------------------------------------

    def send(self, packet: bytes) -> None:
        """An IP packet of this host or its network on its way out."""
        now = self._clock()
        self.forwarder.outbound(packet, now)
        self.forwarder.silence.look(now)

    def receive(
        self, local: Endpoint, remote: Endpoint, packet: bytes, encap: bool = True, tos: int = 0
    ) -> None:
        """An ESP packet from the network. ``encap``: it came in UDP, so that the ports count."""
        end = remote if encap else remote.with_port(0)
        self.forwarder.inbound(local.address, end, packet, tos, self._clock())

    def receive_clear(self, packet: bytes) -> None:
        """A packet from the network without ESP, for this host or its network."""
        if self.forwarder.admits_clear(packet):
            self.delivered.append(packet)

    @property
    def sas(self) -> tuple[SaId, ...]:
        """The SAs that are installed."""
        return self.forwarder.sad.ids

    @property
    def policies(self) -> tuple[PolicySpec, ...]:
        return tuple(self.forwarder.spd.policies.values())

    def statistics(self) -> dict[str, int]:
        return self.forwarder.statistics()

    # Outlet ------------------------------------------------------------------------------

    def to_wire(self, sa: OutboundSa, packet: bytes, tos: int, df: bool) -> None:
        if self.transmit is None:
            self.transmitted.append((sa.local, sa.remote, packet, sa.encap))
        else:
            self.transmit(sa.local, sa.remote, packet, sa.encap)

    def to_host(self, packet: bytes) -> None:
        self.delivered.append(packet)

    def to_clear(self, packet: bytes) -> None:
        self.passed.append(packet)


def join(one: MemoryPlane, other: MemoryPlane) -> None:
    """Connect two planes by a cable without a NAT. Packets arrive at once."""

    def cable(far: MemoryPlane) -> Transmit:
        return lambda local, remote, packet, encap: far.receive(remote, local, packet, encap)

    one.transmit, other.transmit = cable(other), cable(one)
