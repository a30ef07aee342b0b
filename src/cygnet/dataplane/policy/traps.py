"""Packets that wait for their tunnel.

A trap is *armed* until a packet comes for which there is no SA. That packet is reported once
(Acquire) and held, and so are those after it, until an outbound SA is installed for the trap's
reqid (they are sent) or the negotiation has failed (``release``: they are dropped, and the trap
is armed again). What is held is bounded three ways: packets for each trap, bytes altogether,
and seconds. The oldest go first: their senders have given up on them.

An Acquire that nobody answered for REARM_SECONDS is repeated by the next packet, so that a lost
report cannot silence a trap for ever.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from cygnet.dataplane.ip.header import Flow
from cygnet.values.selector import TrafficSelector

REARM_SECONDS = 165.0  #: the length of charon's retransmission schedule, and of the kernel's acq_expires


@dataclass(frozen=True, slots=True)
class HoldLimits:
    packets: int = 64  #: for one trap
    bytes: int = 256 * 1024  #: for all of them
    seconds: float = 60.0


class _Waiting:
    __slots__ = ("packets", "since")

    def __init__(self, since: float) -> None:
        self.since = since
        self.packets: deque[tuple[float, bytes]] = deque()


class HeldPackets:
    """``overflowed`` and ``expired`` count packets dropped for want of room and for their age."""

    def __init__(self, limits: HoldLimits) -> None:
        self.limits = limits
        self.bytes = 0
        self.overflowed = 0
        self.expired = 0
        self._waiting: dict[int, _Waiting] = {}

    def hold(self, policy_id: int, packet: bytes, now: float) -> bool:
        """Keep a packet. True: the trap was armed, its Acquire is due."""
        waiting = self._waiting.get(policy_id)
        due = waiting is None or now - waiting.since >= REARM_SECONDS
        if waiting is None:
            waiting = self._waiting[policy_id] = _Waiting(now)
        elif due:
            waiting.since = now
        self._forget_old(waiting, now)
        while waiting.packets and (
            len(waiting.packets) >= self.limits.packets or self.bytes + len(packet) > self.limits.bytes
        ):
            self._drop_first(waiting)
            self.overflowed += 1
        if self.bytes + len(packet) > self.limits.bytes or not self.limits.packets:
            self.overflowed += 1
            return due
        waiting.packets.append((now, packet))
        self.bytes += len(packet)
        return due

    def release(self, policy_id: int, now: float) -> list[bytes]:
        """Take out what is held for a trap, oldest first, and arm it again."""
        waiting = self._waiting.pop(policy_id, None)
        if waiting is None:
            return []
        self._forget_old(waiting, now)
        self.bytes -= sum(len(packet) for _, packet in waiting.packets)
        return [packet for _, packet in waiting.packets]

    @property
    def count(self) -> int:
        return sum(len(waiting.packets) for waiting in self._waiting.values())

    def _forget_old(self, waiting: _Waiting, now: float) -> None:
        while waiting.packets and now - waiting.packets[0][0] > self.limits.seconds:
            self._drop_first(waiting)
            self.expired += 1

    def _drop_first(self, waiting: _Waiting) -> None:
        self.bytes -= len(waiting.packets.popleft()[1])


def acquiring(flow: Flow) -> tuple[TrafficSelector, TrafficSelector]:
    """The packet that acquires, as selectors (RFC 7296 §2.9)."""
    source, destination = flow.addresses
    near, far = flow.source_port, flow.destination_port
    no_ports = not near and not far
    ends = (0, 0xFFFF) if no_ports else (near, near)
    others = (0, 0xFFFF) if no_ports else (far, far)
    return (
        TrafficSelector(source, source, flow.protocol, *ends),
        TrafficSelector(destination, destination, flow.protocol, *others),
    )
