"""One IKE_SA after or beside another with the same peer.

IKEv1 cannot rekey an IKE_SA. Reauthentication makes a new one beside it; the CHILD_SAs then
belong to the new one at both ends, and the old one goes. So no packet is lost. But nothing in
the protocol says "this one replaces that one": the initiator knows it, the responder concludes
it from the identities, as charon does. Three things can go wrong, and are met here:

* The ends finish at different times, or the delete of the old one gets lost. Whatever ends an
  IKE_SA, its CHILD_SAs are left to an heir, another one with the same peer.
* The peer was restarted, and has none of the CHILD_SAs that are handed on. It says so with
  INITIAL_CONTACT (also as responder, in its last message), and they are made anew.
* Both ends begin at the same moment. The two are no successors of each other: ``engine.twins``.
"""

from __future__ import annotations

from collections.abc import Iterator

from cygnet.engine.child import ChildSa
from cygnet.engine.children import adopt, child_down
from cygnet.engine.ikev1.sa import IkeSaV1
from cygnet.engine.ikev1.tasks.informational import Unheard, Unsaid, say_again
from cygnet.engine.life import begin_between, destroy
from cygnet.engine.sa import IkeSa, IkeState
from cygnet.engine.timers import Deadline
from cygnet.engine.unique import duplicates, with_same_peer
from cygnet.engine.upkeep import retire, schedule_dpd, schedule_lifetimes
from cygnet.engine.wants import Start
from cygnet.engine.wish import Wish
from cygnet.model.config import Connection, Unique

REAUTH_RETRY = 30.0  #: seconds until a reauthentication that failed is tried again
CROSSING = 30.0  #: seconds for which the last message of a negotiation may be on its way


