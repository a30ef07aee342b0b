"""Traps and shunts: policies that stand without an SA (auto=route, type=passthrough|drop|reject).

A trap's packet comes back as event Acquire, and the first one starts a negotiation; the data
plane holds packets meanwhile. The trap stays when the tunnel is up (its policy ranks below the
tunnel's), so that traffic brings the tunnel back whenever it is gone.
"""

from __future__ import annotations

from dataclasses import dataclass

from cygnet.boundary.effects import FindSource, InstallPolicy, ReleaseHeld, RemovePolicy
from cygnet.boundary.events import Acquire, Event, SourceAddress
from cygnet.boundary.snapshot import RoutedSnapshot
from cygnet.boundary.specs import PolicyAction, PolicySpec, SaMode
from cygnet.engine.addresses import concrete
from cygnet.engine.context import Context, Selectors, Wish
from cygnet.engine.initiate import wish_for
from cygnet.engine.policy import fill, priority_of
from cygnet.model.config import Child, Connection, Mode
from cygnet.values.endpoint import Address, Endpoint
from cygnet.values.errors import RequestError

_SHUNTS = {
    Mode.PASS: PolicyAction.PASS,
    Mode.DROP: PolicyAction.DROP,
    Mode.REJECT: PolicyAction.REJECT,
}


@dataclass(slots=True)
class Routed:
    """One installed trap or shunt. ``reqid`` 0 for shunts."""

    uid: int
    connection: Connection
    child: Child
    reqid: int
    policy_id: int
    local_ts: Selectors
    remote_ts: Selectors
    shunt: bool

    def snapshot(self) -> RoutedSnapshot:
        return RoutedSnapshot(
            self.uid, self.child.name, self.child.mode.value, self.reqid, self.policy_id,
            self.local_ts, self.remote_ts, self.shunt,
        )  # fmt: skip


def find(ctx: Context, name: str) -> Routed | None:
    return ctx.routed_by_name.get(name)


def install(ctx: Context, connection: Connection, child: Child) -> None:
    """Install the trap or shunt of ``child``; nothing happens if it is there.

    Raises RequestError when it cannot be: the peer's address is not known.
    """
    if find(ctx, child.name) is not None:
        return
    if child.mode.is_shunt:
        _install_shunt(ctx, connection, child)
        return
    remote = next((a for w in connection.remote_addrs for a in _known(ctx, w)), None)
    if remote is None:
        raise RequestError("installing trap failed, remote address unknown")
    local = next(
        (a for w in connection.local_addrs if (a := concrete(w)) is not None and a.version == remote.version),
        None,
    )
    if local is not None:
        _install_trap(ctx, connection, child, local, remote)
        return

    def answered(event: Event) -> None:
        assert isinstance(event, SourceAddress)
        still_wanted = ctx.connections.named(connection.name) == connection
        if event.address is not None and still_wanted and find(ctx, child.name) is None:
            _install_trap(ctx, connection, child, event.address, remote)
        elif event.address is None:
            ctx.log("CHD", f"installing trap '{child.name}' failed, no local address reaches {remote}")

    ctx.emit(FindSource(ctx.ask(answered), remote))


def _known(ctx: Context, word: str) -> tuple[Address, ...]:
    address = concrete(word)
    return (address,) if address is not None else ctx.resolved.get(word, ())


def _install_trap(
    ctx: Context, connection: Connection, child: Child, local: Address, remote: Address
) -> None:
    local_ts, remote_ts = fill(child.local_ts, local), fill(child.remote_ts, remote)
    uid, policy_id = ctx.new_child_uid(), ctx.new_policy_id()
    reqid = ctx.reqids.take(local_ts, remote_ts, child.reqid)
    routed = Routed(uid, connection, child, reqid, policy_id, local_ts, remote_ts, shunt=False)
    _register(ctx, routed)
    ctx.emit(
        InstallPolicy(
            PolicySpec(
                id=policy_id,
                action=PolicyAction.PROTECT,
                local_ts=local_ts,
                remote_ts=remote_ts,
                priority=priority_of(child, local_ts, remote_ts, trap=True),
                reqid=reqid,
                trap=True,
                mode=SaMode[child.mode.name],
                local=Endpoint(local, 0),
                remote=Endpoint(remote, 0),
                name=child.name,
            )
        )
    )


def _install_shunt(ctx: Context, connection: Connection, child: Child) -> None:
    local_ts = tuple(ts for ts in child.local_ts) or ()
    remote_ts = child.remote_ts
    uid, policy_id = ctx.new_child_uid(), ctx.new_policy_id()
    _register(ctx, Routed(uid, connection, child, 0, policy_id, local_ts, remote_ts, shunt=True))
    ctx.emit(
        InstallPolicy(
            PolicySpec(
                id=policy_id,
                action=_SHUNTS[child.mode],
                local_ts=local_ts,
                remote_ts=remote_ts,
                priority=priority_of(child, local_ts, remote_ts, trap=False),
                name=child.name,
            )
        )
    )


def _register(ctx: Context, routed: Routed) -> None:
    ctx.routed[routed.uid] = routed
    ctx.routed_by_name[routed.child.name] = routed
    ctx.routed_by_policy[routed.policy_id] = routed


def uninstall(ctx: Context, routed: Routed) -> None:
    """Take a trap or shunt out. A tunnel that it started stays."""
    if ctx.routed.pop(routed.uid, None) is None:
        return
    del ctx.routed_by_name[routed.child.name], ctx.routed_by_policy[routed.policy_id]
    ctx.emit(RemovePolicy(routed.policy_id))
    if routed.reqid:
        ctx.reqids.release(routed.reqid)


def acquire(ctx: Context, event: Acquire) -> None:
    """A packet wants through: negotiate once, however many packets come."""
    routed = ctx.routed_by_policy.get(event.policy_id)
    if routed is None:
        ctx.emit(ReleaseHeld(event.policy_id))
        return
    ctx.log("KNL", f"creating acquire job for policy {event.source} === {event.destination} "
            f"with reqid {{{routed.reqid}}}")  # fmt: skip
    wish = Wish(
        routed.child, routed.reqid, policy_id=routed.policy_id, packet=(event.source, event.destination)
    )
    wish_for(ctx, routed.connection, wish)
