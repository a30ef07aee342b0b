"""Traps and shunts: policies that stand without an SA (auto=route, type=passthrough|drop|reject).

A trap's packet comes back as event Acquire, and the first one starts a negotiation; the data
plane holds packets meanwhile. The trap stays when the tunnel is up (its policy ranks below the
tunnel's), so that traffic brings the tunnel back whenever it is gone.
"""

from __future__ import annotations

from dataclasses import dataclass

from cygnet.boundary.effects import FindSource, InstallPolicy, RemovePolicy
from cygnet.boundary.events import Event, SourceAddress
from cygnet.boundary.snapshot import RoutedSnapshot
from cygnet.boundary.specs import PolicyAction, PolicySpec, SaMode
from cygnet.engine.addresses import concrete
from cygnet.engine.policy import fill, priority_of
from cygnet.engine.services import Services
from cygnet.model.config import Child, Connection, Mode
from cygnet.values.endpoint import Address, Endpoint
from cygnet.values.errors import RequestError
from cygnet.values.selector import Selectors

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


class Traps:
    """The traps and shunts of one engine, in the order in which they were installed."""

    def __init__(self, services: Services) -> None:
        self.by_uid: dict[int, Routed] = {}
        self.by_name: dict[str, Routed] = {}  #: of the child
        self.by_policy: dict[int, Routed] = {}

    def add(self, routed: Routed) -> None:
        self.by_uid[routed.uid] = routed
        self.by_name[routed.child.name] = routed
        self.by_policy[routed.policy_id] = routed

    def remove(self, routed: Routed) -> bool:
        """Whether it was there."""
        if self.by_uid.pop(routed.uid, None) is None:
            return False
        del self.by_name[routed.child.name], self.by_policy[routed.policy_id]
        return True


def find(services: Services, name: str) -> Routed | None:
    return services.part(Traps).by_name.get(name)


def install(services: Services, connection: Connection, child: Child) -> None:
    """Install the trap or shunt of ``child``; nothing happens if it is there.

    Raises RequestError when it cannot be: the peer's address is not known.
    """
    if find(services, child.name) is not None:
        return
    if child.mode.is_shunt:
        _install_shunt(services, connection, child)
        return
    remote = next((a for w in connection.remote_addrs for a in _known(services, w)), None)
    if remote is None:
        raise RequestError("installing trap failed, remote address unknown")
    local = next(
        (a for w in connection.local_addrs if (a := concrete(w)) is not None and a.version == remote.version),
        None,
    )
    if local is not None:
        _install_trap(services, connection, child, local, remote)
        return

    def answered(event: Event) -> None:
        assert isinstance(event, SourceAddress)
        still_wanted = services.connections.named(connection.name) == connection
        if event.address is not None and still_wanted and find(services, child.name) is None:
            _install_trap(services, connection, child, event.address, remote)
        elif event.address is None:
            services.log("CHD", f"installing trap '{child.name}' failed, no local address reaches {remote}")

    services.emit(FindSource(services.ask(answered), remote))


def _known(services: Services, word: str) -> tuple[Address, ...]:
    address = concrete(word)
    return (address,) if address is not None else services.resolved.get(word, ())


def _install_trap(
    services: Services, connection: Connection, child: Child, local: Address, remote: Address
) -> None:
    local_ts, remote_ts = fill(child.local_ts, local), fill(child.remote_ts, remote)
    uid, policy_id = services.new_child_uid(), services.new_policy_id()
    reqid = services.reqids.take(local_ts, remote_ts, child.reqid)
    routed = Routed(uid, connection, child, reqid, policy_id, local_ts, remote_ts, shunt=False)
    services.part(Traps).add(routed)
    services.emit(
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


def _install_shunt(services: Services, connection: Connection, child: Child) -> None:
    local_ts = tuple(ts for ts in child.local_ts) or ()
    remote_ts = child.remote_ts
    uid, policy_id = services.new_child_uid(), services.new_policy_id()
    services.part(Traps).add(Routed(uid, connection, child, 0, policy_id, local_ts, remote_ts, shunt=True))
    services.emit(
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


def uninstall(services: Services, routed: Routed) -> None:
    """Take a trap or shunt out. A tunnel that it started stays."""
    if not services.part(Traps).remove(routed):
        return
    services.emit(RemovePolicy(routed.policy_id))
    if routed.reqid:
        services.reqids.release(routed.reqid)


def bring_back(services: Services, connection: Connection, child: Child) -> None:
    """The trap for a CHILD_SA that is gone (action "hold"); why there is none goes to the log."""
    try:
        install(services, connection, child)
    except RequestError as error:
        services.log("CHD", f"{error}: routing '{child.name}' failed")
