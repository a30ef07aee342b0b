"""What an established IKE_SA does by the clock: lifetimes, DPD, keep-alives, inactivity.

Silence is no reason to ask the peer whether it lives as long as ESP comes in, so DPD and
inactivity first ask the data plane when packets last came (effect Query).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cygnet.boundary.effects import Query, Send
from cygnet.boundary.events import Event, Usage
from cygnet.engine.timers import Deadline

if TYPE_CHECKING:
    from cygnet.engine.child import ChildSa
    from cygnet.engine.sa import IkeSa

#: seconds by which a deadline may be early and still count as reached
SLACK = 0.01
#: seconds: a keep-alive may be left out when something was sent this shortly before a full interval
KEEPALIVE_SLACK = 0.5


class Upkeep:
    """The recurring deadlines of one IKE_SA."""

    def __init__(self, sa: IkeSa) -> None:
        self._sa = sa

    def schedule(self) -> None:
        """All of it, as the connection says now."""
        self.schedule_lifetimes()
        self.schedule_dpd()
        self.schedule_keepalive()

    def _set(self, kind: Deadline, seconds: float, subject: int = 0) -> None:
        self._sa.ctx.timers.set(self._sa.uid, kind, self._sa.ctx.now + seconds, subject)

    # lifetimes ----------------------------------------------------------------------

    def schedule_lifetimes(self) -> None:
        """Soft limits with their jitter drawn, then the hard one over_time later, logged as charon does."""
        sa, c, timers = self._sa, self._sa.connection, self._sa.ctx.timers
        reauth = c.reauth_time if sa.can_rekey else c.reauth_time or c.rekey_time
        limits: list[float] = []
        for kind, soft, what in (
            (Deadline.REKEY, c.rekey_time if sa.can_rekey else 0, "rekeying"),
            (Deadline.REAUTH, reauth, "reauthentication"),
        ):
            timers.cancel(sa.uid, kind)
            if not soft:
                continue
            seconds = max(1.0, soft - sa.ctx.entropy.uniform(0, c.rand_time))
            self._set(kind, seconds)
            sa.log("IKE", f"scheduling {what} in {int(seconds)}s")
            limits.append(seconds + c.over_time)
        timers.cancel(sa.uid, Deadline.EXPIRE)
        if limits:
            self._set(Deadline.EXPIRE, min(limits))
            sa.log("IKE", f"maximum IKE_SA lifetime {int(min(limits))}s")

    # keep-alives (RFC 3948 §4) --------------------------------------------------------

    def schedule_keepalive(self) -> None:
        interval = self._sa.ctx.config.settings.keep_alive
        if self._sa.local_behind_nat and interval:
            self._set(Deadline.KEEPALIVE, interval)

    def keepalive_due(self) -> None:
        sa = self._sa
        interval = sa.ctx.config.settings.keep_alive
        if sa.ctx.now - sa.last_sent >= interval - KEEPALIVE_SLACK:
            sa.log("IKE", f"sending keep alive to {sa.remote}", 2)
            sa.ctx.emit(Send(sa.local, sa.remote, b"\xff", keepalive=True, dscp=sa.connection.dscp))
        self.schedule_keepalive()

    # dead peer detection --------------------------------------------------------------

    def schedule_dpd(self) -> None:
        if self._sa.connection.dpd_delay:
            self._set(Deadline.DPD, self._sa.connection.dpd_delay)
        else:
            self._sa.ctx.timers.cancel(self._sa.uid, Deadline.DPD)

    def dpd_due(self) -> None:
        sa = self._sa
        inbound = tuple(c.in_id for c in sa.children.values() if c.in_id is not None)
        if inbound:
            sa.ctx.emit(Query(sa.ctx.ask(self._dpd_answer, sa.uid), inbound))
        else:
            self._dpd_decide(sa.last_received)

    def _dpd_answer(self, event: Event) -> None:
        assert isinstance(event, Usage)
        heard = [self._sa.ctx.now - u.idle for u in event.usages if u.idle is not None]
        self._dpd_decide(max([self._sa.last_received, *heard]))

    def _dpd_decide(self, heard: float) -> None:
        sa, delay = self._sa, self._sa.connection.dpd_delay
        if not sa.is_established or not delay:
            return
        silence = sa.ctx.now - heard
        if silence >= delay - SLACK:
            sa.check_liveness()
            self._set(Deadline.DPD, delay)
        else:
            self._set(Deadline.DPD, delay - silence)

    # inactivity -----------------------------------------------------------------------

    def inactivity_due(self, child: ChildSa) -> None:
        sa = self._sa
        ids = tuple(i for i in (child.in_id, child.out_id) if i is not None)

        def answered(event: Event) -> None:
            assert isinstance(event, Usage)
            if child.is_up and event.usages:
                self._inactivity_decide(child, [u.idle for u in event.usages])

        sa.ctx.emit(Query(sa.ctx.ask(answered, sa.uid), ids))

    def _inactivity_decide(self, child: ChildSa, idles: list[float | None]) -> None:
        sa, limit = self._sa, child.config.inactivity
        if not limit:
            return
        since = sa.ctx.now - (child.installed_at or 0.0)
        idle = min(since if idle is None else idle for idle in idles)
        if idle < limit - SLACK:
            self._set(Deadline.CHILD_INACTIVE, limit - idle, child.uid)
            return
        sa.log("JOB", f"deleting CHILD_SA {child} after {int(idle)} seconds of inactivity")
        sa.delete_child(child)
        if sa.ctx.config.settings.inactivity_close_ike and not sa.current_children():
            sa.delete()
