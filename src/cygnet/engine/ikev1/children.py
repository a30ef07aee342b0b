"""CHILD_SAs of version 1: which are for the same traffic, and how one follows another."""

from __future__ import annotations

from cygnet.boundary.notices import ChildRekeyed
from cygnet.engine import children, twins
from cygnet.engine.child import ChildSa, ChildState
from cygnet.engine.ikev1.sa import IkeSaV1
from cygnet.engine.timers import Deadline
from cygnet.model.config import Child
from cygnet.values.selector import Selectors

REKEY_RETRY = 15.0  #: seconds until a CHILD_SA's rekeying that was refused is tried again


def equivalents(sa: IkeSaV1, config: Child, local: Selectors, remote: Selectors) -> list[ChildSa]:
    """CHILD_SAs in use for the same traffic, in the order of installation."""
    same = (
        c
        for c in sa.children.values()
        if c.is_up and c.name == config.name and (c.local_ts, c.remote_ts) == (local, remote)
    )
    return sorted(same, key=lambda c: (c.installed_at or 0.0, c.uid))


def equivalent(sa: IkeSaV1, config: Child, local: Selectors, remote: Selectors) -> ChildSa | None:
    found = equivalents(sa, config, local, remote)
    return found[-1] if found else None


def crosses(sa: IkeSaV1, child: ChildSa) -> bool:
    """Whether the peer's Quick Mode for the same cannot be meant to rekey it: both ends have begun one at
    the same moment, and come to one of them later (``twins``)."""
    age = sa.services.now - (child.installed_at or 0.0)
    return child.begun_here and child.rekeyed_by is None and age < twins.SETTLE_TIME


def child_up(sa: IkeSaV1, child: ChildSa) -> None:
    """The wish is fulfilled first: the output of ``up`` ends where strongSwan's does."""
    children.fulfil(sa, child)
    children.child_up(sa, child)
    twins.came_up(sa, child)


def child_rekeyed(sa: IkeSaV1, old: ChildSa, new: ChildSa) -> None:
    """``new`` carries the traffic from now on; ``old`` still takes what is on the way."""
    if not old.is_up:
        return
    old.rekeyed_by = new.uid
    old.enter(ChildState.REKEYED)
    owner, timers, settings = old.owner_uid, sa.services.timers, sa.services.config.settings
    for kind in (Deadline.CHILD_REKEY, Deadline.CHILD_INACTIVE):
        timers.cancel(owner, kind, old.uid)
    never_expires = timers.at(owner, Deadline.CHILD_EXPIRE, old.uid) is None
    if settings.delete_rekeyed or never_expires:
        timers.set(owner, Deadline.CHILD_RETIRE, sa.services.now + settings.delete_rekeyed_delay, old.uid)
    sa.services.emit(ChildRekeyed(sa.uid, old.uid, new.uid, new.name))
    twins.came_up(sa, new)


def rekeying_failed(sa: IkeSaV1, old: ChildSa) -> None:
    if old.state is not ChildState.REKEYING:
        return
    old.enter(ChildState.INSTALLED)
    sa.log("IKE", f"CHILD_SA rekeying failed, trying again in {int(REKEY_RETRY)} seconds")
    sa.services.timers.set(old.owner_uid, Deadline.CHILD_REKEY, sa.services.now + REKEY_RETRY, old.uid)
