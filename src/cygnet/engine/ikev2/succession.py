"""One IKE_SA after another (RFC 7296 §2.18): what the new one has from the old one.

It inherits who both ends are, where they are and what they can do, the CHILD_SAs, the virtual
IPs, who waits for what, and the tasks that had not begun. ``tasks.ike_rekey`` decides which new
one it is.
"""

from __future__ import annotations

from collections import deque

from cygnet.boundary.notices import IkeRekeyed
from cygnet.engine import upkeep
from cygnet.engine.address_blocks import Limit
from cygnet.engine.children import adopt
from cygnet.engine.ikev2 import crash
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.sessions import Ticket
from cygnet.engine.ikev2.tasks.mobike import Mobility
from cygnet.engine.ikev2.tasks.task import SaTask
from cygnet.engine.sa import IkeState
from cygnet.engine.timers import Deadline

#: deadlines of an IKE_SA that pass to its successor
_LIFETIMES = (Deadline.REKEY, Deadline.REAUTH, Deadline.EXPIRE, Deadline.DPD, Deadline.KEEPALIVE)
#: seconds until an IKE_SA that the peer began as a successor and did not finish is forgotten: longer
#: than our own request takes to be given up, which may be what it waits for
SUCCESSOR_TIMEOUT = 300.0


def successor_of(old: IkeSaV2, initiator: bool) -> IkeSaV2:
    """An IKE_SA to replace ``old``, without keys yet."""
    new = IkeSaV2(old.registry, old.connection, initiator, old.local, old.remote)
    new.handshake = None
    new.is_successor = True
    new.enter(IkeState.CONNECTING)
    if not initiator:  # the peer may leave it half made
        old.services.timers.set(new.uid, Deadline.HALF_OPEN, old.services.now + SUCCESSOR_TIMEOUT)
    new.gateway, new.is_client = old.gateway, old.is_client
    return new


def take_over(new: IkeSaV2, old: IkeSaV2, quietly: bool = False) -> None:
    """``new`` has keys and replaces ``old``; ``quietly``: it lost, and only waits to be deleted."""
    new.connection, new.peer = old.connection, old.peer
    new.part(Ticket).held = old.part(Ticket).held
    new.part(Limit).selectors = old.part(Limit).selectors
    new.local_id, new.remote_id = old.local_id, old.remote_id
    new.set_endpoints(old.local, old.remote)
    new.local_behind_nat, new.remote_behind_nat = old.local_behind_nat, old.remote_behind_nat
    new.nat_known = old.nat_known
    Mobility.inherit(new, old)
    new.established_at = new.last_received = new.services.now
    new.is_successor = False
    new.services.timers.cancel(new.uid, Deadline.HALF_OPEN)
    new.enter(IkeState.ESTABLISHED)
    if quietly:
        new.enter(IkeState.REKEYED)
        return
    new.local_vips, old.local_vips = old.local_vips, []
    new.remote_vips, old.remote_vips = old.remote_vips, []
    ends = f"{new.local.address}[{new.local_id}]...{new.remote.address}[{new.remote_id}]"
    new.log("IKE", f"IKE_SA {new} rekeyed between {ends}", 0)
    reauth_at = new.services.timers.at(old.uid, Deadline.REAUTH)
    upkeep.schedule_lifetimes(new)
    if reauth_at is not None:  # rekeying proves no identity: the time for that does not move
        new.services.timers.set(new.uid, Deadline.REAUTH, reauth_at)
    upkeep.schedule_dpd(new)
    upkeep.schedule_keepalive(new)
    old.enter(IkeState.REKEYED)
    for kind in _LIFETIMES:
        new.services.timers.cancel(old.uid, kind)
    new.services.emit(IkeRekeyed(old.uid, new.uid, new.name))
    tasks, old.exchanges.queue = old.exchanges.queue, deque()
    adopt(new, old)
    crash.renew(new, old)
    for task in tasks:
        assert isinstance(task, SaTask)
        task.sa = new
        new.exchanges.add(task)
