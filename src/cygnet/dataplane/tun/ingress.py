"""From the wire to the TUN: trains of ESP packets, opened, their TCP segments joined again.

What the offload engine does not take (SAs with CBC, transport mode, unknown SPIs) comes back
from it as strangers and goes the ordinary way. IKE messages among them are handed on.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable

from cygnet.dataplane.drops import Drop
from cygnet.dataplane.esp.sa import InboundSa
from cygnet.dataplane.forwarder import Forwarder
from cygnet.dataplane.ip import mss
from cygnet.dataplane.tun.egress import next_burst
from cygnet.dataplane.tun.fast.inbound import FEW, Opener
from cygnet.dataplane.tun.fast.layout import takes
from cygnet.dataplane.tun.outer import Wire
from cygnet.dataplane.tun.sockets import SOL_UDP, UDP_GRO, is_ike, read_ancillary
from cygnet.values.endpoint import Address, Endpoint

_MOST_SOURCES = 4096  #: endpoints remembered; beyond, the memory is begun anew
_LONG = 16384  #: bytes of a train that is worth a write of its own
_ANCILLARY = 128  #: bytes of control messages: packet info, TOS, train size

# what an ESP socket tells with a packet, looked up once
IPPROTO_IP, IP_TOS = socket.IPPROTO_IP, socket.IP_TOS
IPPROTO_IPV6, IPV6_TCLASS = socket.IPPROTO_IPV6, socket.IPV6_TCLASS


#: where datagrams came from: source address, traffic class, control messages
_Origin = tuple[tuple[str, int], int, list[tuple[int, int, bytes]]]


class Ingress:
    """``before_giving_up`` is called before a packet with an unknown SPI is dropped.

    ``udp_gso``: the device takes UDP GSO packets.
    """

    def __init__(
        self,
        tun: int,
        forwarder: Forwarder,
        stray: Callable[[Endpoint, Endpoint, bytes], None],
        before_giving_up: Callable[[], None],
        udp_gso: bool = False,
    ) -> None:
        self._tun, self._forwarder = tun, forwarder
        self._stray, self._before_giving_up = stray, before_giving_up
        self._opener = Opener(self._offloaded, self._clamp, udp_gso)
        self._expected = self._expected_raw = 1
        self._sources: dict[tuple[str, int], Endpoint] = {}
        #: where an SA's packets came from last, and what its remote end was then: looked at once
        self._seen: dict[InboundSa, tuple[tuple[str, int], Endpoint]] = {}

    @property
    def congested(self) -> int:
        return self._opener.congested

    def take(self, wire: Wire) -> None:
        """Receive what waits at a UDP socket, at most a burst."""
        opener, receive = self._opener, wire.sock.recvmsg_into
        now = time.monotonic()
        count = 0
        alone = self._expected < FEW  # there is little traffic: nothing to wait for
        held: _Origin | None = None
        while count < self._expected and opener.ready():
            try:
                length, ancillary, _, source = receive((opener.room(),), _ANCILLARY)
            except OSError:
                break  # nothing there, or an ICMP error about something sent before
            count += 1
            size = tos = 0
            for level, kind, data in ancillary:
                if kind == UDP_GRO and level == SOL_UDP:
                    size = int.from_bytes(data[:4], sys.byteorder)
                elif kind == IP_TOS and level == IPPROTO_IP:
                    tos = data[0]
                elif kind == IPV6_TCLASS and level == IPPROTO_IPV6:
                    tos = int.from_bytes(data[:4], sys.byteorder)
            train = 0 < size < length
            if held is not None and (train or held[0] != source or held[1] != tos):
                opener.settle()
                self._account(wire, held, now)
                held = None
            if train or alone:
                opener.receive(length, size, tos)
                self._account(wire, (source, tos, ancillary), now)
            else:
                opener.hold(length, 0, tos)
                held = source, tos, ancillary
            if train and length >= _LONG:
                self._write()  # while it is in the processor's cache; joining it with more gains less
        if held is not None:
            opener.settle()
            self._account(wire, held, now)
        self._write()
        self._expected = next_burst(self._expected, count)

    def _account(self, wire: Wire, origin: _Origin, now: float) -> None:
        """What was opened: who sent it; and what could not be opened here."""
        opener, source = self._opener, origin[0]
        if opener.authentic:
            for sa in opener.authentic:
                if self._seen.get(sa) != (source, sa.remote):
                    self._see(sa, source)
                self._forwarder.used(sa, now)
            opener.authentic.clear()
        if opener.strangers:
            strangers = [bytes(packet) for packet in opener.strangers]
            opener.strangers.clear()
            local, _, _ = read_ancillary(origin[2])
            self._take_strangers(wire, strangers, local, self._source(source), origin[1], now)

    def take_raw(self, wire: Wire) -> None:
        """Receive ESP packets without UDP, which come one by one; raw IPv4 sockets see the IP header."""
        opener, receive = self._opener, wire.sock.recvmsg_into
        now = time.monotonic()
        count = 0
        while count < self._expected_raw and opener.ready():
            room = opener.room()
            try:
                length, ancillary, _, source = receive((room,), _ANCILLARY)
            except OSError:
                break
            count += 1
            local, _, tos = read_ancillary(ancillary)
            skip = (room[0] & 15) * 4 if wire.version == 4 else 0
            if self._offloaded(int.from_bytes(room[skip : skip + 4], "big")) is not None:
                opener.hold(length, skip, tos)
            else:
                remote = self._source((source[0], 0))
                self._take_one(local, remote, bytes(room[skip:length]), tos, now)
        opener.settle()
        for sa in opener.authentic:
            self._forwarder.used(sa, now)
        opener.authentic.clear()
        opener.strangers.clear()  # shorter than any ESP packet
        self._write()
        self._expected_raw = next_burst(self._expected_raw, count)

    def _take_strangers(
        self, wire: Wire, packets: list[bytes], local: Address | None, remote: Endpoint, tos: int, now: float
    ) -> None:
        for packet in packets:
            if is_ike(packet) and local is not None:
                here = Endpoint(local, wire.sock.getsockname()[1])
                self._stray(here, remote, packet[4:])
            else:
                self._take_one(local, remote, packet, tos, now)

    def _take_one(self, local: Address | None, remote: Endpoint, packet: bytes, tos: int, now: float) -> None:
        if local is None:
            return
        if len(packet) >= 8 and int.from_bytes(packet[:4], "big") not in self._forwarder.sad.inbound:
            self._before_giving_up()  # its SA may have been installed a moment ago
        self._forwarder.inbound(local, remote, packet, tos, now)

    def _see(self, sa: InboundSa, source: tuple[str, int]) -> None:
        """Authentic packets came from another place than the last ones, or the SA was moved."""
        if len(self._seen) >= _MOST_SOURCES:
            self._seen.clear()
        self._seen[sa] = source, sa.remote
        self._forwarder.used_from(sa, self._source(source))

    def _write(self) -> None:
        for packet in self._opener.flush():
            try:
                os.write(self._tun, packet)
            except OSError:
                self._forwarder.drops[Drop.UNSENDABLE] += 1

    def _offloaded(self, spi: int) -> InboundSa | None:
        sa = self._forwarder.sad.inbound.get(spi)
        if sa is None:
            return None
        if sa.offload is None:
            sa.offload = takes(sa)
        return sa if sa.offload else None

    def _clamp(self, sa: InboundSa, packet: memoryview) -> None:
        """A SYN that came in, its MSS lowered in place."""
        syn = bytes(packet)
        if mss.is_syn(syn):
            packet[:] = self._forwarder.clamped(sa, syn)

    def _source(self, source: tuple[str, int]) -> Endpoint:
        key = source[0], source[1]
        known = self._sources.get(key)
        if known is None:
            if len(self._sources) >= _MOST_SOURCES:
                self._sources.clear()
            known = self._sources[key] = Endpoint.of(source[0].partition("%")[0], source[1])
        return known
