"""The packet path, pure: which packet goes where, sealed or opened, and what is reported.

    host -> outbound(packet) -> policy -> SA -> seal -> Outlet.to_wire
    wire -> inbound(esp)     -> SA -> open -> selectors -> Outlet.to_host

Used by the memory plane as it is. The TUN worker uses it for decisions, and for packets that
its offload engine does not take. Time is a parameter; nothing here does I/O.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from errno import EEXIST
from ipaddress import IPv4Address
from typing import Protocol

from cygnet.boundary.events import Acquire, Expired, MappingChanged, Report, Usage
from cygnet.boundary.specs import PolicyAction, PolicySpec, SaId, SaSpec, SaUsage
from cygnet.dataplane.drops import Drop
from cygnet.dataplane.esp import packet as esp
from cygnet.dataplane.esp.encapsulate import disclose, enclose, outer_fields
from cygnet.dataplane.esp.sa import InboundSa, OutboundSa
from cygnet.dataplane.esp.sad import SaDatabase
from cygnet.dataplane.ip import fragment, icmp, mss
from cygnet.dataplane.ip.header import Flow, dont_fragment, parse
from cygnet.dataplane.policy.decisions import Decisions
from cygnet.dataplane.policy.traps import HeldPackets, HoldLimits, acquiring
from cygnet.dataplane.silence import SilenceWatch
from cygnet.values.endpoint import IKE_PORT, NATT_PORT, Address, Endpoint
from cygnet.values.errors import DataPlaneError

_BROADCAST = IPv4Address("255.255.255.255")
_IPV6_MINIMUM = 1280  #: an IPv6 sender need not go below (RFC 8200 §5)
_LEAST_ESP = 24  #: bytes: a header, a trailer, and what proves them
_LEAST_MTU = {4: 576, 6: 1280}  #: an ICMP error that says less is not believed (RFC 4301 §8.2)

#: what an inbound SA counts itself, being part of its usage
_COUNTED_BY_SA = {
    Drop.REPLAYED: "replayed",
    Drop.FORGED: "failed",
    Drop.OUTSIDE: "outside",
    Drop.MALFORMED: "malformed",
    Drop.DUMMY: "dummies",
}


class Outlet(Protocol):
    """Where packets leave."""

    def to_wire(self, sa: OutboundSa, packet: bytes, tos: int, df: bool) -> None:
        """An ESP packet to ``sa.remote``."""

    def to_host(self, packet: bytes) -> None:
        """A packet for this host or its network: decapsulated, or an ICMP error of ours."""

    def to_clear(self, packet: bytes) -> None:
        """A packet that a pass policy lets by, or that no policy covers."""


class Forwarder:
    """``report`` is called in the middle of packet handling: it must only take note."""

    def __init__(
        self,
        outlet: Outlet,
        report: Callable[[Report], None],
        limits: HoldLimits = HoldLimits(),  # noqa: B008 - an immutable value
        mtu: int = 1500,
    ) -> None:
        self.sad = SaDatabase()
        self.decisions = Decisions(self.sad)
        self.spd = self.decisions.spd
        #: the SA of a flow that was decided before, by ``flow_key``; ``decide`` for all others
        self.known = self.decisions.known
        self.held = HeldPackets(limits)
        self.drops: Counter[Drop] = Counter()
        self.mtu = mtu  #: of outer paths about which nothing is known
        self._outlet, self._report = outlet, report
        self.silence = SilenceWatch(self.sad, report)

    # what the data plane interface asks for --------------------------------------------

    def install_sa(self, spec: SaSpec, now: float) -> InboundSa | OutboundSa:
        sa = self.sad.add(spec, self.mtu)
        if isinstance(sa, OutboundSa):
            self.decisions.forget()
            self._send_held(spec.reqid, now)
        return sa

    def update_sa(self, id: SaId, local: Endpoint, remote: Endpoint, encap: bool) -> None:
        self.sad.move(id, local, remote, encap)

    def remove_sa(self, id: SaId) -> None:
        sa = self.sad.remove(id)
        if isinstance(sa, OutboundSa):
            self.decisions.forget()
        elif sa is not None:
            self.drops.update(_drops_of(sa))

    def install_policy(self, spec: PolicySpec) -> None:
        if spec.id in self.spd.policies:
            raise DataPlaneError(f"install policy {spec.id}", EEXIST, "its id is in use")
        self.decisions.add(spec)

    def remove_policy(self, id: int, now: float) -> None:
        self.decisions.remove(id)
        self.drops[Drop.NO_SA] += len(self.held.release(id, now))

    def release_held(self, policy_id: int, now: float) -> None:
        self.drops[Drop.NO_SA] += len(self.held.release(policy_id, now))

    def usages(self, ids: Sequence[SaId], now: float) -> tuple[SaUsage, ...]:
        found = ((id, self.sad.get(id)) for id in ids)
        return tuple(replace(sa.usage(now), id=id) for id, sa in found if sa is not None)

    def query(self, ref: int, ids: Sequence[SaId], now: float) -> None:
        self._report(Usage(ref, self.usages(ids, now)))

    def learn_mtu(self, peer: Address, mtu: int) -> None:
        """The path to ``peer`` takes packets of at most ``mtu`` bytes, IP header and all."""
        for sa in self.sad.towards(peer):
            sa.set_mtu(max(mtu, _LEAST_MTU[peer.version]))

    def statistics(self) -> dict[str, int]:
        """Packets dropped by reason, and what traps hold."""
        drops = self.drops.copy()
        for sa in self.sad.inbound.values():
            drops.update(_drops_of(sa))
        counters = {drop.value: drops[drop] for drop in Drop}
        counters["held"] = self.held.count
        counters["hold_overflow"], counters["hold_expired"] = self.held.overflowed, self.held.expired
        return counters

    # in the clear ----------------------------------------------------------------------

    def admits_clear(self, packet: bytes) -> bool:
        """Whether a packet that came without ESP may go on; counts it if not. RFC 4301 §5.2: one that
        matches a policy that wants it protected "MUST be discarded"."""
        flow = parse(packet)
        if flow is None or flow.protocol in (50, 51):
            return True
        if flow.protocol == 17 and flow.destination_port in (IKE_PORT, NATT_PORT):
            return True
        policies = self.spd.matching(flow.reversed())
        refused = bool(policies) and policies[0].action is not PolicyAction.PASS
        source, _ = flow.addresses
        if refused and not _is_neighbour(policies[0], source):
            self.drops[Drop.UNPROTECTED] += 1
            return False
        return True

    # outbound --------------------------------------------------------------------------

    def outbound(self, packet: bytes, now: float) -> None:
        """A packet of this host or its network."""
        sa = self.decide(packet, now)
        if sa is not None:
            self.protect(sa, packet, now)

    def decide(self, packet: bytes, now: float) -> OutboundSa | None:
        """The SA for a packet; None: it was held, dropped, answered or let by."""
        decision = self.decisions.find(packet)
        if isinstance(decision, OutboundSa):
            return decision
        if isinstance(decision, PolicySpec):
            self._treat(decision, packet, now)
        elif isinstance(decision, Drop):
            self.drops[decision] += 1
        else:
            self._let_by(packet, decision)
        return None

    def protect(self, sa: OutboundSa, packet: bytes, now: float) -> None:
        """Seal and send a packet, cut or answered where it is too big for the path."""
        if mss.is_syn(packet):
            packet = mss.clamp(packet, sa.inner_limit)
        if len(packet) <= sa.inner_limit:
            self._seal(sa, packet, now)
            return
        if not dont_fragment(packet):
            for piece in fragment.fragment4(packet, sa.inner_limit):
                self._seal(sa, piece, now)
        elif packet[0] >> 4 == 6 and len(packet) <= _IPV6_MINIMUM:
            self._seal(sa, packet, now, whole=False)
        else:
            self.drops[Drop.TOO_BIG] += 1
            self._answer(icmp.too_big(packet, sa.inner_limit))

    def _let_by(self, packet: bytes, flow: Flow) -> None:
        """No policy: the packet goes on as if the route that brought it were not there.

        What is meant for this link only (neighbour discovery, multicast) has nowhere to go on to.
        """
        destination = flow.addresses[1]
        if destination.is_multicast or destination.is_link_local or destination == _BROADCAST:
            self.drops[Drop.NO_POLICY] += 1
        else:
            self._outlet.to_clear(packet)

    def _treat(self, policy: PolicySpec, packet: bytes, now: float) -> None:
        """What is done with a packet that has no SA."""
        match policy.action:
            case PolicyAction.PASS:
                self._outlet.to_clear(packet)
            case PolicyAction.DROP:
                self.drops[Drop.SHUNTED] += 1
            case PolicyAction.REJECT:
                self.drops[Drop.SHUNTED] += 1
                self._answer(icmp.prohibited(packet))
            case PolicyAction.PROTECT:
                self._hold(policy, packet, now)

    def _hold(self, policy: PolicySpec, packet: bytes, now: float) -> None:
        """A policy that is no trap holds too: its SA is on its way (IKEv1's responder has its
        outbound SA only after the last message, which the first packets may overtake)."""
        if self.held.hold(policy.id, packet, now) and policy.trap:
            flow = parse(packet)
            assert flow is not None  # decide() parsed it
            self._report(Acquire(policy.id, policy.reqid, *acquiring(flow)))

    def _send_held(self, reqid: int, now: float) -> None:
        for policy_id in self.decisions.of(reqid):
            for packet in self.held.release(policy_id, now):
                self.outbound(packet, now)

    def _seal(self, sa: OutboundSa, packet: bytes, now: float, whole: bool = True) -> None:
        payload, next_header = enclose(sa, packet)
        tos, df = outer_fields(sa, packet)
        sealed = esp.seal(sa, payload, next_header)
        if sealed is None:
            self.exhausted(sa)
            return
        self._outlet.to_wire(sa, sealed, tos, df and whole)
        sa.bytes += len(packet)
        sa.packets += 1
        self.used(sa, now)

    def exhausted(self, sa: OutboundSa) -> None:
        """A packet found the SA's sequence numbers used up."""
        self.drops[Drop.SPENT] += 1
        self._tell_limit(sa)

    def _answer(self, packet: bytes | None) -> None:
        if packet is not None:
            self._outlet.to_host(packet)

    # inbound ---------------------------------------------------------------------------

    def inbound(self, local: Address, remote: Endpoint, packet: bytes, tos: int, now: float) -> None:
        """An ESP packet off the wire, as it came: untrusted. ``remote.port`` 0 without UDP."""
        sa = self.sad.inbound.get(int.from_bytes(packet[:4], "big"))
        if sa is None:
            if packet != b"\xff":  # a NAT keep-alive (RFC 3948 §2.3) is no loss
                self.drops[Drop.UNKNOWN_SPI if len(packet) >= 8 else Drop.MALFORMED] += 1
                if len(packet) >= _LEAST_ESP:
                    self.silence.stranger(local, remote, int.from_bytes(packet[:4], "big"), now)
            return
        opened = esp.open(sa, packet)
        if isinstance(opened, Drop):
            self._count(sa, opened)
            return
        self.used_from(sa, remote)
        inner = disclose(sa, *opened, remote.address, tos)
        if not isinstance(inner, Drop) and not sa.admits(inner):
            inner = Drop.OUTSIDE
        if isinstance(inner, Drop):
            self._count(sa, inner)
            return
        sa.bytes += len(inner)
        sa.packets += 1
        self.used(sa, now)
        self._outlet.to_host(self.clamped(sa, inner))

    def _count(self, sa: InboundSa, drop: Drop) -> None:
        field = _COUNTED_BY_SA.get(drop)
        if field is None:
            self.drops[drop] += 1
        else:
            setattr(sa, field, getattr(sa, field) + 1)

    def clamped(self, sa: InboundSa, packet: bytes) -> bytes:
        """A SYN that came in, with an MSS that the way back has room for."""
        if mss.is_syn(packet):
            back = self.sad.outbound(sa.spec.reqid)
            if back:
                return mss.clamp(packet, back[-1].inner_limit)
        return packet

    def used_from(self, sa: InboundSa, remote: Endpoint) -> None:
        """Authentic ESP came from ``remote``: tell once where the peer's NAT mapping moved (RFC 3947 §6)."""
        if sa.encap and remote != sa.remote and remote != sa.told:
            sa.told = remote
            self._report(MappingChanged(sa.id, remote))

    # limits ----------------------------------------------------------------------------

    def used(self, sa: InboundSa | OutboundSa, now: float) -> None:
        """Look at an SA's limits after packets."""
        sa.last_used = now
        if sa.bytes >= sa.due_bytes or sa.packets >= sa.due_packets:
            self._tell_limit(sa)

    def _tell_limit(self, sa: InboundSa | OutboundSa) -> None:
        """Report the limit that an SA has reached; a hard one ends it."""
        if sa.over_hard:
            self.remove_sa(sa.id)
            self._report(Expired(sa.id, sa.spec.reqid, hard=True))
        elif not sa.soft_told:
            sa.tell_soft()
            self._report(Expired(sa.id, sa.spec.reqid, hard=False))


def _drops_of(sa: InboundSa) -> dict[Drop, int]:
    return {drop: getattr(sa, field) for drop, field in _COUNTED_BY_SA.items()}


def _is_neighbour(policy: PolicySpec, source: Address) -> bool:
    """Whether an address is of our own network, which the remote one of the policy includes."""
    return any(
        int(own.start) <= int(source) <= int(own.end) and any(r.encloses(own) for r in policy.remote_ts)
        for own in policy.local_ts
        if own.version == source.version
    )
