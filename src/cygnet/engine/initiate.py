"""Who carries a wished-for CHILD_SA: a running IKE_SA of the connection, or a new one."""

from __future__ import annotations

from cygnet.boundary.effects import ReleaseHeld
from cygnet.boundary.events import Acquire
from cygnet.engine.child import ChildSa
from cygnet.engine.registry import Registry
from cygnet.engine.sa import IkeSa
from cygnet.engine.traps import Traps
from cygnet.engine.versions import SA_CLASSES
from cygnet.engine.wants import Start
from cygnet.engine.wish import Wish
from cygnet.model.config import Connection


def wish_for(registry: Registry[IkeSa], connection: Connection, wish: Wish) -> None:
    """Bring up the wished-for CHILD_SA, or join the negotiation that already does.

    One that is up is not made twice: the wish is fulfilled at once.
    """
    running = _running(registry, connection, wish)
    if running is not None:
        sa, child = running
        wish.attach(registry.services, sa.uid)
        sa.log("IKE", f"CHILD_SA {child} is already established, not establishing a duplicate")
        if wish.policy_id is not None:
            registry.services.emit(ReleaseHeld(wish.policy_id))
        wish.fulfilled(registry.services)
        return
    sa_or_none = next((s for s in registry.named.of(connection.name) if s.can_carry), None)
    if sa_or_none is not None and registry.services.config.settings.reuse_ikesa:
        sa_or_none.wish(wish)
        return
    new_sa(registry, connection, [wish])


def _running(registry: Registry[IkeSa], connection: Connection, wish: Wish) -> tuple[IkeSa, ChildSa] | None:
    for sa in registry.named.of(connection.name):
        if not sa.is_established:
            continue
        for child in sa.current_children():
            if child.name == wish.child.name and wish.reqid in (0, child.reqid):
                return sa, child
    return None


def new_sa(registry: Registry[IkeSa], connection: Connection, wishes: list[Wish]) -> IkeSa:
    """A new IKE_SA that initiates, for these wishes."""
    sa = SA_CLASSES[connection.version](registry, connection, True)
    for wish in wishes:
        sa.wish(wish)
    sa.do(Start())
    return sa


def acquire(registry: Registry[IkeSa], event: Acquire) -> None:
    """A packet wants through: negotiate once, however many packets come."""
    services = registry.services
    routed = services.part(Traps).by_policy.get(event.policy_id)
    if routed is None:
        services.emit(ReleaseHeld(event.policy_id))
        return
    services.log("KNL", f"creating acquire job for policy {event.source} === {event.destination} "
            f"with reqid {{{routed.reqid}}}")  # fmt: skip
    wish = Wish(
        routed.child, routed.reqid, policy_id=routed.policy_id, packet=(event.source, event.destination)
    )
    wish_for(registry, routed.connection, wish)
