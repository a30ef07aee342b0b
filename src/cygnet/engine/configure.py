"""Loading a configuration in place of another one (start, update, reload).

Per connection one of: unchanged (nothing happens), new, gone (its policies go, its SAs run on
as orphans), changed in timers and actions only (taken over in place, no message to the peer),
changed in what was negotiated (its SAs are deleted, then it is as new). So an update never
leaves two IKE_SAs where one was.
"""

from __future__ import annotations

from dataclasses import replace

from cygnet.boundary.effects import Resolve
from cygnet.boundary.events import Configure, Event, Resolved
from cygnet.engine import traps
from cygnet.engine.addresses import is_host_name
from cygnet.engine.context import Context, Wish
from cygnet.engine.initiate import wish_for
from cygnet.model.config import Child, Connection, Lifetime, StartAction
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
        unique=_SAME.unique,
        rekey_time=_SAME.rekey_time,
        reauth_time=_SAME.reauth_time,
        over_time=_SAME.over_time,
        rand_time=_SAME.rand_time,
        children=tuple(_negotiated_child(c) for c in connection.children),
    )


def configure(ctx: Context, event: Configure) -> None:
    old = {c.name: c for c in ctx.config.connections}
    ctx.load(event.config)
    _resolve_names(ctx)
    new = {c.name: c for c in event.config.connections}
    for name, before in old.items():
        after = new.get(name)
        if after is None:
            ctx.log("CFG", f"deleted connection '{name}'")
            _uninstall(ctx, name)
        elif after != before:
            _change(ctx, before, after)
    for name in new:
        if name not in old:
            ctx.log("CFG", f"added configuration '{name}'")
    if not event.start:
        return
    for name, connection in new.items():
        if old.get(name) != connection or name in event.fresh:
            _start(ctx, connection)


def _change(ctx: Context, before: Connection, after: Connection) -> None:
    _uninstall(ctx, before.name)
    if negotiated(before) == negotiated(after):
        ctx.log("CFG", f"updated configuration '{after.name}' in place")
        for sa in ctx.sas_of(before.name):
            sa.reconfigure(after)
        return
    ctx.log("CFG", f"replaced configuration '{after.name}'")
    only_children = replace(negotiated(before), children=()) == replace(negotiated(after), children=())
    kept = {c.name for c in after.children if before.child(c.name) is not None
            and _negotiated_child(c) == _negotiated_child(before.child(c.name) or c)}  # fmt: skip
    for sa in ctx.sas_of(before.name):
        if not only_children or not sa.is_established:
            sa.delete()
            continue
        sa.reconfigure(after)
        for child in list(sa.children.values()):
            if child.name not in kept:
                sa.delete_child(child)


def _uninstall(ctx: Context, connection_name: str) -> None:
    for routed in list(ctx.routed.values()):
        if routed.connection.name == connection_name:
            traps.uninstall(ctx, routed)


def _start(ctx: Context, connection: Connection) -> None:
    """auto= of each child: trap, start, or nothing."""
    for child in connection.children:
        action = child.start_action
        if action in (StartAction.TRAP, StartAction.TRAP_START) or (
            child.mode.is_shunt and action is StartAction.START
        ):
            try:
                traps.install(ctx, connection, child)
            except RequestError as error:
                ctx.log("CFG", f"{error}: routing '{child.name}' failed")
        if action in (StartAction.START, StartAction.TRAP_START) and not child.mode.is_shunt:
            wish_for(ctx, connection, Wish(child))


def _resolve_names(ctx: Context) -> None:
    """Look every host name of the configuration up, so that responders and traps know it."""
    names = {
        word
        for connection in ctx.config.connections
        for word in (*connection.local_addrs, *connection.remote_addrs)
        if is_host_name(word)
    }
    for name in sorted(names - set(ctx.resolved)):

        def answered(event: Event, name: str = name) -> None:
            assert isinstance(event, Resolved)
            if not event.addresses:
                ctx.log("CFG", f"unable to resolve {name}: {event.error or 'no address found'}")
                return
            ctx.resolved[name] = event.addresses
            _install_waiting_traps(ctx, name)

        ctx.emit(Resolve(ctx.ask(answered), name))


def _install_waiting_traps(ctx: Context, name: str) -> None:
    """Traps that could not be installed while ``name`` was unknown."""
    for connection in ctx.config.connections:
        if name not in connection.remote_addrs:
            continue
        for child in connection.children:
            if child.start_action in (StartAction.TRAP, StartAction.TRAP_START):
                traps.install(ctx, connection, child)
