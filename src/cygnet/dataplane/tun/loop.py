"""The packet loop: commands of the daemon, and bursts of traffic between the device and the sockets.

Commands are taken before traffic, and all that wait before a packet with an unknown SPI is given
up: so an inbound SA is in force before the first packet that its reply brings.
"""

from __future__ import annotations

import gc
import math
import os
import select
import socket
import time
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

from cygnet.boundary.events import InstallFailed, Report
from cygnet.boundary.specs import PolicySpec, SaId, SaSpec
from cygnet.dataplane.drops import Drop
from cygnet.dataplane.esp.sa import OutboundSa
from cygnet.dataplane.forwarder import Forwarder
from cygnet.dataplane.policy.traps import HoldLimits
from cygnet.dataplane.tun.channel import Channel
from cygnet.dataplane.tun.clear import ClearPath
from cygnet.dataplane.tun.device import PLAIN, take_udp_gso
from cygnet.dataplane.tun.egress import Egress
from cygnet.dataplane.tun.guard import Guard
from cygnet.dataplane.tun.ingress import Ingress
from cygnet.dataplane.tun.outer import Outer
from cygnet.dataplane.tun.settings import TunSettings
from cygnet.values.endpoint import IKE_PORT, NATT_PORT, Address, Endpoint
from cygnet.values.errors import DataPlaneError

ALL = 1 << 30
_COMMANDS = 8  #: in a row; a burst of tunnels must not stop traffic for longer than some milliseconds
_STATISTICS = 1.0  #: seconds between two sums over all SAs, however many are asked about
_HOUSEKEEPING = 60.0  #: seconds between looks at path MTUs that may have grown again


