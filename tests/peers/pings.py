"""Pings that are counted when all have had their time.

    python tests/peers/pings.py SOURCE DESTINATION COUNT INTERVAL PATIENCE

iputils' ping waits for the last answer no longer than twice the round trip before it, once there was
any answer: on a busy machine it counts as lost what comes a moment later. This one waits PATIENCE
seconds after the last packet or answer, prints "N of COUNT answered", and exits 0 if all were.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
import sys
import time
from ipaddress import ip_address


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def echo(six: bool, identifier: int, number: int) -> bytes:
    """An echo request with 56 bytes of data, as ping's; the kernel fills in ICMPv6's checksum."""
    body = struct.pack("!BBHHH56x", 128 if six else 8, 0, 0, identifier, number)
    return body if six else body[:2] + struct.pack("!H", checksum(body)) + body[4:]


def answered(source: str, destination: str, count: int, interval: float, patience: float) -> int:
    six = ip_address(destination).version == 6
    family, protocol = (
        (socket.AF_INET6, socket.IPPROTO_ICMPV6) if six else (socket.AF_INET, socket.IPPROTO_ICMP)
    )
    reply, skip = (129, 0) if six else (0, 20)
    identifier = os.getpid() & 0xFFFF
    missing: set[int] = set()
    with socket.socket(family, socket.SOCK_RAW, protocol) as sock:
        sock.bind((source, 0))
        sock.setblocking(False)
        sent, due, quiet_since = 0, time.monotonic(), time.monotonic()
        while sent < count or (missing and time.monotonic() - quiet_since < patience):
            now = time.monotonic()
            if sent < count and now >= due:
                with contextlib.suppress(OSError):  # it counts as not answered
                    sock.sendto(echo(six, identifier, sent), (destination, 0))
                missing.add(sent)
                sent, due, quiet_since = sent + 1, max(due + interval, now), now
            wait = due - time.monotonic() if sent < count else quiet_since + patience - time.monotonic()
            if not select.select([sock], [], [], max(0.0, wait))[0]:
                continue
            packet = sock.recv(65535)[skip:]
            if len(packet) >= 8 and packet[0] == reply and packet[4:6] == identifier.to_bytes(2):
                missing.discard(int.from_bytes(packet[6:8]))
                quiet_since = time.monotonic()
    return count - len(missing)


def main(source: str, destination: str, count: str, interval: str, patience: str) -> int:
    number = answered(source, destination, int(count), float(interval), float(patience))
    print(f"{number} of {count} answered", flush=True)
    return int(number != int(count))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
