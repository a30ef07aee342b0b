"""Keeps up what is meant to be up (``wanted``).

A CHILD_SA that is wanted is up, in the making, or down. One that is down is tried: at once after
it was lost, then after pauses that grow to ``LONGEST_PAUSE`` and vary, so that many do not try
together. It goes on for ever, unless ``keyingtries`` was written, or no try can help before
something changes. A peer whose address nobody knows can only be waited for.
"""

from __future__ import annotations

from cygnet.boundary.snapshot import WantedSnapshot
from cygnet.engine.addresses import can_initiate
from cygnet.engine.initiate import wish_for
from cygnet.engine.registry import Registry
from cygnet.engine.sa import IkeSa
from cygnet.engine.services import Services
from cygnet.engine.timers import Deadline
from cygnet.engine.wanted import ENGINE, Failure, Wanted, WantedChildren
from cygnet.engine.wants import Delete
from cygnet.engine.wish import Wish

FIRST_PAUSE = 1.0  #: seconds
LONGEST_PAUSE = 30.0  #: seconds; what a peer that is back or mended has to wait at most
STEADY = 60.0  #: seconds it must have been up for the pauses to begin at nothing again
SPREAD = 0.2  #: part of a pause by which it is longer or shorter
ENOUGH_REFUSALS = 3  #: in a row, over one IKE_SA
MOST_ROUNDS = 100  #: of one event; an attempt that fails at once waits before it is made again


def look_after(registry: Registry[IkeSa]) -> None:
    """Act on everything that was touched since the last look."""
    table = registry.services.part(WantedChildren)
    for _ in range(MOST_ROUNDS):
        touched = table.take_touched()
        if not touched:
            return
        for wanted in touched:
            _look_at(registry, wanted)


def _look_at(registry: Registry[IkeSa], wanted: Wanted) -> None:
    services = registry.services
    sas = registry.named.of(wanted.connection.name)
    name = wanted.child.name
    if any(child.name == name for sa in sas if sa.is_established for child in sa.current_children()):
        if wanted.down_since is not None or wanted.up_since is None:
            wanted.up_since, wanted.down_since = services.now, None
        services.timers.cancel(ENGINE, Deadline.WANTED, wanted.uid)
        return
    if wanted.down_since is None:
        wanted.down_since = services.now
        if wanted.up_since is not None and services.now - wanted.up_since > STEADY:
            wanted.tries = 0
    if _in_the_making(registry, wanted) is not None or wanted.given_up:
        return
    if not can_initiate(wanted.connection):
        wanted.failure = (
            f"the address of the peer is not known: waiting for it to call '{wanted.connection.name}'"
        )
        return
    if not wanted.tries:
        wish_for(registry, wanted.connection, Wish(wanted.child))
    elif services.timers.at(ENGINE, Deadline.WANTED, wanted.uid) is None:
        services.timers.set(ENGINE, Deadline.WANTED, services.now + _pause(services, wanted), wanted.uid)


def _in_the_making(registry: Registry[IkeSa], wanted: Wanted) -> IkeSa | None:
    sas = registry.named.of(wanted.connection.name)
    return next((sa for sa in sas if any(w.child.name == wanted.child.name for w in sa.wishes)), None)


def _pause(services: Services, wanted: Wanted) -> float:
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(wanted.tries - 1, 10))
    if wanted.failed_by is Failure.SILENCE:  # the schedule of its retransmissions was pause enough
        pause = FIRST_PAUSE
    return services.entropy.uniform(pause * (1 - SPREAD), pause * (1 + SPREAD))


def due(registry: Registry[IkeSa], uid: int) -> None:
    """The pause before the next try is over."""
    wanted = registry.services.part(WantedChildren).by_uid(uid)
    if wanted is not None and wanted.down_since is not None and _in_the_making(registry, wanted) is None:
        _leave_barren(registry, wanted)
        wish_for(registry, wanted.connection, Wish(wanted.child))


def _leave_barren(registry: Registry[IkeSa], wanted: Wanted) -> None:
    """A CHILD_SA that is refused again and again over an IKE_SA that carries nothing: the peer may go by
    what it had configured when that was made (charon does), so the next try makes another one."""
    if wanted.tries < ENOUGH_REFUSALS or wanted.failed_by is not Failure.REFUSED:
        return
    for sa in registry.named.of(wanted.connection.name):
        if sa.is_established and not sa.children and not sa.wishes:
            sa.do(Delete())


def hope_again(services: Services) -> None:
    """The machine's addresses, its secrets or its configuration changed: what is down may come up now."""
    table = services.part(WantedChildren)
    for wanted in table.all():
        if wanted.down_since is not None:
            table.hope(wanted)


def snapshots(registry: Registry[IkeSa]) -> tuple[WantedSnapshot, ...]:
    return tuple(_snapshot(registry, one) for one in registry.services.part(WantedChildren).all())


def _snapshot(registry: Registry[IkeSa], wanted: Wanted) -> WantedSnapshot:
    at_it = _in_the_making(registry, wanted) if wanted.down_since is not None else None
    trouble = (at_it.likely_trouble() if at_it is not None else "") or wanted.failure
    return WantedSnapshot(
        name=wanted.child.name,
        connection=wanted.connection.name,
        why=wanted.why,
        since=wanted.since,
        down_since=wanted.down_since,
        trying=at_it is not None and not at_it.is_waiting,
        tries=wanted.tries,
        failure=trouble if wanted.down_since is not None else "",
        next_try=registry.services.timers.at(ENGINE, Deadline.WANTED, wanted.uid),
        given_up=wanted.given_up,
    )
