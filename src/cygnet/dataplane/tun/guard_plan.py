"""Which packets in the clear are to be dropped, as commands for nft: a pure function of the policies.

Whole networks are elements of a set (remote . local), so that a look-up costs the same with ten
thousand tunnels, and a change costs one command. What a set cannot say is a rule of the chain
``ordered``, in the order of the policies (lower priority numbers first): what a PASS policy lets
by, selectors with protocols or ports, networks that overlap with one in the set or that come
before a PASS policy which overlaps with them. The chain is written anew as a whole, so ``Guard``
asks for it only now and then.

Where the remote network includes our own (10.1.0.0/16 === 10.0.0.0/8), what comes from our own is
neighbours' traffic, and let by. IKE, ESP, the answers of routers and neighbour discovery are let
by whatever the policies say: a tunnel between two hosts covers the very addresses that its own
packets have.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from itertools import product

from cygnet.boundary.specs import PolicyAction, PolicySpec
from cygnet.dataplane.ip.header import ICMP, ICMPV6
from cygnet.values.selector import ANY_PORTS, OPAQUE, TrafficSelector

_FAMILY = {4: "ip", 6: "ip6"}
_PORT_PROTOCOLS = (6, 17, 33, 132, 136)  #: those whose headers begin with two ports
_DROP = "counter name unprotected drop"
_ROUTERS = ("icmp type { destination-unreachable, time-exceeded, parameter-problem }",
            "icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem, "
            "nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert }")  # fmt: skip

Box = tuple[int, int, int, int, int]  #: version, remote from and to, local from and to
Order = tuple[int, int]  #: of policies: the smaller one decides


@dataclass(frozen=True, slots=True)
class Rule:
    """What one pair of selectors of a policy asks for."""

    order: Order
    accept: bool
    box: Box
    match: str  #: for nft; of a whole network: that of the box

    @property
    def whole(self) -> bool:
        return self.match == _box_match(self.box)

    @property
    def text(self) -> str:
        return f"{self.match} {'accept' if self.accept else _DROP}"


def table_of(device: str) -> str:
    """Each instance on a machine has its own device, and so its own table."""
    return f"inet cygnet_{re.sub(r'[^A-Za-z0-9]', '_', device)}"


def setup(device: str, ports: Iterable[int]) -> list[str]:
    """The table, without policies."""
    table = table_of(device)
    numbers = ", ".join(map(str, sorted(set(ports))))
    first = (
        f'iifname {{ "lo", "{device}" }}',
        f"udp dport {{ {numbers} }}",
        "meta l4proto { esp, ah }",
        *_ROUTERS,
    )
    return [
        f"add table {table} {{ flags owner; }}",
        f"add counter {table} unprotected",
        f"add set {table} remote_local4 {{ type ipv4_addr . ipv4_addr; flags interval; }}",
        f"add set {table} remote_local6 {{ type ipv6_addr . ipv6_addr; flags interval; }}",
        f"add chain {table} ordered",
        f"add chain {table} arriving {{ type filter hook prerouting priority -150; policy accept; }}",
        *(f"add rule {table} arriving {match} accept" for match in first),
        f"add rule {table} arriving jump ordered",
        f"add rule {table} arriving ip saddr . ip daddr @remote_local4 {_DROP}",
        f"add rule {table} arriving ip6 saddr . ip6 daddr @remote_local6 {_DROP}",
    ]


class GuardPlan:
    """``add`` and ``remove`` take policies; ``elements`` and ``chain`` are what to tell nft of them."""

    def __init__(self, device: str) -> None:
        self._table = table_of(device)
        self._policies: dict[int, tuple[Rule, ...]] = {}
        self._ordered: dict[Rule, None] = {}  #: rules of the chain
        self._accepting: dict[Rule, None] = {}  #: those of them that let by
        self._elements: dict[Box, dict[Rule, None]] = {}  #: of the set, with the rules that want them
        self._starts: dict[int, list[tuple[int, int]]] = {4: [], 6: []}  #: remote ranges in the set, in order
        self._locals: dict[tuple[int, int, int], set[tuple[int, int]]] = {}  #: remote range -> local ranges
        self._changes: dict[Box, bool] = {}  #: elements to add (True) and to delete
        self.chain_is_stale = False

    def __len__(self) -> int:
        """Rules of the chain."""
        return len(self._ordered)

    def add(self, policy: PolicySpec) -> None:
        self.remove(policy.id)
        self._policies[policy.id] = rules = tuple(dict.fromkeys(_rules(policy)))
        for rule in rules:
            if rule.accept:
                self._let_by(rule)
            elif rule.whole and self._fits(rule):
                self._enter(rule)
            else:
                self._order(rule)

    def remove(self, id: int) -> None:
        for rule in self._policies.pop(id, ()):
            if rule in self._ordered:
                del self._ordered[rule]
                self._accepting.pop(rule, None)
                self.chain_is_stale = True
            else:
                self._leave(rule)

    @property
    def elements_are_stale(self) -> bool:
        return bool(self._changes)

    def elements(self) -> list[str]:
        """Commands for what has changed in the set since the last time."""
        changes, self._changes = self._changes, {}
        commands = []
        for verb, is_new in (("delete", False), ("add", True)):
            for version in (4, 6):
                boxes = [box for box, added in changes.items() if added is is_new and box[0] == version]
                if boxes:
                    text = ", ".join(f"{_addresses(box, 1)} . {_addresses(box, 3)}" for box in boxes)
                    commands.append(f"{verb} element {self._table} remote_local{version} {{ {text} }}")
        return commands

    def chain(self) -> str:
        """The command that writes the chain anew."""
        self.chain_is_stale = False
        rules = sorted(self._ordered, key=lambda rule: (rule.order, not rule.accept))
        texts = dict.fromkeys(rule.text for rule in rules)  # a rekeyed policy says what the one before says
        return "; ".join(
            [f"flush chain {self._table} ordered", *(f"add rule {self._table} ordered {t}" for t in texts)]
        )

    def _order(self, rule: Rule) -> None:
        self._ordered[rule] = None
        self.chain_is_stale = True

    def _let_by(self, rule: Rule) -> None:
        """What has to decide before it cannot stay in the set, which comes behind the chain."""
        self._order(rule)
        self._accepting[rule] = None
        before = [r for box, rules in self._elements.items() if _overlap(box, rule.box) for r in rules]
        for other in before:
            if other.order < rule.order:
                self._leave(other)
                self._order(other)

    def _fits(self, rule: Rule) -> bool:
        """Whether it can be an element: none that is there overlaps with it, nor does what lets by
        behind it."""
        if any(rule.order < other.order and _overlap(rule.box, other.box) for other in self._accepting):
            return False
        if rule.box in self._elements:
            return True
        version, start, end, low, high = rule.box
        locals_there = self._locals.get((version, start, end))
        if locals_there is not None:
            return all(high < a or b < low for a, b in locals_there)
        ranges = self._starts[version]
        at = bisect_right(ranges, (start, 1 << 128))
        return (at == 0 or ranges[at - 1][1] < start) and (at == len(ranges) or end < ranges[at][0])

    def _enter(self, rule: Rule) -> None:
        box = version, start, end, low, high = rule.box
        wanted_by = self._elements.setdefault(box, {})
        wanted_by[rule] = None
        if len(wanted_by) > 1:
            return
        self._change(box, True)
        found = self._locals.setdefault((version, start, end), set())
        if not found:
            ranges = self._starts[version]
            ranges.insert(bisect_right(ranges, (start, end)), (start, end))
        found.add((low, high))

    def _leave(self, rule: Rule) -> None:
        box = version, start, end, low, high = rule.box
        wanted_by = self._elements[box]
        del wanted_by[rule]
        if wanted_by:
            return
        del self._elements[box]
        self._change(box, False)
        found = self._locals[version, start, end]
        found.discard((low, high))
        if not found:
            del self._locals[version, start, end]
            self._starts[version].remove((start, end))

    def _change(self, box: Box, added: bool) -> None:
        if self._changes.get(box) is (not added):
            del self._changes[box]  # back to what nft was told last
        else:
            self._changes[box] = added


def _rules(policy: PolicySpec) -> Iterator[Rule]:
    order = (policy.priority, -policy.id)
    for local, remote in product(policy.local_ts, policy.remote_ts):
        if local.version != remote.version:
            continue
        accept = policy.action is PolicyAction.PASS
        if not accept and remote.encloses(local):
            own = _box(local, local)
            yield Rule(order, True, own, _box_match(own))
        yield Rule(order, accept, _box(local, remote), _match(local, remote))


def _box(local: TrafficSelector, remote: TrafficSelector) -> Box:
    return (local.version, int(remote.start), int(remote.end), int(local.start), int(local.end))


def _overlap(one: Box, other: Box) -> bool:
    apart = one[2] < other[1] or other[2] < one[1] or one[4] < other[3] or other[4] < one[3]
    return one[0] == other[0] and not apart


def _match(local: TrafficSelector, remote: TrafficSelector) -> str:
    """What an arriving packet of that selector pair looks like; ports only where it has any."""
    found = [_box_match(_box(local, remote))]
    protocol = local.protocol or remote.protocol
    if protocol:
        found.append(f"meta l4proto {protocol}")
    for word, ts in (("sport", remote), ("dport", local)):
        if ts.ports in (ANY_PORTS, OPAQUE):
            continue
        if protocol in (ICMP, ICMPV6):  # type and code stand in both selectors (RFC 4301 §4.4.1.1)
            found.append(f"@th,0,16 {ts.start_port}-{ts.end_port}")
        elif protocol in _PORT_PROTOCOLS:
            found.append(f"th {word} {ts.start_port}-{ts.end_port}")
    return " ".join(dict.fromkeys(found))


def _box_match(box: Box) -> str:
    family = _FAMILY[box[0]]
    return f"{family} saddr {_addresses(box, 1)} {family} daddr {_addresses(box, 3)}"


def _addresses(box: Box, at: int) -> str:
    family = IPv4Address if box[0] == 4 else IPv6Address
    start, end = family(box[at]), family(box[at + 1])
    return str(start) if start == end else f"{start}-{end}"
