"""Which destinations lead into the tunnel device: routes for policies, as a pure function of them.

All routes are in a table of our own, which a rule looks up before the main one; the machine's
own routes are never touched. Packets that carry our mark (ESP and IKE themselves) skip the rule.

Routes know destinations only, policies know more. What a route brings here without a policy for
it is let by in the clear, as it would have been without us; so a route too many costs time, a
route too few would be a leak. Hence:

- each network of a remote selector of a PROTECT, DROP or REJECT policy leads here;
- the networks of the local selectors of a policy whose remote ones are wider (0.0.0.0/0) are
  *thrown*: their look-up goes on in the main table, or the replies from the tunnel would be
  sent straight back into it;
- a PASS policy's networks are thrown where nothing else than it can apply there, otherwise they
  lead here like the others, and its packets are let by one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cygnet.boundary.specs import PolicyAction, PolicySpec
from cygnet.values.endpoint import Address
from cygnet.values.selector import ANY_PORTS, TrafficSelector

#: (version, address of the network as text, prefix length)
Network = tuple[int, str, int]


@dataclass(frozen=True, slots=True)
class Route:
    """``source``: what packets of this host are to leave from, where it has an address inside."""

    network: Network
    throw: bool = False
    source: Address | None = None

    @property
    def destination(self) -> str:
        return f"{self.network[1]}/{self.network[2]}"


class RoutePlan:
    """The routes that the policies at hand call for; ``changes`` says what became different."""

    def __init__(self, local_addresses: Callable[[], Iterable[Address]]) -> None:
        self._local_addresses = local_addresses
        self._policies: dict[int, PolicySpec] = {}
        self._passes: dict[int, PolicySpec] = {}  #: those of them that let packets by
        self._leading: dict[Network, set[int]] = {}
        #: of those that lead, the ones that have an address of this host inside, in their order
        self._sources: dict[Network, dict[int, Address]] = {}
        self._thrown: dict[Network, set[int]] = {}
        self.installed: dict[Network, Route] = {}

    def add(self, policy: PolicySpec) -> list[tuple[Route | None, Route | None]]:
        """(route to take away, route to put in its place) for each that changes."""
        self._policies[policy.id] = policy
        touched = self._enter(policy)
        return self._changes(touched | self._place_passes())

    def remove(self, id: int) -> list[tuple[Route | None, Route | None]]:
        policy = self._policies.pop(id, None)
        if policy is None:
            return []
        self._passes.pop(id, None)
        touched = self._leave(policy)
        return self._changes(touched | self._place_passes())

    def refresh(self) -> list[tuple[Route | None, Route | None]]:
        """The machine's addresses changed: look for sources again."""
        self._sources.clear()
        for policy in self._policies.values():
            for network in networks(policy.remote_ts):
                if policy.id in self._leading.get(network, ()):
                    self._lead(network, policy)
        return self._changes(set(self._leading) | set(self._thrown))

    def _enter(self, policy: PolicySpec) -> set[Network]:
        if policy.action is PolicyAction.PASS:
            self._passes[policy.id] = policy
            return set()
        leading = networks(policy.remote_ts)
        for network in leading:
            self._lead(network, policy)
        thrown = _own_networks(policy)
        for network in thrown:
            self._thrown.setdefault(network, set()).add(policy.id)
        return leading | thrown

    def _lead(self, network: Network, policy: PolicySpec) -> None:
        self._leading.setdefault(network, set()).add(policy.id)
        family = [address for address in self._local_addresses() if address.version == network[0]]
        source = source_in(policy.local_ts, family)
        if source is not None:
            self._sources.setdefault(network, {})[policy.id] = source

    def _leave(self, policy: PolicySpec) -> set[Network]:
        touched = networks(policy.remote_ts) | networks(policy.local_ts)
        for network in touched:
            for table in (self._leading, self._thrown):
                users = table.get(network, set())
                users.discard(policy.id)
                if not users:
                    table.pop(network, None)
            sources = self._sources.get(network, {})
            sources.pop(policy.id, None)
            if not sources:
                self._sources.pop(network, None)
        return touched

    def _place_passes(self) -> set[Network]:
        """Every PASS policy put where it belongs among the others of now."""
        touched: set[Network] = set()
        for policy in self._passes.values():
            touched |= self._leave(policy)
            alone = self._decides_alone(policy)
            for network in networks(policy.remote_ts):
                if alone:
                    self._thrown.setdefault(network, set()).add(policy.id)
                else:
                    self._lead(network, policy)
        return touched

    def _decides_alone(self, policy: PolicySpec) -> bool:
        """Whether every packet to its networks that another policy covers is covered by this one first."""
        if any(ts.protocol or ts.ports != ANY_PORTS for ts in (*policy.local_ts, *policy.remote_ts)):
            return False
        return all(
            (policy.priority, -policy.id) < (other.priority, -other.id)
            and all(any(_covers(ours, ts) for ours in policy.local_ts) for ts in other.local_ts)
            for other in self._policies.values()
            if other.action is not PolicyAction.PASS and _overlap(other.remote_ts, policy.remote_ts)
        )

    def _changes(self, touched: set[Network]) -> list[tuple[Route | None, Route | None]]:
        found = []
        for network in sorted(touched):
            wanted, there = self._wanted(network), self.installed.get(network)
            if wanted == there:
                continue
            found.append((there, wanted))
            if wanted is None:
                del self.installed[network]
            else:
                self.installed[network] = wanted
        return found

    def _wanted(self, network: Network) -> Route | None:
        if network in self._leading:
            return Route(network, source=next(iter(self._sources.get(network, {}).values()), None))
        return Route(network, throw=True) if network in self._thrown else None


def networks(selectors: Iterable[TrafficSelector]) -> set[Network]:
    return {
        (network.version, str(network.network_address), network.prefixlen)
        for selector in selectors
        for network in selector.networks()
    }


def source_in(selectors: Iterable[TrafficSelector], addresses: Iterable[Address]) -> Address | None:
    """The first of this host's addresses that lies within the local selectors."""
    ranges = [(ts.version, int(ts.start), int(ts.end)) for ts in selectors]
    return next(
        (a for a in addresses for v, low, high in ranges if a.version == v and low <= int(a) <= high), None
    )


def _own_networks(policy: PolicySpec) -> set[Network]:
    """Networks of the local selectors that lie within the remote ones, being narrower."""
    own = [
        ts for ts in policy.local_ts if any(_covers(r, ts) and not _covers(ts, r) for r in policy.remote_ts)
    ]
    return networks(own)


def _covers(wide: TrafficSelector, narrow: TrafficSelector) -> bool:
    return (
        wide.version == narrow.version
        and int(wide.start) <= int(narrow.start)
        and int(narrow.end) <= int(wide.end)
    )


def _overlap(some: Iterable[TrafficSelector], others: tuple[TrafficSelector, ...]) -> bool:
    return any(
        a.version == b.version and int(a.start) <= int(b.end) and int(b.start) <= int(a.end)
        for a in some
        for b in others
    )
