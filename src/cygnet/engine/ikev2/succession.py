"""One IKE_SA after another (RFC 7296 §2.18): what the new one has from the old one.

It inherits who both ends are, where they are and what they can do, the CHILD_SAs, the virtual
IPs, who waits for what, and the tasks that had not begun. ``tasks.ike_rekey`` decides which new
one it is.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from cygnet.boundary.notices import IkeRekeyed
from cygnet.engine.ikev2 import crash
from cygnet.engine.sa import IkeState
from cygnet.engine.timers import Deadline

if TYPE_CHECKING:
    from cygnet.engine.ikev2.sa import IkeSaV2

#: deadlines of an IKE_SA that pass to its successor
_LIFETIMES = (Deadline.REKEY, Deadline.REAUTH, Deadline.EXPIRE, Deadline.DPD, Deadline.KEEPALIVE)
#: seconds until an IKE_SA that the peer began as a successor and did not finish is forgotten: longer
#: than our own request takes to be given up, which may be what it waits for
SUCCESSOR_TIMEOUT = 300.0


def successor_of(old: IkeSaV2, initiator: bool) -> IkeSaV2:
    """An IKE_SA to replace ``old``, without keys yet."""
    new = type(old)(old.ctx, old.connection, initiator, old.local, old.remote)
    new.handshake = None
    new.is_successor = True
    new.enter(IkeState.CONNECTING)
    if not initiator:  # the peer may leave it half made
        old.ctx.timers.set(new.uid, Deadline.HALF_OPEN, old.ctx.now + SUCCESSOR_TIMEOUT)
    new.gateway, new.is_client = old.gateway, old.is_client
    return new


def take_over(new: IkeSaV2, old: IkeSaV2, quietly: bool = False) -> None:
    """``new`` has keys and replaces ``old``; ``quietly``: it lost, and only waits to be deleted."""
    new.connection, new.peer, new.held = old.connection, old.peer, old.held
    new.local_id, new.remote_id = old.local_id, old.remote_id
    new.set_endpoints(old.local, old.remote)
    new.local_behind_nat, new.remote_behind_nat = old.local_behind_nat, old.remote_behind_nat
    new.nat_known, new.peer_addresses = old.nat_known, old.peer_addresses
    new.established_at = new.last_received = new.ctx.now
    new.is_successor = False
    new.ctx.timers.cancel(new.uid, Deadline.HALF_OPEN)
    new.enter(IkeState.ESTABLISHED)
    if quietly:
        new.enter(IkeState.REKEYED)
        return
    new.local_vips, old.local_vips = old.local_vips, []
    new.remote_vips, old.remote_vips = old.remote_vips, []
    ends = f"{new.local.address}[{new.local_id}]...{new.remote.address}[{new.remote_id}]"
    new.log("IKE", f"IKE_SA {new} rekeyed between {ends}", 0)
    reauth_at = new.ctx.timers.at(old.uid, Deadline.REAUTH)
    new.upkeep.schedule_lifetimes()
    if reauth_at is not None:  # rekeying proves no identity: the time for that does not move
        new.ctx.timers.set(new.uid, Deadline.REAUTH, reauth_at)
    new.upkeep.schedule_dpd()
    new.upkeep.schedule_keepalive()
    old.enter(IkeState.REKEYED)
    for kind in _LIFETIMES:
        new.ctx.timers.cancel(old.uid, kind)
    new.ctx.emit(IkeRekeyed(old.uid, new.uid, new.name))
    tasks, old.exchanges.queue = old.exchanges.queue, deque()
    new.adopt(old)
    crash.renew(new, old)
    for task in tasks:
        task.sa = new
        new.exchanges.add(task)
