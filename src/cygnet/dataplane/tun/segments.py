"""A TUN read as whole packets, for those that the offload engine does not seal.

Checksums that the kernel left open are completed, and a GSO packet is cut into its segments.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cygnet.dataplane.ip.checksum import complete
from cygnet.dataplane.tun.fast import vnet
from cygnet.dataplane.tun.fast.cut import Cut, CutPlan, Template, cut_of, fill
from cygnet.dataplane.tun.fast.layout import HEADER
from cygnet.dataplane.tun.fast.rows import MAX_TRAIN

_PLANS = 16


class Segmenter:
    def __init__(self) -> None:
        self._array = np.zeros(MAX_TRAIN + 4096, np.uint8)
        self._view = memoryview(self._array)  # type: ignore[arg-type]
        self._plans: dict[Cut, CutPlan] = {}

    def packets(self, read: memoryview) -> Iterator[bytes]:
        """Nothing for what is no packet. The read's headers may be changed in place."""
        packet = read[vnet.VNET :]
        if len(packet) < 20:
            return
        header = vnet.parse(read)
        flags, gso_type, _, _, start, offset = header
        if gso_type:
            yield from self._cut(packet, header)
        elif flags & vnet.NEEDS_CSUM:
            whole = bytearray(packet)
            if start + offset + 2 <= len(whole):
                complete(whole, start, offset)
                yield bytes(whole)
        else:
            yield bytes(packet)

    def _cut(self, packet: memoryview, header: vnet.Header) -> Iterator[bytes]:
        cut = cut_of(packet, header)
        if cut is None:
            return
        plan = self._plans.get(cut)
        if plan is None:
            if len(self._plans) >= _PLANS:
                self._plans.clear()
            plan = self._plans[cut] = CutPlan(self._array, cut)
        payload = np.frombuffer(packet, np.uint8)[cut.head :]
        template = Template(packet, cut)
        total = max(1, -(-len(payload) // cut.size))
        for first in range(0, total, plan.count):
            count = min(plan.count, total - first)
            rest = fill(plan, template, payload, first, 0, count)
            for row in range(count):
                start = row * plan.stride + HEADER
                length = cut.head + (cut.size if row < count - 1 else rest)
                yield bytes(self._view[start : start + length])
