"""Two ends of a tunnel for the contract: the same handle on two memory planes and on two TUN planes.

10.1.0.0/16, fd01::/64 -- near 192.0.2.1 ------- 192.0.2.7 far -- 10.2.0.0/16, fd02::/64
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from cygnet.boundary.events import Report, Usage
from cygnet.boundary.specs import PolicySpec, SaId, SaUsage
from cygnet.dataplane.base import DataPlane
from cygnet.dataplane.esp.encapsulate import enclose
from cygnet.dataplane.esp.packet import seal
from cygnet.dataplane.esp.sa import OutboundSa
from cygnet.dataplane.memory import MemoryPlane, join
from cygnet.dataplane.tun.plane import TunPlane
from cygnet.dataplane.tun.sockets import open_pair
from cygnet.values.endpoint import Endpoint
from tests.dataplane.packets import FAR_TS, NEAR_TS, Pair, pair, policy

NEAR, FAR = Endpoint.of("192.0.2.1", 4500), Endpoint.of("192.0.2.7", 4500)
NEAR6, FAR6 = Endpoint.of("2001:db8::1", 4500), Endpoint.of("2001:db8::7", 4500)
OPEN, DATA = 7777, b"in the clear"  #: a port of far's hosts, and what is sent there
PATIENCE = 10.0  #: seconds until what must happen counts as not happening


class Ends:
    """``arrived`` are packets that came out of the tunnel at far, ``returned`` at near (with ICMP errors)."""

    near: DataPlane
    far: DataPlane

    def __init__(self) -> None:
        self.near_reports: list[Report] = []
        self.far_reports: list[Report] = []
        self._ref = 1000

    # what differs between the planes

    def send(self, packet: bytes) -> None:
        """A packet of a host behind near."""
        raise NotImplementedError

    def send_back(self, packet: bytes) -> None:
        """A packet of a host behind far."""
        raise NotImplementedError

    def inject(self, esp: bytes, port: int = 4500) -> None:
        """ESP in UDP to far, from near's address and that port."""
        raise NotImplementedError

    @property
    def arrived(self) -> list[bytes]:
        raise NotImplementedError

    @property
    def returned(self) -> list[bytes]:
        raise NotImplementedError

    @property
    def passed(self) -> list[bytes]:
        """Packets of hosts behind near that left it in the clear."""
        raise NotImplementedError

    def send_clear(self, packet: bytes) -> None:
        """A packet of a host behind near that reaches far on the wire, without ESP."""
        raise NotImplementedError

    @property
    def admitted(self) -> list[bytes]:
        """Data of UDP packets to port ``OPEN`` of far that came in the clear."""
        raise NotImplementedError

    def dropped(self, reason: str) -> int:
        """At far, as of a moment ago."""
        self.settle()
        statistics: dict[str, int] = self.far.statistics()  # type: ignore[attr-defined]
        return statistics.get(reason, 0)

    def turn(self) -> None:
        """Let the planes deliver what they have to report."""

    def close(self) -> None:
        self.near.stop()
        self.far.stop()

    # what is the same

    def pair(self, *suite: Any, **more: Any) -> Pair:
        return pair(*suite, **({"local": NEAR, "remote": FAR} | more))

    def policy(self, id: int = 1, **more: Any) -> PolicySpec:
        return policy(id, **({"local": NEAR, "remote": FAR} | more))

    def up(self, sas: Pair | None = None, **more: Any) -> Pair:
        """A tunnel at both ends: policies and SAs."""
        sas = sas or self.pair()
        self.near.install_policy(self.policy(**more))
        self.far.install_policy(self.mirrored_policy(**more))
        self.install(sas)
        return sas

    def mirrored_policy(self, id: int = 1, **more: Any) -> PolicySpec:
        spec = self.policy(id, **more)
        return replace(
            spec, local_ts=spec.remote_ts, remote_ts=spec.local_ts, local=spec.remote, remote=spec.local
        )

    def install(self, sas: Pair) -> None:
        """As IKE does: inbound before outbound, so that nothing arrives without an SA."""
        other = sas.mirrored()
        self.near.install_sa(sas.into)
        self.far.install_sa(other.into)
        self.settle()
        self.near.install_sa(sas.out)
        self.far.install_sa(other.out)
        self.settle()

    def wait(self, condition: Callable[[], Any], what: str = "it") -> None:
        until = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > until:
                raise AssertionError(
                    f"{what} did not happen; near said {self.near_reports}, far {self.far_reports}, "
                    f"arrived {[p.hex() for p in self.arrived]}, returned {[p.hex() for p in self.returned]}"
                )
            self.turn()

    def settle(self) -> None:
        """Until all commands so far were performed: a query is answered after them."""
        self.usage(self.near, self.near_reports)
        self.usage(self.far, self.far_reports)

    def usage(self, plane: DataPlane, reports: list[Report], *ids: SaId) -> tuple[SaUsage, ...]:
        self._ref += 1
        ref = self._ref
        plane.query(ref, ids)
        self.wait(
            lambda: any(isinstance(r, Usage) and r.ref == ref for r in reports), "the answer to a query"
        )
        found = next(r for r in reports if isinstance(r, Usage) and r.ref == ref)
        reports.remove(found)
        return found.usages

    def usage_of(self, id: SaId) -> SaUsage:
        """Of an SA at far if it is there, else at near."""
        found = self.usage(self.far, self.far_reports, id) or self.usage(self.near, self.near_reports, id)
        assert found, f"no SA {id}"
        return found[0]

    def reports(self, kind: type[Any]) -> list[Any]:
        """Those of both ends."""
        return [r for r in self.near_reports + self.far_reports if isinstance(r, kind)]


