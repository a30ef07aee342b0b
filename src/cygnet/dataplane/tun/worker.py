"""The packet loop: a process of its own beside the daemon, started by ``TunPlane``.

    python -m cygnet.dataplane.tun.worker FD

FD is its end of the control channel. The first message says which descriptors it inherited and
the settings. Commands are taken before traffic, and once more before a packet with an unknown
SPI is given up: so an inbound SA is in force before the first packet that its reply brings.

When the daemon is gone, however it went, the channel ends: routes, rules and addresses are
removed and the process exits. The device disappears with its last descriptor.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from errno import EINVAL, EMSGSIZE
from typing import Any

from cygnet.boundary.events import InstallFailed, Report
from cygnet.boundary.specs import PolicySpec, SaId, SaSpec
from cygnet.dataplane.drops import Drop
from cygnet.dataplane.esp.sa import OutboundSa
from cygnet.dataplane.forwarder import Forwarder
from cygnet.dataplane.ip.checksum import complete
from cygnet.dataplane.policy.traps import HoldLimits
from cygnet.dataplane.tun.channel import Channel
from cygnet.dataplane.tun.clear import ClearPath
from cygnet.dataplane.tun.device import NEEDS_CSUM, PLAIN, VNET_HEADER
from cygnet.dataplane.tun.outer import Outer, Wire
from cygnet.dataplane.tun.settings import TunSettings
from cygnet.dataplane.tun.sockets import MAX_DATAGRAM, is_ike, read_ancillary
from cygnet.values.endpoint import Address, Endpoint
from cygnet.values.errors import DataPlaneError

_BURST = 64  #: reads of one source before the others are looked at
_HOUSEKEEPING = 60.0  #: seconds between looks at path MTUs that may have grown again
_READ = VNET_HEADER + 65536


class Worker:
    def __init__(
        self, channel: Channel, tun: int, sockets: list[socket.socket], settings: TunSettings
    ) -> None:
        limits = HoldLimits(settings.hold_packets, settings.hold_bytes, settings.hold_seconds)
        self.channel, self.tun, self.settings = channel, tun, settings
        self.forwarder = Forwarder(self, self.report, os.urandom, limits)
        self.outer = Outer(sockets, settings.mark, settings.socket_buffer)
        self.clear = ClearPath(settings.mark)
        self.lowered: set[Address] = set()  #: peers whose path takes less than their route says
        self.running = True
        self._poll = select.epoll()
        self._sources: dict[int, Callable[[], None]] = {}
        self._complaints = 0.0
        self.links = _open_links(settings)

    # life ------------------------------------------------------------------------------

    def run(self) -> None:
        self.watch(self.channel.fileno(), self.take_commands)
        self.watch(self.tun, self.take_tun)
        for wire in self.outer.udp:
            self.watch(wire.sock.fileno(), lambda wire=wire: self.take_wire(wire))  # type: ignore[misc]
        self.links.begin()
        self.channel.send("ready")
        due = time.monotonic() + _HOUSEKEEPING
        while self.running:
            ready = {fd for fd, _ in self._poll.poll(max(due - time.monotonic(), 0.0))}
            if self.channel.fileno() in ready:
                self.take_commands()
            for fd in ready:
                if fd != self.channel.fileno() and self.running:
                    self._guarded(self._sources[fd])
            if time.monotonic() >= due:
                due = time.monotonic() + _HOUSEKEEPING
                self.look_at_paths()

    def watch(self, fd: int, source: Callable[[], None]) -> None:
        self._sources[fd] = source
        self._poll.register(fd, select.EPOLLIN)

    def _guarded(self, source: Callable[[], None]) -> None:
        """A packet that trips over a mistake of ours must not take the tunnels down."""
        try:
            source()
        except Exception:
            if time.monotonic() - self._complaints > _HOUSEKEEPING:
                self._complaints = time.monotonic()
                self.log(f"error in the packet path: {traceback.format_exc()}")

    def log(self, text: str) -> None:
        self.channel.send("log", text)

    def report(self, report: Report) -> None:
        self.channel.send("report", report)

    # commands --------------------------------------------------------------------------

    def take_commands(self) -> None:
        messages, alive = self.channel.receive()
        for name, *args in messages:
            try:
                COMMANDS[name](self, *args)
            except DataPlaneError as error:
                self.report(InstallFailed(None, None, str(error)))
        self.channel.flush()
        self._poll.modify(
            self.channel.fileno(), select.EPOLLIN | (select.EPOLLOUT if self.channel.backlog else 0)
        )
        if not alive:
            self.running = False

    def stop(self) -> None:
        self.running = False

    def install_sa(self, spec: SaSpec) -> None:
        try:
            if not spec.encap:
                wire, fresh = self.outer.raw(spec.remote.address.version)
                if fresh:
                    self.watch(wire.sock.fileno(), lambda: self.take_wire(wire))
            self.forwarder.mtu = self.outer.path_mtu(spec.local.address, spec.remote.address)
            self.forwarder.install_sa(spec, time.monotonic())
        except DataPlaneError as error:
            self.report(InstallFailed(spec.id, None, str(error)))

    def update_sa(self, id: SaId, local: Endpoint, remote: Endpoint, encap: bool) -> None:
        self.forwarder.update_sa(id, local, remote, encap)
        sa = self.forwarder.sad.get(id)
        if isinstance(sa, OutboundSa):
            self.outer.forget(sa)
            if not encap:
                self.outer.raw(remote.address.version)
            sa.set_mtu(self.outer.path_mtu(local.address, remote.address))

    def remove_sa(self, id: SaId) -> None:
        sa = self.forwarder.sad.get(id)
        if isinstance(sa, OutboundSa):
            self.outer.forget(sa)
        self.forwarder.remove_sa(id)

    def install_policy(self, spec: PolicySpec) -> None:
        try:
            self.forwarder.install_policy(spec)
            self.links.add_policy(spec)
        except DataPlaneError as error:
            self.report(InstallFailed(None, spec.id, str(error)))

    def remove_policy(self, id: int) -> None:
        self.links.remove_policy(id)
        self.forwarder.remove_policy(id, time.monotonic())

    def release_held(self, policy_id: int) -> None:
        self.forwarder.release_held(policy_id, time.monotonic())

    def query(self, ref: int, ids: tuple[SaId, ...]) -> None:
        self.channel.send("statistics", self.forwarder.statistics())
        self.forwarder.query(ref, ids, time.monotonic())

    def add_virtual_ip(self, address: Address) -> None:
        self.links.add_address(address)

    def remove_virtual_ip(self, address: Address) -> None:
        self.links.remove_address(address)

    # traffic ---------------------------------------------------------------------------

    def take_tun(self) -> None:
        """Packets of this host and its network."""
        for _ in range(_BURST):
            try:
                data = os.read(self.tun, _READ)
            except BlockingIOError:
                return
            now = time.monotonic()
            packet = data[VNET_HEADER:]
            if data[0] & NEEDS_CSUM:
                start, offset = (
                    int.from_bytes(data[6:8], sys.byteorder),
                    int.from_bytes(data[8:10], sys.byteorder),
                )
                changed = bytearray(packet)
                complete(changed, start, offset)
                packet = bytes(changed)
            self.forwarder.outbound(packet, now)

    def take_wire(self, wire: Wire) -> None:
        """ESP packets; trains of them from UDP sockets with GRO."""
        raw = wire.sock.type == socket.SOCK_RAW
        for _ in range(_BURST):
            try:
                data, ancillary, _, source = wire.sock.recvmsg(MAX_DATAGRAM, 256)
            except OSError:
                return  # nothing there, or an ICMP error about something sent before
            now = time.monotonic()
            local, size, tos = read_ancillary(ancillary)
            if local is None:
                continue
            if raw and wire.version == 4:
                data = data[(data[0] & 15) * 4 :]  # raw IPv4 sockets see the IP header
            remote = Endpoint.of(source[0].partition("%")[0], 0 if raw else source[1])
            size = size or len(data) or 1
            for at in range(0, len(data), size):
                packet = data[at : at + size]
                if is_ike(packet) and not raw:
                    here = Endpoint(local, wire.sock.getsockname()[1])
                    self.channel.send("stray", here, remote, packet[4:])
                else:
                    self.take_packet(local, remote, packet, tos, now)

    def take_packet(self, local: Address, remote: Endpoint, packet: bytes, tos: int, now: float) -> None:
        if len(packet) >= 8 and int.from_bytes(packet[:4], "big") not in self.forwarder.sad.inbound:
            self.take_commands()  # its SA may have been installed a moment ago
        self.forwarder.inbound(local, remote, packet, tos, now)

    # Outlet ----------------------------------------------------------------------------

    def to_wire(self, sa: OutboundSa, packet: bytes, tos: int, df: bool) -> None:
        try:
            self.outer.send(sa, packet, tos, df)
        except OSError as error:
            self.forwarder.drops[Drop.UNSENDABLE] += 1
            if error.errno in (EMSGSIZE, EINVAL):
                self.learn_mtu(sa)

    def to_host(self, packet: bytes) -> None:
        try:
            os.writev(self.tun, (PLAIN, packet))
        except OSError:
            self.forwarder.drops[Drop.UNSENDABLE] += 1

    def to_clear(self, packet: bytes) -> None:
        self.clear.send(packet)

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
        Worker.install_sa,
        Worker.update_sa,
        Worker.remove_sa,
        Worker.install_policy,
        Worker.remove_policy,
        Worker.release_held,
        Worker.query,
        Worker.add_virtual_ip,
        Worker.remove_virtual_ip,
        Worker.stop,
    )
}


def _open_links(settings: TunSettings) -> Any:
    """Imported here: loading the library takes longer than all else of the start."""
    from cygnet.dataplane.tun.links import Links

    return Links(settings)


def main(argv: list[str]) -> int:
    # The daemon decides when we end, by closing the channel; a terminal's Ctrl-C reaches it too.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    control = socket.socket(fileno=int(argv[0]))
    channel = Channel(control)
    tun, fds, settings = _first_message(channel)
    worker = Worker(channel, tun, [socket.socket(fileno=fd) for fd in fds], settings)
    try:
        worker.run()
    except DataPlaneError as error:
        channel.send("failed", str(error))
        return 1
    finally:
        worker.links.end()
    return 0


def _first_message(channel: Channel) -> tuple[int, list[int], TunSettings]:
    select.select([channel.fileno()], [], [])
    messages, _ = channel.receive()
    _, tun, fds, settings = messages[0]
    return tun, fds, settings


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
