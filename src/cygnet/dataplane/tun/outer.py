"""Sending sealed packets: the socket, source address, TOS and DF bit for an SA.

DF is a setting of the socket (IP_MTU_DISCOVER), so it is switched when a packet wants another
than the one before; nearly all want it set. With DF set the kernel refuses what is larger than
the path MTU that it learned from ICMP (RFC 1191, RFC 8201): EMSGSIZE, and it tells the new MTU.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Sequence

from cygnet.dataplane.esp.sa import OutboundSa
from cygnet.dataplane.tun.sockets import (
    IP_MTU,
    IP_MTU_DISCOVER,
    IPV6_MTU,
    IPV6_MTU_DISCOVER,
    PMTUDISC_DO,
    PMTUDISC_DONT,
    SOL_UDP,
    UDP_SEGMENT,
    open_raw_esp,
    source_ancillary,
)
from cygnet.values.endpoint import Address, Endpoint

Ancillary = list[tuple[int, int, bytes]]

_INT = struct.Struct("=i")
_SHORT = struct.Struct("=H")
_MOST_KNOWN = 256  #: combinations of traffic class and train size remembered
_NO_ROUTE_MTU = 1500


class Wire:
    """One socket that ESP leaves through. ``version`` of its outer IP."""

    __slots__ = ("_df", "family", "sock", "version")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.family = sock.family
        self.version = 6 if sock.family == socket.AF_INET6 else 4
        self._df: bool | None = None
        self.want_df(True)

    def want_df(self, df: bool) -> None:
        if df is not self._df:
            value = PMTUDISC_DO if df else PMTUDISC_DONT
            if self.version == 4:
                self.sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, value)
            else:
                self.sock.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, value)
            self._df = df


class Path:
    """Where one SA's packets go: worked out once, until its endpoints change."""

    __slots__ = ("_known", "_source", "address", "wire")

    def __init__(self, wire: Wire, local: Address, remote: Endpoint, encap: bool) -> None:
        self.wire = wire
        self.address = (str(remote.address), remote.port if encap else 0)
        self._source = source_ancillary(local)
        self._known: dict[tuple[int, int], Ancillary] = {}

    def ancillary(self, tos: int, train: int = 0) -> Ancillary:
        """Control messages: source address, traffic class, size of the datagrams of a train (0: none)."""
        found = self._known.get((tos, train))
        if found is None:
            found = list(self._source)
            if tos and self.wire.version == 4:
                found.append((socket.IPPROTO_IP, socket.IP_TOS, _INT.pack(tos)))
            elif tos:
                found.append((socket.IPPROTO_IPV6, socket.IPV6_TCLASS, _INT.pack(tos)))
            if train:
                found.append((SOL_UDP, UDP_SEGMENT, _SHORT.pack(train)))
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[tos, train] = found
        return found


class Outer:
    """``udp`` are the ESP sockets of the daemon. Raw ones are opened when needed."""

    def __init__(self, udp: Sequence[socket.socket], mark: int, buffer: int) -> None:
        self._mark, self._buffer = mark, buffer
        self._udp = {}
        for sock in udp:
            wire = Wire(sock)
            self._udp[wire.version, sock.getsockname()[1]] = wire
        self._raw: dict[int, Wire] = {}

    @property
    def udp(self) -> list[Wire]:
        return list(self._udp.values())

    def raw(self, version: int) -> tuple[Wire, bool]:
        """(the raw ESP socket of that IP version, whether it was just opened). Raises DataPlaneError."""
        wire = self._raw.get(version)
        if wire is not None:
            return wire, False
        family = socket.AF_INET if version == 4 else socket.AF_INET6
        wire = self._raw[version] = Wire(open_raw_esp(family, mark=self._mark, buffer=self._buffer))
        return wire, True

    def path(self, sa: OutboundSa) -> Path:
        """Raises OSError where there is no socket for it."""
        path = sa.path
        if not isinstance(path, Path):
            sa.path = path = Path(self._wire(sa), sa.local.address, sa.remote, sa.encap)
        return path

    def _wire(self, sa: OutboundSa) -> Wire:
        version = sa.remote.address.version
        if not sa.encap:
            return self.raw(version)[0]
        wire = self._udp.get((version, sa.local.port))
        if wire is None:
            # A port other than ours: an SA whose own end floated; any socket of the family will do.
            wire = next((w for (v, _), w in self._udp.items() if v == version), None)
        if wire is None:
            raise OSError(errno.EAFNOSUPPORT, f"no UDP socket for IPv{version}")
        return wire

    def send(self, sa: OutboundSa, data: bytes | memoryview, tos: int, df: bool, train: int = 0) -> None:
        """One datagram, or with ``train`` (UDP only) many of that size in one system call.

        Raises OSError; EMSGSIZE: the path takes no packet of this size (EINVAL for a train).
        """
        path = self.path(sa)
        path.wire.want_df(df)
        path.wire.sock.sendmsg((data,), path.ancillary(tos, train), 0, path.address)

    def path_mtu(self, local: Address, remote: Address) -> int:
        """What the kernel knows of the path's MTU, the outer IP header included."""
        family = socket.AF_INET if remote.version == 4 else socket.AF_INET6
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                if self._mark:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, self._mark)
                probe.bind((str(local), 0))
                probe.connect((str(remote), 4500))
                if family == socket.AF_INET:
                    return probe.getsockopt(socket.IPPROTO_IP, IP_MTU)
                return probe.getsockopt(socket.IPPROTO_IPV6, IPV6_MTU)
            except OSError:
                return _NO_ROUTE_MTU  # no route now: sending will tell