class PacketLoop:
    def __init__(
        self,
        channel: Channel,
        tun: int,
        sockets: list[socket.socket],
        settings: TunSettings,
        adopt: bool = False,
    ) -> None:
        self.adopt = adopt  #: a worker before us died, and left its routes
        limits = HoldLimits(settings.hold_packets, settings.hold_bytes, settings.hold_seconds)
        self.channel, self.tun, self.settings = channel, tun, settings
        self.forwarder = Forwarder(self, self.report, limits)
        self.outer = Outer(sockets, settings.mark, settings.socket_buffer)
        self.egress = Egress(tun, self.forwarder, self.outer, self.learn_mtu)
        self.ingress = Ingress(tun, self.forwarder, self.stray, self.take_commands, take_udp_gso(tun))
        self.clear = ClearPath(settings.mark)
        self.lowered: set[Address] = set()  #: peers whose path takes less than their route says
        self.running = True
        self.behind = False  #: commands were read that are not yet performed
        self._poll = select.epoll()
        self._sources: dict[int, Callable[[], None]] = {}
        self._complaints = self._statistics_due = 0.0
        self.links = _open_links(settings)
        self.guard: Guard | None = None

    # life ------------------------------------------------------------------------------

    def run(self) -> None:
        self.watch(self.channel.fileno(), self.take_commands)
        self.watch(self.tun, self.egress.take)
        for wire in self.outer.udp:
            self.watch(wire.sock.fileno(), partial(self.ingress.take, wire))
        self.links.begin(self.adopt)
        if self.settings.drop_unprotected:
            ports = [wire.sock.getsockname()[1] for wire in self.outer.udp]
            self.guard = Guard(self.settings.device, {IKE_PORT, NATT_PORT, *ports}, self.log)
        # Packets make no reference cycles; looking for some in all that was loaded costs a percent.
        gc.freeze()
        gc.set_threshold(100_000, 20, 20)
        self.channel.send("ready")
        self.behind = True  # some may have come along with the settings
        poll, sources, channel = self._poll.poll, self._sources, self.channel.fileno()
        due = time.monotonic() + _HOUSEKEEPING
        while self.running:
            now = time.monotonic()
            if now >= due:
                due = now + _HOUSEKEEPING
                self.look_at_paths()
            ready = poll(0.0 if self.behind else max(0.0, min(due, self.guard_due) - now))
            if self.behind or channel in [fd for fd, _ in ready]:
                self.take_commands(_COMMANDS)
            if self.guard is not None:
                self.guard.flush(now)
            for fd, _ in ready:
                if fd != channel and self.running:
                    self._guarded(sources[fd])
            if ready:
                self.forwarder.silence.look(now)

    @property
    def guard_due(self) -> float:
        return self.guard.due if self.guard is not None else math.inf

    def watch(self, fd: int, source: Callable[[], None]) -> None:
        self._sources[fd] = source
        self._poll.register(fd, select.EPOLLIN)

    def _guarded(self, source: Callable[[], None]) -> None:
        """A packet or command that trips over a mistake of ours must not take the tunnels down."""
        try:
            source()
        except DataPlaneError as error:
            self.log(str(error))
        except Exception:
            if time.monotonic() - self._complaints > _HOUSEKEEPING:
                self._complaints = time.monotonic()
                self.log(f"error in the packet path: {traceback.format_exc()}")

    def log(self, text: str) -> None:
        self.channel.send("log", text)

    def report(self, report: Report) -> None:
        self.channel.send("report", report)

    def stray(self, local: Endpoint, remote: Endpoint, message: bytes) -> None:
        """An IKE message that came in the middle of a train."""
        self.channel.send("stray", local, remote, message)

    # commands --------------------------------------------------------------------------

    def take_commands(self, most: int = ALL) -> None:
        """Perform what the daemon wants, at most so many commands."""
        alive = self.channel.read()
        for _ in range(most):
            message = self.channel.next()
            if message is None:
                break
            name, *args = message
            self._guarded(lambda name=name, args=args: COMMANDS[name](self, *args))  # type: ignore[misc]
        else:
            self.behind = True
            return
        self.behind = False
        self.channel.flush()
        self._poll.modify(
            self.channel.fileno(), select.EPOLLIN | (select.EPOLLOUT if self.channel.backlog else 0)
        )
        if not alive:
            self.running = False

    def stop(self) -> None:
        self.running = False

    def end(self) -> None:
        """Take back what was changed in the system."""
        if self.guard is not None:
            self.guard.end()
        self.links.end()

    def install_sa(self, spec: SaSpec) -> None:
        try:
            if not spec.encap:
                self.listen_raw(spec.remote.address.version)
            self.forwarder.mtu = self.outer.path_mtu(spec.local.address, spec.remote.address)
            self.forwarder.install_sa(spec, time.monotonic())
        except DataPlaneError as error:
            self.report(InstallFailed(spec.id, None, str(error)))

    def update_sa(self, id: SaId, local: Endpoint, remote: Endpoint, encap: bool) -> None:
        sa = self.forwarder.sad.get(id)
        if not encap:
            self.listen_raw(remote.address.version)
        self.forwarder.update_sa(id, local, remote, encap)
        if isinstance(sa, OutboundSa):
            sa.set_mtu(self.outer.path_mtu(local.address, remote.address))

    def listen_raw(self, version: int) -> None:
        """ESP without UDP is received from the first SA on that has none."""
        wire, fresh = self.outer.raw(version)
        if fresh:
            self.watch(wire.sock.fileno(), lambda: self.ingress.take_raw(wire))

    def remove_sa(self, id: SaId) -> None:
        self.forwarder.remove_sa(id)

    def install_policy(self, spec: PolicySpec) -> None:
        try:
            self.forwarder.install_policy(spec)
            self.links.add_policy(spec)
            if self.guard is not None:
                self.guard.add(spec)
        except DataPlaneError as error:
            self.report(InstallFailed(None, spec.id, str(error)))

    def remove_policy(self, id: int) -> None:
        self.links.remove_policy(id)
        if self.guard is not None:
            self.guard.remove(id)
        self.forwarder.remove_policy(id, time.monotonic())

    def release_held(self, policy_id: int) -> None:
        self.forwarder.release_held(policy_id, time.monotonic())

    def query(self, ref: int, ids: tuple[SaId, ...]) -> None:
        now = time.monotonic()
        if self.guard is not None:
            self.guard.flush(now, awaited=True)
        if now >= self._statistics_due:
            self._statistics_due = now + _STATISTICS
            statistics = self.forwarder.statistics()
            statistics[Drop.MALFORMED.value] += self.egress.malformed
            statistics[Drop.CONGESTION.value] += self.ingress.congested
            if self.guard is not None:
                statistics[Drop.UNPROTECTED.value] = self.guard.count()
            self.channel.send("statistics", statistics)
        self.forwarder.query(ref, ids, now)

    def add_virtual_ip(self, address: Address) -> None:
        self.links.add_address(address)

    def remove_virtual_ip(self, address: Address) -> None:
        self.links.remove_address(address)

    def sweep(self) -> None:
        """All policies of before were said again."""
        self.links.sweep()

    def stray_esp(self, local: Endpoint, remote: Endpoint, packet: bytes) -> None:
        self.forwarder.inbound(local.address, remote, packet, 0, time.monotonic())

    # Outlet ----------------------------------------------------------------------------

    def to_wire(self, sa: OutboundSa, packet: bytes, tos: int, df: bool) -> None:
        self.egress.send(sa, packet, tos, df)

    def to_host(self, packet: bytes) -> None:
        try:
            os.writev(self.tun, (PLAIN, packet))
        except OSError:
            self.forwarder.drops[Drop.UNSENDABLE] += 1

    def to_clear(self, packet: bytes) -> None:
        if self.settings.set_routes:
            self.clear.send(packet)
        else:  # who routes by hand may have used the main table, which would bring it back
            self.forwarder.drops[Drop.NO_POLICY] += 1

    # path MTU --------------------------------------------------------------------------

    def learn_mtu(self, sa: OutboundSa) -> None:
        peer = sa.remote.address
        self.forwarder.learn_mtu(peer, self.outer.path_mtu(sa.local.address, peer))
        self.lowered.add(peer)

    def look_at_paths(self) -> None:
        """The kernel forgets a lowered path MTU after ten minutes (RFC 1191 §6.3): follow it up again."""
        for peer in list(self.lowered):
            sas = self.forwarder.sad.towards(peer)
            if not sas:
                self.lowered.discard(peer)
                continue
            self.forwarder.learn_mtu(peer, self.outer.path_mtu(sas[0].local.address, peer))


COMMANDS: dict[str, Callable[..., None]] = {
    command.__name__: command
    for command in (
        PacketLoop.install_sa,
        PacketLoop.update_sa,
        PacketLoop.remove_sa,
        PacketLoop.install_policy,
        PacketLoop.remove_policy,
        PacketLoop.release_held,
        PacketLoop.query,
        PacketLoop.add_virtual_ip,
        PacketLoop.remove_virtual_ip,
        PacketLoop.stray_esp,
        PacketLoop.sweep,
        PacketLoop.stop,
    )
}


def _open_links(settings: TunSettings) -> Any:
    """Imported here: loading the library takes longer than all else of the start."""
    from cygnet.dataplane.tun.links import Links

    return Links(settings)
