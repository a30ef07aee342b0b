"""What must be true of both ends; ``Broken`` says when, and what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from cygnet.dataplane.memory import MemoryPlane
from cygnet.engine.revocation import Library
from cygnet.testing.pair import Host

if TYPE_CHECKING:
    from tests.soak.world import World

MOST_IKES, MOST_CHILDREN = 2, 3
MOST_ATTEMPTS = 10  #: IKE_SAs in any state, half-open ones among them
MOST_LISTS = 4  #: of two CAs, and of each URI and question


class Broken(Exception):
    """An invariant does not hold."""


def _counts(host: Host) -> tuple[int, int]:
    """IKE_SAs that are established, and CHILD_SAs in use."""
    sas = [sa for sa in host.engine._registry.ike_sas.values() if sa.is_established]
    return len(sas), sum(len(sa.current_children()) for sa in sas)


def few(world: World) -> None:
    """At any time: an end has no more of a tunnel than its renewal needs."""
    for host in world.hosts.values():
        ikes, children = _counts(host)
        if ikes > MOST_IKES or children > MOST_CHILDREN:
            raise Broken(f"{host.name} has {ikes} IKE_SAs and {children} CHILD_SAs at once")


def bounded(world: World) -> None:
    """Whatever goes on: attempts do not pile up, nor what was fetched and what was asked."""
    for host in world.hosts.values():
        registry = host.engine._registry
        library = registry.services.part(Library)
        for what, number, most in (
            ("IKE_SAs", len(registry.ike_sas), MOST_ATTEMPTS),
            ("CRLs", len(library.cache.every_crl), MOST_LISTS),
            ("revocation questions", len(library._open) + len(library._quiet), MOST_LISTS),
        ):
            if number > most:
                raise Broken(f"{host.name} has {number} {what}")


def one_of_each(world: World) -> None:
    """Calm for a while: what was superfluous is gone, but for what is being renewed right now."""
    counts = [_counts(host) for host in world.hosts.values()]
    if any(ikes < 1 or children < 1 for ikes, children in counts):
        raise Broken(f"IKE_SAs and CHILD_SAs at the two ends: {counts}")
    if counts == [(1, 1), (1, 1)]:
        world.doubled_since = None
    elif world.doubled_since is None:
        world.doubled_since = world.now
    elif world.now - world.doubled_since > 30:  # a renewal takes no longer
        raise Broken(f"for {world.now - world.doubled_since:.0f} s there are {counts} IKE_SAs and CHILD_SAs")


def bookkeeping(world: World) -> None:
    """Nothing is kept of what is gone: registries, timers, numbers, the data plane. What is being made
    right now may look so."""
    wrong = {
        (host.name, what): found
        for host in world.hosts.values()
        for what, found in _leftovers(host).items()
        if found
    }
    for key in [key for key in world.suspects if key not in wrong]:
        del world.suspects[key]
    for (name, what), found in wrong.items():
        if world.now - world.suspects.setdefault((name, what), world.now) > 30:
            raise Broken(f"{name} keeps {what} of the dead: {found}")


def _leftovers(host: Host) -> dict[str, object]:
    registry = host.engine._registry
    services = registry.services
    alive = set(registry.ike_sas)
    sas = list(registry.ike_sas.values())
    children = [child for sa in sas for child in sa.children.values()]
    ids = {i for c in children for i in (c.in_id, c.out_id) if i is not None}
    return {
        "IKE SPIs": len(registry.by_spi) - len(alive),
        "half-open IKE_SAs": max(0, registry.half_open.total - sum(s.established_at is None for s in sas)),
        "first messages": [sa for sa in registry.initial.values() if sa.uid not in alive],
        "names": [s for s in registry.named.of("oregon") if s.uid not in alive],
        "ESP SPIs": len(services.spis) - len(children),
        "installed SAs": set(services.installed) ^ ids,
        "the data plane": set(cast(MemoryPlane, host.plane).sas) ^ _as_installed(host, ids),
        "timers": [key for key in services.timers._at if key[0] and key[0] not in alive],
        "questions": [owner for owner, refs in services._asked_by.items() if refs and owner not in alive],
    }


def _as_installed(host: Host, ids: set[object]) -> set[object]:
    """The data plane's ids of them: those of SAs that have moved are others there."""
    plane = cast(MemoryPlane, host.plane)
    found = {i: plane.forwarder.sad.get(i) for i in ids}  # type: ignore[arg-type]
    return {sa.spec.id if sa is not None else i for i, sa in found.items()}