def sealed(sas: Pair, packet: bytes, sequence: int = 1) -> bytes:
    """The ESP packet that near would make of ``packet`` with this sequence number."""
    sa = OutboundSa(sas.out)
    sa.sequence = sequence - 1
    made = seal(sa, *enclose(sa, packet))
    assert made is not None
    return made


class MemoryEnds(Ends):
    def __init__(self) -> None:
        super().__init__()
        self.near = self._near = MemoryPlane(time.monotonic)
        self.far = self._far = MemoryPlane(time.monotonic)
        join(self._near, self._far)
        self.near.start(self.near_reports.append)
        self.far.start(self.far_reports.append)

    def send(self, packet: bytes) -> None:
        self._near.send(packet)

    def send_back(self, packet: bytes) -> None:
        self._far.send(packet)

    def inject(self, esp: bytes, port: int = 4500) -> None:
        self._far.receive(FAR, NEAR.with_port(port), esp)

    def send_clear(self, packet: bytes) -> None:
        self._far.receive_clear(packet)

    @property
    def admitted(self) -> list[bytes]:
        return [packet[-len(DATA) :] for packet in self._far.delivered]

    @property
    def arrived(self) -> list[bytes]:
        return self._far.delivered

    @property
    def returned(self) -> list[bytes]:
        return self._near.delivered

    @property
    def passed(self) -> list[bytes]:
        return self._near.passed


# TUN planes in two namespaces -----------------------------------------------------------

_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)
_ETH_P_ALL = socket.htons(3)


