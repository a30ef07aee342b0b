"""The UDP sockets of IKE and ESP, and the raw ones for ESP without UDP.

Port 4500 carries both: IKE messages begin with four zero bytes (RFC 3948 §2.2), a NAT
keep-alive is one 0xFF byte, all else is ESP. So that packets never pass through the IKE
daemon, two sockets share the port (SO_REUSEPORT) and a classic BPF program chooses by the
first word of the payload: socket 0, IKE, where it is zero or missing, else socket 1, ESP.

UDP_ENCAP must never be set on these: the kernel would then take all ESP itself.

GRO happens before that choice, without asking the program, and for the flow as a whole: both
sockets must therefore have UDP_GRO, and a train of equal-sized datagrams may in rare cases
hold one meant for the other socket. ``receive`` splits trains; who gets a foreign datagram
hands it on (``is_ike``).

All sockets carry SO_MARK, so that the rule that leads into the tunnel lets them pass.
"""

from __future__ import annotations

import ctypes
import errno
import socket
import struct
import time
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

from cygnet.values.endpoint import Address, Endpoint
from cygnet.values.errors import DataPlaneError

# linux/in.h, linux/in6.h, linux/udp.h, asm-generic/socket.h: missing in Python 3.11's socket module.
IP_PKTINFO = 8
IP_MTU_DISCOVER = 10
IP_RECVERR = 11
IP_RECVTOS = 13
IP_MTU = 14
IPV6_MTU_DISCOVER = 23
IPV6_MTU = 24
IPV6_RECVERR = 25
PMTUDISC_DONT = 0
PMTUDISC_DO = 2
SOL_UDP = 17
UDP_SEGMENT = 103
UDP_GRO = 104
SO_ATTACH_REUSEPORT_CBPF = 51
SO_RCVBUFFORCE = 33
SO_SNDBUFFORCE = 32

MAX_DATAGRAM = 65535
NON_ESP_MARKER = bytes(4)

_PATIENCE, _PAUSE = 1.0, 0.02  #: seconds to wait for a taken port, and between two looks

#: ld [0]; jeq #0, ike; ret 1; ike: ret 0. A load beyond the end (keep-alive) returns 0 too.
_STEERING = [(0x20, 0, 0, 0), (0x15, 1, 0, 0), (0x06, 0, 0, 1), (0x06, 0, 0, 0)]


def is_ike(payload: bytes | memoryview) -> bool:
    """Whether a datagram of port 4500 is IKE (its marker) rather than ESP or a keep-alive."""
    return payload[:4] == NON_ESP_MARKER


def open_udp(
    family: int, port: int, *, mark: int = 0, address: str = "", shared: bool = False
) -> socket.socket:
    """A bound, non-blocking UDP socket that tells the local address of what it receives.

    ``family`` socket.AF_INET or AF_INET6 (IPv6 only). Raises DataPlaneError.
    """
    sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        _prepare(sock, mark)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((address, port))
    except OSError as error:
        sock.close()
        where = f"{address or '*'} port {port}"
        raise DataPlaneError(f"open UDP socket on {where}", error.errno or 0, error.strerror or "") from error
    return sock


def open_pair(
    family: int, port: int, *, mark: int = 0, address: str = "", buffer: int = 4 << 20
) -> tuple[socket.socket, socket.socket]:
    """The IKE and the ESP socket that share ``port``: (ike, esp). Raises DataPlaneError.

    The IKE socket sees payloads with their non-ESP marker, and keep-alives.
    """
    _refuse_taken_port(family, port, address)
    ike = open_udp(family, port, mark=mark, address=address, shared=True)
    try:
        _attach_steering(ike)
        esp = open_udp(family, port, mark=mark, address=address, shared=True)
    except BaseException:
        ike.close()
        raise
    for sock in (ike, esp):
        sock.setsockopt(SOL_UDP, UDP_GRO, 1)
    raise_buffers(esp, buffer)
    ask_for_tos(esp)
    return ike, esp


def open_raw_esp(family: int, *, mark: int = 0, buffer: int = 4 << 20) -> socket.socket:
    """A raw socket for IP protocol 50 (ESP without UDP). Raises DataPlaneError."""
    kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    try:
        sock = socket.socket(family, kind, socket.IPPROTO_ESP)
        _prepare(sock, mark)
    except OSError as error:
        raise DataPlaneError("open raw ESP socket", error.errno or 0, error.strerror or "") from error
    raise_buffers(sock, buffer)
    ask_for_tos(sock)
    return sock


