"""Which packets in the clear are to be dropped, as commands for nft: a pure function of the policies.

Whole networks are elements of a set (remote . local), so that a look-up costs the same with
ten thousand tunnels. A set takes no two elements that overlap: what overlaps with one that is
there, and selectors with protocols or ports, are rules in a chain of their own. PASS policies
come first; so do the networks of our own end where the remote one includes them (0.0.0.0/0): what
is sent from there is neighbours' traffic.

IKE, ESP, the answers of routers and neighbour discovery are let by whatever the policies say: a
tunnel between two hosts covers the very addresses that its own packets have.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address
from itertools import product

from cygnet.boundary.specs import PolicyAction, PolicySpec
from cygnet.values.selector import ANY_PORTS, OPAQUE, TrafficSelector

TABLE = "inet cygnet"
_FAMILY = {4: "ip", 6: "ip6"}
_PORT_PROTOCOLS = (6, 17, 33, 132, 136)  #: those whose headers begin with two ports
_ROUTERS = ("icmp type { destination-unreachable, time-exceeded, parameter-problem }",
            "icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem, "
            "nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert }")  # fmt: skip

Box = tuple[int, int, int, int, int]  #: version, remote from and to, local from and to


def setup(device: str, ports: Iterable[int]) -> list[str]:
    """The table, without policies."""
    numbers = ", ".join(map(str, sorted(set(ports))))
    first = (
        f'iifname {{ "lo", "{device}" }}',
        f"udp dport {{ {numbers} }}",
        "meta l4proto { esp, ah }",
        *_ROUTERS,
    )
    return [
        f"add table {TABLE} {{ flags owner; }}",
        f"add counter {TABLE} unprotected",
        f"add set {TABLE} remote_local4 {{ type ipv4_addr . ipv4_addr; flags interval; }}",
        f"add set {TABLE} remote_local6 {{ type ipv6_addr . ipv6_addr; flags interval; }}",
        f"add chain {TABLE} allowed",
        f"add chain {TABLE} others",
        f"add chain {TABLE} arriving {{ type filter hook prerouting priority -150; policy accept; }}",
        *(f"add rule {TABLE} arriving {match} accept" for match in first),
        f"add rule {TABLE} arriving jump allowed",
        f"add rule {TABLE} arriving ip saddr . ip daddr @remote_local4 counter name unprotected drop",
        f"add rule {TABLE} arriving ip6 saddr . ip6 daddr @remote_local6 counter name unprotected drop",
        f"add rule {TABLE} arriving jump others",
    ]


class GuardPlan:
    """``add`` and ``remove`` return the commands that make the table fit the policies of now."""

    def __init__(self) -> None:
        self._policies: dict[int, PolicySpec] = {}
        self._uses: dict[tuple[str, object], int] = {}
        self._elements: set[Box] = set()
        self._starts: dict[int, list[tuple[int, int]]] = {4: [], 6: []}  #: remote ranges in the set, in order
        self._locals: dict[tuple[int, int, int], set[tuple[int, int]]] = {}  #: remote range -> local ranges

    def add(self, policy: PolicySpec) -> list[str]:
        self._policies[policy.id] = policy
        return self._changed(policy, +1)

    def remove(self, id: int) -> list[str]:
        policy = self._policies.pop(id, None)
        return self._changed(policy, -1) if policy is not None else []

    def _changed(self, policy: PolicySpec, by: int) -> list[str]:
        commands: list[str] = []
        chains: set[str] = set()
        for chain, what in _parts(policy):
            before = self._uses.get((chain, what), 0)
            self._uses[chain, what] = before + by
            if before + by == 0:
                del self._uses[chain, what]
            if (before == 0) == (before + by == 0):
                continue
            if chain != "set":
                chains.add(chain)
                continue
            assert isinstance(what, tuple)
            if by > 0 and self._fits(what):
                self._enter(what)
                commands.append(f"add element {TABLE} {_element(what)}")
            elif by < 0 and what in self._elements:
                self._leave(what)
                commands.append(f"delete element {TABLE} {_element(what)}")
            else:
                chains.add("others")
        return commands + [self._chain(chain) for chain in sorted(chains)]

    def _chain(self, chain: str) -> str:
        """All of its rules anew, at once."""
        rules = [what for kind, what in self._uses if kind == chain]
        if chain == "others":
            boxes = (what for kind, what in self._uses if kind == "set" and what not in self._elements)
            rules += [f"{_box_match(box)} counter name unprotected drop" for box in boxes]  # type: ignore[arg-type]
        return "; ".join(
            [f"flush chain {TABLE} {chain}", *(f"add rule {TABLE} {chain} {rule}" for rule in rules)]
        )

    def _fits(self, box: Box) -> bool:
        """Whether it overlaps with no element. Remote ranges in the set are the same or apart."""
        version, start, end, low, high = box
        locals_there = self._locals.get((version, start, end))
        if locals_there is not None:
            return all(high < a or b < low for a, b in locals_there)
        ranges = self._starts[version]
        at = bisect_right(ranges, (start, 1 << 128))
        return (at == 0 or ranges[at - 1][1] < start) and (at == len(ranges) or end < ranges[at][0])

    def _enter(self, box: Box) -> None:
        version, start, end, low, high = box
        self._elements.add(box)
        found = self._locals.setdefault((version, start, end), set())
        if not found:
            ranges = self._starts[version]
            ranges.insert(bisect_right(ranges, (start, end)), (start, end))
        found.add((low, high))

    def _leave(self, box: Box) -> None:
        version, start, end, low, high = box
        self._elements.discard(box)
        found = self._locals[version, start, end]
        found.discard((low, high))
        if not found:
            del self._locals[version, start, end]
            self._starts[version].remove((start, end))


def _parts(policy: PolicySpec) -> Iterator[tuple[str, object]]:
    """(chain or "set", rule or element) of one policy."""
    seen: set[tuple[str, object]] = set()
    for local, remote in product(policy.local_ts, policy.remote_ts):
        if local.version != remote.version:
            continue
        for part in _of_pair(policy.action, local, remote):
            if part not in seen:
                seen.add(part)
                yield part


def _of_pair(
    action: PolicyAction, local: TrafficSelector, remote: TrafficSelector
) -> Iterator[tuple[str, object]]:
    if action is PolicyAction.PASS:
        yield "allowed", f"{_match(local, remote)} accept"
        return
    if _covers(remote, local) and remote.start != local.start:
        yield "allowed", f"{_match(local, local)} accept"
    if any(ts.protocol or ts.ports != ANY_PORTS for ts in (local, remote)):
        yield "others", f"{_match(local, remote)} counter name unprotected drop"
    else:
        yield "set", (local.version, int(remote.start), int(remote.end), int(local.start), int(local.end))


def _covers(wide: TrafficSelector, narrow: TrafficSelector) -> bool:
    return int(wide.start) <= int(narrow.start) and int(narrow.end) <= int(wide.end)


def _match(local: TrafficSelector, remote: TrafficSelector) -> str:
    """What an arriving packet of that selector pair looks like; ports only where it has any."""
    family = _FAMILY[local.version]
    found = [f"{family} saddr {_range(remote)}", f"{family} daddr {_range(local)}"]
    protocol = local.protocol or remote.protocol
    if protocol:
        found.append(f"meta l4proto {protocol}")
    if protocol in _PORT_PROTOCOLS:
        for word, ts in (("sport", remote), ("dport", local)):
            if ts.ports not in (ANY_PORTS, OPAQUE):
                found.append(f"th {word} {ts.start_port}-{ts.end_port}")
    return " ".join(found)


def _range(ts: TrafficSelector) -> str:
    return str(ts.start) if ts.start == ts.end else f"{ts.start}-{ts.end}"


def _box_match(box: Box) -> str:
    family = _FAMILY[box[0]]
    return f"{family} saddr {_addresses(box, 1)} {family} daddr {_addresses(box, 3)}"


def _element(box: Box) -> str:
    return f"remote_local{box[0]} {{ {_addresses(box, 1)} . {_addresses(box, 3)} }}"


def _addresses(box: Box, at: int) -> str:
    family = IPv4Address if box[0] == 4 else IPv6Address
    start, end = family(box[at]), family(box[at + 1])
    return str(start) if start == end else f"{start}-{end}"
