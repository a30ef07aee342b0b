"""The security policy database (RFC 4301 §4.4.1): which policy a packet falls under.

Lower priority numbers win, and on a tie the higher id (boundary/specs.py). Policies are kept
under the networks of their remote selectors, so that a look-up costs as many dictionary
accesses as there are prefix lengths in use, however many tunnels there are.
"""

from __future__ import annotations

from collections.abc import Iterator

from cygnet.boundary.specs import PolicySpec
from cygnet.dataplane.ip.header import Flow
from cygnet.values.selector import ANY_PORTS, OPAQUE, TrafficSelector

#: a selector as integers: version, start, end, protocol (0: any), first and last port
Range = tuple[int, int, int, int, int, int]


def compiled(selectors: tuple[TrafficSelector, ...]) -> tuple[Range, ...]:
    """Selectors in the shape in which packets are compared with them.

    OPAQUE ports (RFC 4301 §4.4.1.1) fit packets whose ports cannot be seen and, ports not
    being looked at, all others too.
    """
    return tuple(
        (
            selector.version,
            int(selector.start),
            int(selector.end),
            selector.protocol,
            *(ANY_PORTS if selector.ports == OPAQUE else selector.ports),
        )
        for selector in selectors
    )


def within(ranges: tuple[Range, ...], version: int, address: int, protocol: int, port: int) -> bool:
    return any(
        v == version and start <= address <= end and p in (0, protocol) and first <= port <= last
        for v, start, end, p, first, last in ranges
    )


class _Entry:
    __slots__ = ("local", "order", "remote", "spec")

    def __init__(self, spec: PolicySpec) -> None:
        self.spec = spec
        self.order = (spec.priority, -spec.id)
        self.local = compiled(spec.local_ts)
        self.remote = compiled(spec.remote_ts)

    def covers(self, flow: Flow) -> bool:
        return within(
            self.remote, flow.version, flow.destination, flow.protocol, flow.destination_port
        ) and within(self.local, flow.version, flow.source, flow.protocol, flow.source_port)


class PolicyDatabase:
    def __init__(self) -> None:
        self.policies: dict[int, PolicySpec] = {}
        self._entries: dict[int, _Entry] = {}
        #: IP version -> bits of the host part -> network number -> entries by id
        self._networks: dict[int, dict[int, dict[int, dict[int, _Entry]]]] = {4: {}, 6: {}}

    def add(self, spec: PolicySpec) -> None:
        entry = _Entry(spec)
        self.policies[spec.id] = spec
        self._entries[spec.id] = entry
        for version, host_bits, number in _buckets(spec):
            lengths = self._networks[version].setdefault(host_bits, {})
            lengths.setdefault(number, {})[spec.id] = entry

    def remove(self, id: int) -> PolicySpec | None:
        entry = self._entries.pop(id, None)
        if entry is None:
            return None
        del self.policies[id]
        for version, host_bits, number in _buckets(entry.spec):
            lengths = self._networks[version][host_bits]
            bucket = lengths[number]
            bucket.pop(id, None)
            if not bucket:
                del lengths[number]
                if not lengths:
                    del self._networks[version][host_bits]
        return entry.spec

    def matching(self, flow: Flow) -> list[PolicySpec]:
        """Every policy that covers the flow, the one that decides first."""
        found: dict[int, _Entry] = {}
        for host_bits, lengths in self._networks[flow.version].items():
            bucket = lengths.get(flow.destination >> host_bits)
            if bucket:
                found.update((id, entry) for id, entry in bucket.items() if entry.covers(flow))
        return [entry.spec for entry in sorted(found.values(), key=lambda entry: entry.order)]


def _buckets(spec: PolicySpec) -> Iterator[tuple[int, int, int]]:
    """(version, host bits, network number) of each network of the remote selectors, once."""
    seen = set()
    for selector in spec.remote_ts:
        for network in selector.networks():
            bits = network.max_prefixlen - network.prefixlen
            key = (network.version, bits, int(network.network_address) >> bits)
            if key not in seen:
                seen.add(key)
                yield key
