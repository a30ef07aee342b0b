"""From the TUN to the wire: a burst of reads, sealed and sent.

Packets of flows that are known to belong to an SA which the offload engine takes are gathered
and sealed together, in trains; all others take the ordinary way, one by one.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from errno import EINVAL, EMSGSIZE

from cygnet.dataplane.drops import Drop
from cygnet.dataplane.esp.sa import OutboundSa
from cygnet.dataplane.forwarder import Forwarder
from cygnet.dataplane.ip import ecn, mss
from cygnet.dataplane.ip.header import TCP, flow_key
from cygnet.dataplane.tun.fast.arena import Arena
from cygnet.dataplane.tun.fast.layout import takes
from cygnet.dataplane.tun.fast.outbound import Sealer
from cygnet.dataplane.tun.fast.vnet import VNET, packet_size
from cygnet.dataplane.tun.outer import Outer
from cygnet.dataplane.tun.segments import Segmenter

BURST = 64  #: reads before the other direction is looked at
_PATIENCE = 20  #: milliseconds to wait for room in a socket's buffer, before a packet is lost


class Egress:
    """``too_big(sa)`` is called when the system says that the path takes less than was sent."""

    def __init__(
        self, tun: int, forwarder: Forwarder, outer: Outer, too_big: Callable[[OutboundSa], None]
    ) -> None:
        self._tun, self._forwarder, self._outer, self._too_big = tun, forwarder, outer, too_big
        self._room = Arena(1, header=VNET).room()
        self._sealer = Sealer(self._take_train)
        self._segmenter = Segmenter()
        self._expected = 1
        self._now = 0.0

    @property
    def malformed(self) -> int:
        return self._sealer.malformed

    def take(self) -> None:
        """Read what waits at the TUN, at most a burst."""
        room, tun, known, sealer = self._room, self._tun, self._forwarder.known, self._sealer
        self._now = now = time.monotonic()
        count = 0
        while count < self._expected:
            try:
                read = room[: os.readv(tun, (room,))]
            except BlockingIOError:
                break
            count += 1
            packet = read[VNET:]
            key = flow_key(packet)
            sa = known(key)
            if sa is not None and _fits(sa, key, read, packet):
                df = sa.spec.copy_df and (packet[6] & 0x40 != 0 or packet[0] >> 4 == 6)
                sealer.push(sa, read, df)
            else:
                sealer.finish()  # so that nothing of a flow passes what came before it
                for whole in self._segmenter.packets(read):
                    self._forwarder.outbound(whole, now)
        sealer.finish()
        self._expected = next_burst(self._expected, count)

    def _take_train(
        self, sa: OutboundSa, datagrams: memoryview, size: int, packets: int, tos: int, df: object
    ) -> None:
        if tos:
            tos = ecn.encapsulate(tos, sa.copy_dscp, sa.copy_ecn)
        if packets == 1:
            self._attempt(sa, datagrams, tos, bool(df))
        elif sa.encap:
            self._attempt(sa, datagrams, tos, bool(df), size)
        else:  # raw sockets know no trains
            for start in range(0, len(datagrams), size):
                self._attempt(sa, datagrams[start : start + size], tos, bool(df))
        self._forwarder.used(sa, self._now)

    def send(self, sa: OutboundSa, packet: bytes | memoryview, tos: int, df: bool) -> None:
        """One ESP packet."""
        self._attempt(sa, packet, tos, df)

    def _attempt(self, sa: OutboundSa, data: bytes | memoryview, tos: int, df: bool, train: int = 0) -> None:
        """Send; ``train`` is the size of the datagrams in ``data``, 0 for a single one."""
        try:
            try:
                self._outer.send(sa, data, tos, df, train)
            except BlockingIOError:
                # Waiting a little makes the TUN's queue fill, which slows down the senders.
                poll = select.poll()
                poll.register(self._outer.path(sa).wire.sock, select.POLLOUT)
                poll.poll(_PATIENCE)
                self._outer.send(sa, data, tos, df, train)
        except OSError as error:
            self._forwarder.drops[Drop.UNSENDABLE] += 1
            if error.errno in (EMSGSIZE, EINVAL):  # EINVAL: a train of them
                self._too_big(sa)


def next_burst(expected: int, count: int) -> int:
    """How many reads to try next, after ``count`` of ``expected`` brought something.

    To find a queue empty costs as much as a packet does, so that is not done for each of them:
    what is left makes the next poll return at once.
    """
    return min(2 * expected, BURST) if count >= expected else max(count, 1)


def _fits(sa: OutboundSa, key: bytes, read: memoryview, packet: memoryview) -> bool:
    """Whether the offload engine may have the packet as it is."""
    if not sa.offload:
        if sa.offload is None:
            sa.offload = takes(sa)
        if not sa.offload:
            return False
    if read[1]:  # TCP is cut as small as the path wants it, datagrams stay what they are
        return key[0] == TCP or packet_size(read) <= sa.inner_limit
    return len(packet) <= sa.inner_limit and (key[0] != TCP or not mss.is_syn(packet))