class Namespaces:
    """``near`` and ``far``, connected by a veth pair named eth0 on both sides."""

    def __init__(self, tag: str = "") -> None:
        self.near, self.far = (f"cygnet-{end}{tag}-{os.getpid()}" for end in ("near", "far"))
        self.remove()
        sides = (
            (self.near, "192.0.2.1/24", "2001:db8::1/64", "10.1.0.1/16", "fd01::1/64"),
            (self.far, "192.0.2.7/24", "2001:db8::7/64", "10.2.0.1/16", "fd02::1/64"),
        )
        for name, *_ in sides:
            run(f"ip netns add {name}")
        run(f"ip -n {self.near} link add eth0 type veth peer name eth0 netns {self.far}")
        for name, outer, outer6, inner, inner6 in sides:
            run(f"ip -n {name} addr add {outer} dev eth0")
            run(f"ip -n {name} addr add {outer6} dev eth0 nodad")
            run(f"ip -n {name} link add lan type veth peer name hosts")
            run(f"ip -n {name} addr add {inner} dev lan")
            run(f"ip -n {name} addr add {inner6} dev lan nodad")
            for device in ("lo", "eth0", "lan", "hosts"):
                run(f"ip -n {name} link set {device} up")
        # what leaves near in the clear has somewhere to go
        run(f"ip -n {self.near} route add 10.2.0.0/16 via 192.0.2.7")
        run(f"ip -n {self.near} -6 route add fd02::/64 via 2001:db8::7")

    def remove(self) -> None:
        for name in (self.near, self.far):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def run(command: str) -> str:
    return subprocess.run(command.split(), check=True, capture_output=True, text=True).stdout


