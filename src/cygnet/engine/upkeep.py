"""What an established IKE_SA does by the clock: lifetimes, DPD, keep-alives, inactivity.

Silence is no reason to ask the peer whether it lives as long as ESP comes in, so DPD and
inactivity first ask the data plane when packets last came (effect Query).
"""

from __future__ import annotations

from cygnet.boundary.effects import Query, Send
from cygnet.boundary.events import Event, Usage
from cygnet.engine.child import ChildSa
from cygnet.engine.sa import IkeSa
from cygnet.engine.timers import Deadline
from cygnet.engine.wants import CheckLiveness, Delete, DeleteChild
from cygnet.model.config import Connection

#: seconds by which a deadline may be early and still count as reached
SLACK = 0.01
#: seconds: a keep-alive may be left out when something was sent this shortly before a full interval
KEEPALIVE_SLACK = 0.5
#: what an IKE_SA that was replaced does no more
RETIRED_DEADLINES = (
    Deadline.REKEY, Deadline.REAUTH, Deadline.EXPIRE, Deadline.DPD, Deadline.DPD_TIMEOUT, Deadline.KEEPALIVE,
)  # fmt: skip
#: seconds an IKE_SA that was replaced is left for the peer to delete (as charon)
RETIRE_DELAY = 10.0
#: seconds that a better answer may come in behind one that refuses and that nothing proves
BETTER_ANSWER = 1.0


def _set(sa: IkeSa, kind: Deadline, seconds: float, subject: int = 0) -> None:
    sa.services.timers.set(sa.uid, kind, sa.services.now + seconds, subject)


# lifetimes ----------------------------------------------------------------------


def schedule_lifetimes(sa: IkeSa) -> None:
    """Soft limits with their jitter drawn, then the hard one over_time later, logged as charon does."""
    c, timers = sa.connection, sa.services.timers
    reauth = c.reauth_time if sa.can_rekey else c.reauth_time or c.rekey_time
    limits: list[float] = []
    for kind, soft, what in (
        (Deadline.REKEY, c.rekey_time if sa.can_rekey else 0, "rekeying"),
        (Deadline.REAUTH, reauth, "reauthentication"),
    ):
        timers.cancel(sa.uid, kind)
        if not soft:
            continue
        seconds = max(1.0, soft - sa.services.entropy.uniform(0, c.rand_time))
        _set(sa, kind, seconds)
        sa.log("IKE", f"scheduling {what} in {int(seconds)}s")
        limits.append(seconds + c.over_time)
    timers.cancel(sa.uid, Deadline.EXPIRE)
    if limits:
        _set(sa, Deadline.EXPIRE, min(limits))
        sa.log("IKE", f"maximum IKE_SA lifetime {int(min(limits))}s")


# keep-alives (RFC 3948 §4) --------------------------------------------------------


def schedule_keepalive(sa: IkeSa) -> None:
    interval = sa.services.config.settings.keep_alive
    if sa.local_behind_nat and interval:
        _set(sa, Deadline.KEEPALIVE, interval)


def keepalive_due(sa: IkeSa) -> None:
    interval = sa.services.config.settings.keep_alive
    if sa.services.now - sa.last_sent >= interval - KEEPALIVE_SLACK:
        sa.log("IKE", f"sending keep alive to {sa.remote}", 2)
        sa.services.emit(Send(sa.local, sa.remote, b"\xff", keepalive=True, dscp=sa.connection.dscp))
    schedule_keepalive(sa)


# dead peer detection --------------------------------------------------------------


def schedule_dpd(sa: IkeSa) -> None:
    if sa.connection.dpd_delay:
        _set(sa, Deadline.DPD, sa.connection.dpd_delay)
    else:
        sa.services.timers.cancel(sa.uid, Deadline.DPD)


def dpd_due(sa: IkeSa) -> None:
    inbound = tuple(c.in_id for c in sa.children.values() if c.in_id is not None)
    if not inbound:
        _dpd_decide(sa, sa.last_received)
        return

    def answered(event: Event) -> None:
        assert isinstance(event, Usage)
        heard = [sa.services.now - u.idle for u in event.usages if u.idle is not None]
        _dpd_decide(sa, max([sa.last_received, *heard]))

    sa.services.emit(Query(sa.services.ask(answered, sa.uid), inbound))


def _dpd_decide(sa: IkeSa, heard: float) -> None:
    delay = sa.connection.dpd_delay
    if not sa.is_established or not delay:
        return
    silence = sa.services.now - heard
    if silence >= delay - SLACK:
        sa.do(CheckLiveness())
        _set(sa, Deadline.DPD, delay)
    else:
        _set(sa, Deadline.DPD, delay - silence)


# inactivity -----------------------------------------------------------------------


def inactivity_due(sa: IkeSa, child: ChildSa) -> None:
    ids = tuple(i for i in (child.in_id, child.out_id) if i is not None)

    def answered(event: Event) -> None:
        assert isinstance(event, Usage)
        if child.is_up and event.usages:
            _inactivity_decide(sa, child, [u.idle for u in event.usages])

    sa.services.emit(Query(sa.services.ask(answered, sa.uid), ids))


def _inactivity_decide(sa: IkeSa, child: ChildSa, idles: list[float | None]) -> None:
    limit = child.config.inactivity
    if not limit:
        return
    since = sa.services.now - (child.installed_at or 0.0)
    idle = min(since if idle is None else idle for idle in idles)
    if idle < limit - SLACK:
        _set(sa, Deadline.CHILD_INACTIVE, limit - idle, child.uid)
        return
    sa.log("JOB", f"deleting CHILD_SA {child} after {int(idle)} seconds of inactivity")
    sa.do(DeleteChild(child))
    if sa.services.config.settings.inactivity_close_ike and not sa.current_children():
        sa.do(Delete())


# changes --------------------------------------------------------------------------


def reconfigure(sa: IkeSa, connection: Connection) -> None:
    """Take over changed timers and actions in place, without a message to the peer (update)."""
    sa.connection = connection
    for child in list(sa.children.values()):
        config = connection.child(child.name)
        if config is not None:
            child.reconfigure(config)
    for wish in sa.wishes:
        wish.child = connection.child(wish.child.name) or wish.child
    if sa.is_established:
        schedule_lifetimes(sa)
        schedule_dpd(sa)


def retire(sa: IkeSa) -> None:
    """Another one replaced it: give the peer time to delete it, then do it ourselves. It renews nothing
    any more; messages that are under way still come to their end."""
    sa.retired = True
    for kind in RETIRED_DEADLINES:
        sa.services.timers.cancel(sa.uid, kind)
    for child in sa.children.values():
        sa.services.timers.cancel(sa.uid, Deadline.CHILD_REKEY, child.uid)
    sa.services.timers.set(sa.uid, Deadline.RETIRE, sa.services.now + RETIRE_DELAY)
