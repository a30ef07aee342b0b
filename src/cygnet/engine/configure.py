"""Loading a configuration in place of another one (start, update, reload).

Per connection one of: unchanged (nothing happens), new, gone (its policies go, its SAs run on
as orphans), changed in timers and actions only (taken over in place, no message to the peer),
changed in what was negotiated (its SAs are deleted, then it is as new). So an update never
leaves two IKE_SAs where one was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from enum import Enum

from cygnet.boundary.effects import Resolve
from cygnet.boundary.events import Configure, Event, Resolved
from cygnet.engine import traps, wants
from cygnet.engine.addresses import can_initiate, is_host_name
from cygnet.engine.expiry import Expiry
from cygnet.engine.initiate import wish_for
from cygnet.engine.registry import Registry
from cygnet.engine.sa import IkeSa
from cygnet.engine.services import Services
from cygnet.engine.supervision import hope_again
from cygnet.engine.upkeep import reconfigure
from cygnet.engine.wanted import WantedChildren, reason_to_want
from cygnet.engine.wish import Wish
from cygnet.model.config import Child, Config, Connection, Lifetime, StartAction
from cygnet.values.errors import RequestError

_SAME = Connection("")
_SAME_CHILD = Child("")


def _negotiated_child(child: Child) -> Child:
    """The child with everything reset that can change without a new negotiation."""
    return replace(
        child,
        time=Lifetime(),
        bytes=Lifetime(),
        packets=Lifetime(),
        start_action=_SAME_CHILD.start_action,
        dpd_action=_SAME_CHILD.dpd_action,
        close_action=_SAME_CHILD.close_action,
        inactivity=0,
        updown="",
    )


def negotiated(connection: Connection) -> Connection:
    """The connection with everything reset that can change without a new negotiation."""
    return replace(
        connection,
        dpd_delay=_SAME.dpd_delay,
        dpd_timeout=_SAME.dpd_timeout,
        keyingtries=_SAME.keyingtries,
        keyingtries_written=_SAME.keyingtries_written,
        unique=_SAME.unique,
        rekey_time=_SAME.rekey_time,
        reauth_time=_SAME.reauth_time,
        over_time=_SAME.over_time,
        rand_time=_SAME.rand_time,
        children=tuple(_negotiated_child(c) for c in connection.children),
    )


class Change(Enum):
    """What another configuration means for a connection."""

    ADDED = "added"
    REMOVED = "removed"
    IN_PLACE = "changed in place"
    REPLACED = "replaced"


def changes(before: Config, after: Config) -> Iterator[tuple[str, Change]]:
    """Which connections differ, and how; those that are gone first. Unchanged ones are not named."""
    old, new = ({c.name: c for c in config.connections} for config in (before, after))
    for name, connection in old.items():
        changed = new.get(name)
        if changed is None:
            yield name, Change.REMOVED
        elif changed != connection:
            in_place = negotiated(changed) == negotiated(connection)
            yield name, Change.IN_PLACE if in_place else Change.REPLACED
    yield from ((name, Change.ADDED) for name in new if name not in old)


def configure(registry: Registry[IkeSa], event: Configure) -> None:
    before = registry.services.config
    old, new = ({c.name: c for c in config.connections} for config in (before, event.config))
    registry.services.load(event.config)
    _resolve_names(registry.services)
    _keep_wanted(registry.services)
    registry.services.part(Expiry).watch()
    for name, change in changes(before, event.config):
        registry.services.log("CFG", f"configuration '{name}' {change.value}")
        if change is not Change.ADDED:
            _uninstall(registry.services, name)
        if change is Change.IN_PLACE:
            for sa in registry.named.of(name):
                reconfigure(sa, new[name])
        elif change is Change.REPLACED:
            _replace(registry, old[name], new[name])
    if not event.start:
        return
    for name, connection in new.items():
        if old.get(name) != connection or name in event.fresh:
            _start(registry, connection)


def _replace(registry: Registry[IkeSa], before: Connection, after: Connection) -> None:
    """Close what was negotiated with other terms, and negotiate anew what was up of it."""
    only_children = replace(negotiated(before), children=()) == replace(negotiated(after), children=())
    were = {c.name: c for c in negotiated(before).children}
    same = {c.name for c in negotiated(after).children if c == were.get(c.name)}
    closed: dict[str, None] = {}  # in order, each once
    for sa in registry.named.of(before.name):
        kept = only_children and sa.is_established
        gone = [c for c in sa.current_children() if not kept or c.name not in same]
        if sa.initiator or can_initiate(after):
            closed |= dict.fromkeys(
                [c.name for c in gone] + ([] if kept else [w.child.name for w in sa.wishes])
            )
        if not kept:
            sa.do(wants.Delete())
            continue
        reconfigure(sa, after)
        for child in gone:
            sa.do(wants.DeleteChild(child))
    for name in closed:
        child_config = after.child(name)
        if child_config is not None and not child_config.mode.is_shunt:
            wish_for(registry, after, Wish(child_config))


def _uninstall(services: Services, connection_name: str) -> None:
    for routed in list(services.part(traps.Traps).by_uid.values()):
        if routed.connection.name == connection_name:
            traps.uninstall(services, routed)


def _start(registry: Registry[IkeSa], connection: Connection) -> None:
    """auto= of each child: trap, start, or nothing."""
    for child in connection.children:
        action = child.start_action
        if action in (StartAction.TRAP, StartAction.TRAP_START) or (
            child.mode.is_shunt and action is StartAction.START
        ):
            try:
                traps.install(registry.services, connection, child)
            except RequestError as error:
                registry.services.log("CFG", f"{error}: routing '{child.name}' failed")
        if action in (StartAction.START, StartAction.TRAP_START) and not child.mode.is_shunt:
            registry.services.part(WantedChildren).want(connection, child, "auto=start")


def _keep_wanted(services: Services) -> None:
    """What is wanted and still configured is wanted as it is configured now, and tried at once."""
    wanted_children = services.part(WantedChildren)
    for wanted in wanted_children.all():
        connection = services.connections.named(wanted.connection.name)
        child = connection.child(wanted.child.name) if connection is not None else None
        if connection is None or child is None or not reason_to_want(child):
            wanted_children.drop(wanted.child.name)
        else:
            wanted.connection, wanted.child = connection, child
    hope_again(services)


def _resolve_names(services: Services) -> None:
    """Look every host name of the configuration up, so that responders and traps know it."""
    names = {
        word
        for connection in services.config.connections
        for word in (*connection.local_addrs, *connection.remote_addrs)
        if is_host_name(word)
    }
    for name in sorted(names - set(services.resolved)):

        def answered(event: Event, name: str = name) -> None:
            assert isinstance(event, Resolved)
            if not event.addresses:
                services.log("CFG", f"unable to resolve {name}: {event.error or 'no address found'}")
                return
            services.resolve(name, event.addresses)
            _install_waiting_traps(services, name)

        services.emit(Resolve(services.ask(answered), name))


def _install_waiting_traps(services: Services, name: str) -> None:
    """Traps that could not be installed while ``name`` was unknown."""
    for connection in services.config.connections:
        if name not in connection.remote_addrs:
            continue
        for child in connection.children:
            if child.start_action in (StartAction.TRAP, StartAction.TRAP_START):
                traps.install(services, connection, child)
