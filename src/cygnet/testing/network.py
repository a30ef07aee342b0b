"""A network in virtual time that drops, duplicates, delays, reorders and corrupts, by a seed.

It knows one-to-one NATs: a host whose address is translated is reached by its public address
and seen from it, which is what the oregon tunnel crosses.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from cygnet.testing.entropy import SeededEntropy
from cygnet.values.endpoint import Address, Endpoint


@dataclass(frozen=True, slots=True)
class Faults:
    """Probabilities 0..1 per datagram; delays in seconds; ``mtu`` in bytes of datagram (0: none)."""

    drop: float = 0.0
    duplicate: float = 0.0
    corrupt: float = 0.0
    reorder: float = 0.0  #: chance of an extra delay that lets later datagrams overtake
    delay: float = 0.01  #: one way
    jitter: float = 0.0
    mtu: int = 0


NO_FAULTS = Faults()

Deliver = Callable[[Endpoint, Endpoint, bytes], None]  # (destination, source, data)


class Network:
    """Carries datagrams between addresses. ``nat`` maps inside to public addresses."""

    def __init__(
        self, seed: int | str = 0, faults: Faults = NO_FAULTS, nat: dict[Address, Address] | None = None
    ) -> None:
        self.faults = faults
        self.log: list[tuple[float, Endpoint, Endpoint, bytes]] = []
        self.filter: Callable[[Endpoint, Endpoint, bytes], bytes | None] = lambda s, d, data: data
        self._public = dict(nat or {})
        self._inside = {public: inside for inside, public in self._public.items()}
        self._hosts: dict[Address, Deliver] = {}
        self._queue: list[tuple[float, int, Endpoint, Endpoint, bytes]] = []
        self._order = count()
        self._chance = SeededEntropy(f"network {seed}")

    def attach(self, address: Address, deliver: Deliver) -> None:
        self._hosts[address] = deliver

    def detach(self, address: Address) -> None:
        self._hosts.pop(address, None)

    def public(self, inside: Address) -> Address:
        """The address under which the others see it."""
        return self._public.get(inside, inside)

    def move_nat(self, inside: Address, public: Address) -> None:
        """The NAT in front of a host gives it another public address."""
        self._inside.pop(self._public.get(inside, inside), None)
        self._public[inside] = public
        self._inside[public] = inside

    def translate_only(self, inside: Address) -> None:
        """Only this host is behind a NAT: every other one is reached by its own address."""
        public = self._public[inside]
        self._public, self._inside = {inside: public}, {public: inside}

    def send(self, now: float, source: Endpoint, destination: Endpoint, data: bytes) -> None:
        """Put a datagram on the way (with every fault that chance brings)."""
        source = Endpoint(self._public.get(source.address, source.address), source.port)
        destination = Endpoint(self._inside.get(destination.address, destination.address), destination.port)
        self.log.append((now, source, destination, data))
        passed = self.filter(source, destination, data)
        if passed is None or self._happens(self.faults.drop):
            return
        if self.faults.mtu and len(passed) > self.faults.mtu:
            return
        for _ in range(2 if self._happens(self.faults.duplicate) else 1):
            at = now + self.faults.delay + self._chance.uniform(0, self.faults.jitter)
            if self._happens(self.faults.reorder):
                at += self._chance.uniform(0, 10 * self.faults.delay + 1.0)
            payload = self._corrupted(passed) if self._happens(self.faults.corrupt) else passed
            heapq.heappush(self._queue, (at, next(self._order), source, destination, payload))

    def next_arrival(self) -> float | None:
        return self._queue[0][0] if self._queue else None

    def deliver_due(self, now: float) -> bool:
        """Deliver the next datagram due; False: none is."""
        if not self._queue or self._queue[0][0] > now:
            return False
        _, _, source, destination, data = heapq.heappop(self._queue)
        deliver = self._hosts.get(destination.address)
        if deliver is not None:
            deliver(destination, source, data)
        return True

    def _happens(self, probability: float) -> bool:
        return probability > 0 and self._chance.uniform(0, 1) < probability

    def _corrupted(self, data: bytes) -> bytes:
        at = int(self._chance.uniform(0, len(data) - 1e-9))
        return data[:at] + bytes([data[at] ^ (1 << int(self._chance.uniform(0, 7.999)))]) + data[at + 1 :]