@contextlib.contextmanager
def inside(name: str) -> Iterator[None]:
    """The calling thread in that namespace: sockets and processes made here belong to it."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        _setns(there)
        yield
    finally:
        _setns(home)
        os.close(home)
        os.close(there)


def _setns(fd: int) -> None:
    if _LIBC.setns(fd, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


class Tap:
    """Packets that come in through a device."""

    def __init__(self, device: str, wanted: Callable[[bytes], bool]) -> None:
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, _ETH_P_ALL)
        self._socket.bind((device, 3))
        self._wanted = wanted
        self.packets: list[bytes] = []

    def turn(self) -> None:
        while True:
            try:
                data, address = self._socket.recvfrom(70000)
            except OSError:
                return  # nothing there, or the device went down
            if address[2] != socket.PACKET_OUTGOING and self._wanted(data):
                self.packets.append(data)

    def close(self) -> None:
        self._socket.close()


class TunEnds(Ends):
    def __init__(self, spaces: Namespaces) -> None:
        super().__init__()
        self.spaces = spaces
        self.logs: list[str] = []
        self._sockets: list[socket.socket] = []
        self._taps: list[Tap] = []
        self._admitted: list[bytes] = []
        self.near = self._near = self._plane(spaces.near, self.near_reports)
        self.far = self._far = self._plane(spaces.far, self.far_reports)
        with inside(spaces.near):
            self._raw_near = _raw_sockets()
        with inside(spaces.far):
            self._raw_far = _raw_sockets()
            self._open = [_listening(socket.AF_INET, "10.2.0.1"), _listening(socket.AF_INET6, "fd02::1")]
        with inside(spaces.near):
            self._raw_clear = _raw_sockets(mark=220)  # past the rule that leads into the tunnel
        self.wait_for_workers()
        self._open_taps()

    def _open_taps(self) -> None:
        for tap in self._taps:
            tap.close()
        self._taps = []
        self._returned = self._tap(self.spaces.near, "cygnet0", _no_link_talk)
        self._arrived = self._tap(self.spaces.far, "cygnet0", _no_link_talk)
        self._passed = self._tap(self.spaces.far, "eth0", _between_hosts)

    def wait_for_workers(self) -> None:
        until = time.monotonic() + PATIENCE
        while not (self._near.ready and self._far.ready):
            assert time.monotonic() < until, f"the workers did not start: {self.logs}"
            self.turn()

    def _plane(self, space: str, reports: list[Report]) -> TunPlane:
        with inside(space):
            sockets = []
            for family in (socket.AF_INET, socket.AF_INET6):
                ike, esp = open_pair(family, 4500, mark=220)
                self._sockets += [ike, esp]
                sockets.append(esp)
            plane = TunPlane(sockets, log=self.logs.append)
            plane.start(reports.append)
        return plane

    def _tap(self, space: str, device: str, wanted: Callable[[bytes], bool]) -> Tap:
        with inside(space):
            tap = Tap(device, wanted)
        self._taps.append(tap)
        return tap

    def turn(self) -> None:
        for plane in select.select([self._near, self._far], [], [], 0.02)[0]:
            # A plane may start a new worker now, which must be in its daemon's namespace.
            with inside(self.spaces.near if plane is self._near else self.spaces.far):
                plane.process_reports()
        for tap in self._taps:
            tap.turn()

    def reset(self) -> None:
        """Fit for the next test: starting workers anew for each would take most of the time."""
        stopped = False
        for plane, space, reports in (
            (self._near, self.spaces.near, self.near_reports),
            (self._far, self.spaces.far, self.far_reports),
        ):
            if not plane.running:
                stopped = True
                with inside(space):
                    plane.start(reports.append)
            for sa in plane.sas:
                plane.remove_sa(sa)
            for spec in plane.policies:
                plane.remove_policy(spec.id)
        self.wait_for_workers()
        if stopped:
            self._open_taps()  # of the new device
        self.settle()
        self.turn()
        del self.admitted[:]
        for noted in (self.near_reports, self.far_reports, self.logs, *(tap.packets for tap in self._taps)):
            noted.clear()

    def close(self) -> None:
        super().close()
        for closing in (*self._taps, *self._sockets, *self._raw_near.values(), *self._raw_far.values(),
                        *self._raw_clear.values(), *self._open):  # fmt: skip
            closing.close()

    def send(self, packet: bytes) -> None:
        self.settle()  # its route is a command too
        _send_raw(self._raw_near, packet)

    def send_back(self, packet: bytes) -> None:
        self.settle()
        _send_raw(self._raw_far, packet)

    def send_clear(self, packet: bytes) -> None:
        self.settle()
        _send_raw(self._raw_clear, packet)

    @property
    def admitted(self) -> list[bytes]:
        for sock in self._open:
            with contextlib.suppress(BlockingIOError):
                while True:
                    self._admitted.append(sock.recv(100))
        return self._admitted

    def dropped(self, reason: str) -> int:
        self.settle()
        time.sleep(1.01)  # statistics are summed up once a second
        return super().dropped(reason)

    def inject(self, esp: bytes, port: int = 4500) -> None:
        self.settle()
        with inside(self.spaces.near), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 220)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            sock.bind(("192.0.2.1", port))
            sock.sendto(esp, ("192.0.2.7", 4500))

    @property
    def arrived(self) -> list[bytes]:
        return self._arrived.packets

    @property
    def returned(self) -> list[bytes]:
        return self._returned.packets

    @property
    def passed(self) -> list[bytes]:
        return self._passed.packets


def _between_hosts(packet: bytes) -> bool:
    """Not ESP, and not what the kernel says on its own (neighbour discovery and the like)."""
    if packet[0] >> 4 == 4:
        return packet[12] == 10 or packet[16] == 10
    return packet[0] >> 4 == 6 and packet[8:9] == b"\xfd"


def _no_link_talk(packet: bytes) -> bool:
    return packet[0] >> 4 == 4 or packet[24] not in (0xFE, 0xFF)


def _raw_sockets(mark: int = 0) -> dict[int, socket.socket]:
    four = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    six = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
    for sock in (four, six):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
    return {4: four, 6: six}


def _listening(family: socket.AddressFamily, address: str) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    sock.bind((address, OPEN))
    return sock


def _send_raw(sockets: dict[int, socket.socket], packet: bytes) -> None:
    version = packet[0] >> 4
    destination = ip_address(packet[16:20] if version == 4 else packet[24:40])
    sockets[version].sendto(packet, (str(destination), 0))


__all__ = ["FAR", "FAR_TS", "NEAR", "NEAR_TS", "Ends", "MemoryEnds", "Namespaces", "TunEnds", "sealed"]