class Succession:
    """The place of one IKE_SA among those with its peer."""

    def __init__(self, sa: IkeSaV1) -> None:
        self._sa = sa
        self._successor: IkeSaV1 | None = None  #: the IKE_SA that replaced this one
        self._inherited: list[Unheard] = []
        self.fresh_since = 0.0  #: the peer has nothing from before

    # the others -------------------------------------------------------------------------

    def others(self) -> Iterator[IkeSaV1]:
        """IKE_SAs of the same connection, in whatever state."""
        named = self._sa.registry.named.of(self._sa.name)
        return (o for o in named if isinstance(o, IkeSaV1) and o is not self._sa)

    @property
    def sibling(self) -> IkeSaV1 | None:
        """Another established IKE_SA with the same peer."""
        return next((o for o in duplicates(self._sa) if isinstance(o, IkeSaV1)), None)

    @property
    def heir(self) -> IkeSaV1 | None:
        """Who takes over what this IKE_SA leaves: a sibling, or one that is about to be one (the
        peer may have finished its negotiation first)."""
        begun = (IkeState.CREATED, IkeState.CONNECTING)
        coming = (o for o in self.others() if o.reauthenticates and o.state in begun)
        return self.sibling or next(coming, None) or self._open()

    def _open(self) -> IkeSaV1 | None:
        """The newest of the peer's of which it is not known yet which connection it is for."""
        sa = self._sa
        found = (o for o in with_same_peer(sa) if isinstance(o, IkeSaV1) and sa.connection in o.open_to)
        return max(found, key=lambda o: o.uid, default=None) if sa.children and sa.is_bound else None

    def bind(self, connection: Connection) -> None:
        """The first Quick Mode, or what is left to it, shows which of several connections this is for."""
        sa = self._sa
        if sa.is_bound:
            return
        sa.open_to = ()
        if connection is not sa.connection:
            sa.log("CFG", f"{sa} is for '{connection.name}'")
            sa.connection = connection
        if sa.is_established:
            schedule_lifetimes(sa)
            schedule_dpd(sa)

    # reauthentication -------------------------------------------------------------------

    def reauthenticate(self) -> None:
        sa = self._sa
        if any(o.reauthenticates == sa.uid for o in self.others()):
            return
        sa.log("IKE", f"reauthenticating IKE_SA {sa}", 0)
        new = sa.anew()
        new.reauthenticates = sa.uid
        if sa.initiator:
            new.do(Start())
        else:
            # a peer that came to us is found where it is now, on whichever port its NAT has for it
            begin_between(new, sa.local, sa.remote)

    def take_over_reauthenticated(self) -> None:
        """Initiator: this IKE_SA is established in place of an older one."""
        old = self._sa.registry.ike_sas.get(self._sa.reauthenticates or 0)
        if isinstance(old, IkeSaV1) and old.takes_quick_mode:
            take_over(self._sa, old)
            old.part(Succession).retire(self._sa)

    def adopt_predecessors(self) -> None:
        """Responder: older IKE_SAs with this peer are being reauthenticated; take their CHILD_SAs.

        Not of one that the other end began at about the same time: the peer may not take this one for
        its successor. Both ends come to one of the two (``twins``).
        """
        sa = self._sa
        for old in duplicates(sa):
            crossed = old.initiator != sa.initiator and sa.created_at - (old.established_at or 0.0) < CROSSING
            if not isinstance(old, IkeSaV1) or crossed or old.remote.address != sa.remote.address:
                continue
            sa.log("IKE", f"detected reauth of existing IKE_SA {old}, adopting {len(old.children)} children")
            take_over(sa, old)
            old.part(Succession).retire(sa)

    def retire(self, successor: IkeSaV1) -> None:
        """Another IKE_SA has taken over; stay a little for what is under way, then go."""
        self._successor = successor
        retire(self._sa)
        self._sa.enter(IkeState.REKEYED)

    def hand_on(self, child: ChildSa) -> None:
        """A CHILD_SA that came up on an IKE_SA that was replaced meanwhile."""
        if self._successor is not None and self._successor.uid in self._sa.registry.ike_sas:
            child.move_to(self._successor)

    # taking over ------------------------------------------------------------------------

    def established(self) -> None:
        """What waited for this IKE_SA to be established."""
        self._align()
        for told in [*self._inherited, *self._sa.services.part(Unsaid).take(self._sa)]:
            say_again(self._sa, told)
        self._inherited.clear()

    def adopted(self) -> None:
        """CHILD_SAs of another IKE_SA are this one's now."""
        self._renew_stale_children()
        if self._sa.established_at is not None or not self._sa.initiator:
            self._align()

    def _align(self) -> None:
        """Let CHILD_SAs that were taken over follow to the endpoints of this IKE_SA."""
        sa = self._sa
        for child in list(sa.children.values()):
            ends = [id.destination for id in (child.in_id, child.out_id) if id is not None]
            if any(end not in (sa.esp_local, sa.esp_remote) for end in ends):
                child.update_endpoints()

    def inherit_delete(self, told: Unheard) -> None:
        """A delete to say as soon as that can be: perhaps of another IKE_SA that did not get it through."""
        if self._sa.is_established:
            say_again(self._sa, told)
        else:
            self._inherited.append(told)

    def pass_on_children(self) -> None:
        """This IKE_SA came to nothing; what it had taken over already goes on to the next one."""
        heir = self.heir if self._sa.children else None
        if heir is not None:
            take_over(heir, self._sa)

    def leave_to_heir(self) -> bool:
        """The IKE_SA is gone at the other end; False: it has no heir, its CHILD_SAs are lost."""
        heir = self.heir
        if heir is None:
            return False
        take_over(heir, self._sa)
        destroy(self._sa)
        return True

    def ended(self) -> None:
        """A reauthentication that came to nothing is tried again, while the old IKE_SA lives."""
        old = self._sa.registry.ike_sas.get(self._sa.reauthenticates or 0)
        if old is not None and self._sa.established_at is None and old.is_established:
            old.services.timers.set(old.uid, Deadline.REAUTH, old.services.now + REAUTH_RETRY)

    # INITIAL_CONTACT --------------------------------------------------------------------

    def peer_has_nothing_else(self) -> None:
        """INITIAL_CONTACT of an established peer: whatever we had with it before is gone there.

        The peer said it after it had our last message; what came into being since then it may not
        have known. Nor may it know yet of an IKE_SA that we have just answered, whose last message
        is on its way: that one is left to show whether it lives.
        """
        sa, phase_1 = self._sa, self._sa.exchanges.phase_1
        assert phase_1 is not None
        since = phase_1.sent_at
        family = {sa, *self.others(), *(o for o in with_same_peer(sa) if isinstance(o, IkeSaV1))}
        for one in family:
            one.part(Succession).fresh_since = max(one.part(Succession).fresh_since, since)
        for other in with_same_peer(sa):
            age = since - (other.established_at or 0.0)
            on_its_way = sa.initiator and not other.initiator and age < CROSSING
            kept = sa.connection.unique is Unique.NEVER and other.uid != sa.reauthenticates
            if kept or on_its_way or age <= 0:
                continue
            sa.log("IKE", f"destroying duplicate IKE_SA for peer '{sa.remote_id}', received INITIAL_CONTACT")
            destroy(other)
        self._renew_stale_children()

    def _renew_stale_children(self) -> None:
        """CHILD_SAs that the peer said it does not have (any more) are made anew."""
        sa = self._sa
        for child in list(sa.children.values()):
            if child.installed_at is not None and child.installed_at < self.fresh_since:
                again = child.is_up
                child_down(sa, child)
                if again:
                    sa.wish(Wish(child.config, child.wanted_reqid))


def take_over(sa: IkeSaV1, other: IkeSa) -> None:
    """``sa`` has the CHILD_SAs and wishes of ``other`` from here on."""
    if other.is_bound:
        sa.part(Succession).bind(other.connection)
    adopt(sa, other)
    sa.part(Succession).adopted()
