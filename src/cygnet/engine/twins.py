"""One tunnel, not two: what is done when a second IKE_SA or CHILD_SA carries what one carries already.

It comes about where both ends begin at the same moment, where an answer comes in after who asked
has given up and begun again, or where the delete of what was replaced is lost. Both are used at
first, and a while later both ends come to the same one by themselves:

    both begun by the same end      the one that stood first goes
    one carries all that the other  the other one goes
    does, and more
    the newer one was begun by an   the older one goes
    end that had the older one
    begun without knowing each      the one with the lower SPIs goes
    other

An end closes only what it has begun itself, or has replaced on purpose, so that two ends that see
things differently never close both; and nothing in favour of one that does not answer. ``FALLBACK``
seconds later, whoever notices does it.
"""

from __future__ import annotations

from cygnet.engine.addresses import can_initiate
from cygnet.engine.child import ChildSa
from cygnet.engine.children import alike, fulfil, same_traffic, twins
from cygnet.engine.sa import IkeSa
from cygnet.engine.timers import Deadline
from cygnet.engine.wants import CheckLiveness, DeleteChild, GiveWay

#: seconds both are left alone: longer than the last message that makes one takes, sent twice
SETTLE_TIME = 5.0
SILENCE = 15.0  #: seconds without an answer from the one that would stay
FALLBACK = 30.0  #: seconds for which the end whose affair it is may do it


def came_up(sa: IkeSa, child: ChildSa) -> None:
    """``child`` is up: what of ours would only make it once more ends, or is settled later."""
    if not sa.initiator and can_initiate(sa.connection):  # else there are none, but perhaps many peers
        withdraw(sa, child)
    others = sorted(superfluous(sa, child), key=lambda pair: (pair[1].installed_at or 0.0, pair[1].uid))
    for one, oldest in others[:-2]:
        one.do(DeleteChild(oldest))
    if others:
        _look_again(sa, child)


def established(sa: IkeSa) -> None:
    """A second IKE_SA may come to carry nothing: in IKEv1 one has all CHILD_SAs with the peer. Of three
    the oldest goes at once."""
    others = sorted(alike(sa, retired=True), key=_stood_at)
    for superfluous in others[:-1]:
        superfluous.do(GiveWay(sa))
    if others:
        sa.services.timers.set(sa.uid, Deadline.SETTLE, sa.services.now + SETTLE_TIME)


def settle_ike(sa: IkeSa) -> None:
    """A while after another one with the same peer was seen."""
    for other in alike(sa):
        _settle_ike(*sorted((sa, other), key=lambda s: (s.created_at, s.uid)))
    if sa.is_established and not sa.retired:
        established(sa)


def _look_again(sa: IkeSa, child: ChildSa) -> None:
    sa.services.timers.set(sa.uid, Deadline.SETTLE, sa.services.now + SETTLE_TIME, child.uid)


def superfluous(sa: IkeSa, child: ChildSa) -> list[tuple[IkeSa, ChildSa]]:
    """The twins of ``child`` of which one is too many. A peer that makes several on one IKE_SA by itself
    has its reasons (RFC 7296 §2.8), and they stay; in IKEv1 it would be rekeying."""
    found = twins(sa, child)
    if sa.version == 1:
        return found
    return [(one, other) for one, other in found if one is not sa or other.begun_here != child.begun_here]


def withdraw(sa: IkeSa, child: ChildSa) -> None:
    """Attempts of ours that want the same and that the peer cannot have accepted yet."""
    for other in sa.registry.named.of(sa.name):
        if not other.may_withdraw or other.version != sa.version:
            continue
        wants_no_more = all(w.child.name == child.name for w in other.wishes)
        if wants_no_more and other.remote.address == sa.remote.address:
            other.log("IKE", f"peer has established '{child.name}' meanwhile, not going on with {other}")
            fulfil(other, child)
            other.do(GiveWay(sa))


def settle(sa: IkeSa, child: ChildSa) -> None:
    """A while after a twin was seen."""
    found = superfluous(sa, child)
    if found:
        child.send_at_last()
    for other_sa, other in found:
        if other_sa is not sa:
            _settle_ike(*sorted((sa, other_sa), key=lambda s: (s.created_at, s.uid)))
        elif sa.initiator or sa.services.now - (child.installed_at or 0.0) > FALLBACK:
            old, new = sorted((child, other), key=lambda c: (c.installed_at or 0.0, c.uid))
            sa.log("IKE", f"closing CHILD_SA {old}: {new} carries the same traffic")
            old.rekeyed_by = new.uid
            old.remove_outbound()
            sa.do(DeleteChild(old))
    owner = sa.registry.ike_sas.get(child.owner_uid)  # another one, where that has taken over
    if child.is_up and owner is not None and superfluous(owner, child):
        _look_again(owner, child)


def _settle_ike(old: IkeSa, new: IkeSa) -> None:
    if any(sa.retired or not sa.is_established for sa in (old, new)):  # it is settled
        return
    loser, affair = _loser(old, new)
    if loser is None or new.established_at is None:
        return
    winner = new if loser is old else old
    now = loser.services.now
    if winner.last_received < new.established_at:  # it may be that the peer has lost it
        if winner.silent_since is not None and now - winner.silent_since > SILENCE:
            winner.log("IKE", f"IKE_SA {winner} is not answered any more, and gives way to {loser}")
            winner.do(GiveWay(loser))
        else:
            winner.do(CheckLiveness())
    elif affair or now - new.established_at > FALLBACK:
        loser.log("IKE", f"IKE_SA {loser} gives way to {winner}, which carries the same")
        loser.do(GiveWay(winner))


def _stood_at(sa: IkeSa) -> tuple[float, int]:
    return sa.established_at or 0.0, sa.uid


def _loser(old: IkeSa, new: IkeSa) -> tuple[IkeSa | None, bool]:
    """Which of the two goes, and whether it is for us to see to it."""
    if old.initiator == new.initiator:  # in the order that both ends see, whichever was begun first
        old, new = sorted((old, new), key=_stood_at)
        return (old, old.initiator) if _covers(new, old) else (None, False)
    old_covered, new_covered = _covers(new, old), _covers(old, new)
    if old_covered != new_covered:
        loser = old if old_covered else new
        return loser, loser.initiator
    if not old_covered:
        return None, False
    known = old.established_at is not None and new.created_at >= old.established_at
    if new.initiator and known:
        return old, True
    if known and new.created_at - (old.established_at or 0.0) > FALLBACK:
        return old, old.initiator
    loser = min(old, new, key=lambda sa: (sa.spi_i, sa.spi_r))
    return loser, loser.initiator


def _covers(one: IkeSa, other: IkeSa) -> bool:
    """Whether ``one`` carries all that ``other`` does, and nobody waits for more. In IKEv1 it can have all:
    there each end for itself has CHILD_SAs belong to one IKE_SA or the other. Where several connections
    are for the same peer, that knows by its CHILD_SAs which one an IKE_SA is for."""
    if one.version == 1:
        known = not one.is_one_of_many or bool(one.current_children()) or not other.current_children()
        return known and not one.wishes and not other.wishes
    mine = one.current_children()
    carried = all(any(same_traffic(c, m) for m in mine) for c in other.current_children())
    return carried and not one.wishes and not other.wishes