def receive(sock: socket.socket, limit: int = 64) -> Iterator[tuple[Endpoint, Endpoint, bytes]]:
    """What waits at a UDP socket as (local, remote, payload), at most about ``limit`` datagrams.

    Trains that GRO put together come out as the datagrams they were.
    """
    port = sock.getsockname()[1]
    count = 0
    while count < limit:
        try:
            data, ancillary, _, source = sock.recvmsg(MAX_DATAGRAM, 256)
        except (BlockingIOError, ConnectionRefusedError):
            return
        local, size, _ = read_ancillary(ancillary)
        remote = Endpoint(_address(source[0]), source[1])
        here = Endpoint(local or _address(sock.getsockname()[0]), port)
        size = size or len(data) or 1
        for start in range(0, max(len(data), 1), size):
            count += 1
            yield here, remote, data[start : start + size]


def send(sock: socket.socket, local: Address | None, remote: Endpoint, data: bytes, dscp: int = 0) -> None:
    """Send one datagram from ``local`` (None: whatever the route says). Raises OSError."""
    ancillary = source_ancillary(local)
    if dscp:
        ancillary.append(_traffic_class(remote.address.version, dscp))
    sock.sendmsg([data], ancillary, 0, (str(remote.address), remote.port))


def _traffic_class(version: int, dscp: int) -> tuple[int, int, bytes]:
    """The control message that sets a packet's DSCP; the two bits of ECN stay 0."""
    if version == 4:
        return socket.IPPROTO_IP, socket.IP_TOS, struct.pack("=i", dscp << 2)
    return socket.IPPROTO_IPV6, socket.IPV6_TCLASS, struct.pack("=i", dscp << 2)


def source_ancillary(local: Address | None) -> list[tuple[int, int, bytes]]:
    """The control message that sets a packet's source address."""
    if local is None or local.is_unspecified:
        return []
    if local.version == 4:
        return [(socket.IPPROTO_IP, IP_PKTINFO, struct.pack("=i4s4s", 0, local.packed, bytes(4)))]
    return [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, struct.pack("=16si", local.packed, 0))]


def read_ancillary(ancillary: list[tuple[int, int, bytes]]) -> tuple[Address | None, int, int]:
    """(local address, datagram size of a GRO train or 0, traffic class) of a received message."""
    local: Address | None = None
    size = tos = 0
    for level, kind, data in ancillary:
        if level == SOL_UDP and kind == UDP_GRO:
            size = int.from_bytes(data[:4], "little" if _LITTLE else "big")
        elif level == socket.IPPROTO_IP and kind == IP_PKTINFO:
            local = IPv4Address(data[8:12])
        elif level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
            local = IPv6Address(data[:16])
        elif level == socket.IPPROTO_IP and kind == socket.IP_TOS:
            tos = data[0]
        elif level == socket.IPPROTO_IPV6 and kind == socket.IPV6_TCLASS:
            tos = int.from_bytes(data[:4], "little" if _LITTLE else "big") & 0xFF
    return local, size, tos


def raise_buffers(sock: socket.socket, size: int) -> None:
    """Buffers of ``size`` bytes: beyond the system's limit where we may, else as far as it goes."""
    for force, plain in ((SO_RCVBUFFORCE, socket.SO_RCVBUF), (SO_SNDBUFFORCE, socket.SO_SNDBUF)):
        try:
            sock.setsockopt(socket.SOL_SOCKET, force, size)
        except PermissionError:
            sock.setsockopt(socket.SOL_SOCKET, plain, size)


def ask_for_tos(sock: socket.socket) -> None:
    """Have the outer header's DSCP and ECN told with each packet (for RFC 6040)."""
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVTOS, 1)


_LITTLE = struct.pack("=H", 1) == b"\x01\x00"


def _prepare(sock: socket.socket, mark: int) -> None:
    if mark:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)


def _refuse_taken_port(family: int, port: int, address: str) -> None:
    """SO_REUSEPORT would let us join a port that another daemon of root's has: find out first.

    After a crash it may still be that of our predecessor's packet worker, which is about to end.
    """
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            open_udp(family, port, address=address).close()
            return
        except DataPlaneError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() >= until:
                raise
        time.sleep(_PAUSE)


def _attach_steering(first: socket.socket) -> None:
    """Attach the program to the group of ``first``, before the second socket joins it."""
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in _STEERING)
    buffer = ctypes.create_string_buffer(code)
    program = struct.pack("@HP", len(_STEERING), ctypes.addressof(buffer))
    try:
        first.setsockopt(socket.SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, program)
    except OSError as error:
        raise DataPlaneError("steer ESP", error.errno or 0, error.strerror or "") from error


def _address(text: str) -> Address:
    text = text.partition("%")[0]
    return IPv6Address(text) if ":" in text else IPv4Address(text)
