"""Who carries a wished-for CHILD_SA: a running IKE_SA of the connection, or a new one."""

from __future__ import annotations

from cygnet.boundary.effects import Outcome, ReleaseHeld
from cygnet.engine.child import ChildSa
from cygnet.engine.context import Context, Wish
from cygnet.engine.sa import IkeSa
from cygnet.engine.versions import SA_CLASSES
from cygnet.model.config import Connection


def wish_for(ctx: Context, connection: Connection, wish: Wish) -> None:
    """Bring up the wished-for CHILD_SA, or join the negotiation that already does.

    One that is up is not made twice: the wish is fulfilled at once.
    """
    running = _running(ctx, connection, wish)
    if running is not None:
        sa, child = running
        ctx.attach(wish, sa)
        ctx.log("IKE", f"CHILD_SA {child} is already established, not establishing a duplicate", sa=sa)
        if wish.policy_id is not None:
            ctx.emit(ReleaseHeld(wish.policy_id))
        ctx.finish(wish, Outcome.OK, f"connection '{wish.child.name}' established successfully")
        return
    sa_or_none = next((s for s in ctx.sas_of(connection.name) if s.can_carry), None)
    if sa_or_none is not None and ctx.config.settings.reuse_ikesa:
        sa_or_none.wish(wish)
        return
    new_sa(ctx, connection, [wish])


def _running(ctx: Context, connection: Connection, wish: Wish) -> tuple[IkeSa, ChildSa] | None:
    for sa in ctx.sas_of(connection.name):
        if not sa.is_established:
            continue
        for child in sa.current_children():
            if child.name == wish.child.name and wish.reqid in (0, child.reqid):
                return sa, child
    return None


def new_sa(ctx: Context, connection: Connection, wishes: list[Wish]) -> IkeSa:
    """A new IKE_SA that initiates, for these wishes."""
    sa = SA_CLASSES[connection.version](ctx, connection, True, None, None)
    for wish in wishes:
        sa.wish(wish)
    sa.start()
    return sa
