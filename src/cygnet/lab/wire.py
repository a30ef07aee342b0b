"""A cable with a delay, for kernels without netem: two TUN devices and a program between them.

    python -m cygnet.lab.wire DEVICE OTHER-DEVICE NETNS-FD SECONDS

DEVICE is made in the network namespace it is started in, OTHER-DEVICE in the one of the file
descriptor. Every packet read from one is written to the other SECONDS later, in order. It can
queue as many packets as a cable of that length at 10 Gbit/s would hold; what is more is dropped.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import select
import struct
import sys
import time
from collections import deque

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
CLONE_NEWNET = 0x40000000
LARGEST_PACKET = 65536
QUEUE_LIMIT = 50_000  #: packets; 50 ms of full-sized ones at 10 Gbit/s
BURST = 64  #: packets taken from one device before the other has its turn


def open_tun(name: str) -> int:
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


def enter_network(fd: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Direction:
    """Packets on their way from one device to the other, oldest first, with the time they are due."""

    def __init__(self, source: int, sink: int, delay: float) -> None:
        self.source, self.sink, self.delay = source, sink, delay
        self.queue: deque[tuple[float, bytes]] = deque()

    def take(self, now: float) -> None:
        with contextlib.suppress(BlockingIOError):
            for _ in range(BURST):
                packet = os.read(self.source, LARGEST_PACKET)
                if len(self.queue) < QUEUE_LIMIT:
                    self.queue.append((now + self.delay, packet))

    def deliver(self, now: float) -> None:
        while self.queue and self.queue[0][0] <= now:
            _, packet = self.queue.popleft()
            with contextlib.suppress(OSError):  # the device is down: a cable drops, too
                os.write(self.sink, packet)


def run(a: int, b: int, delay: float) -> None:
    directions = [Direction(a, b, delay), Direction(b, a, delay)]
    poll = select.poll()
    for direction in directions:
        poll.register(direction.source, select.POLLIN)
    while True:
        due = [d.queue[0][0] for d in directions if d.queue]
        wait = None if not due else max(0.0, min(due) - time.monotonic()) * 1000
        ready = {fd for fd, events in poll.poll(wait) if events & select.POLLIN}
        now = time.monotonic()
        for direction in directions:
            if direction.source in ready:
                direction.take(now)
            direction.deliver(now)


def main() -> None:
    device, other_device, netns, delay = sys.argv[1:]
    here = open_tun(device)
    enter_network(int(netns))
    there = open_tun(other_device)
    print("ready", flush=True)
    run(here, there, float(delay))


if __name__ == "__main__":
    main()
