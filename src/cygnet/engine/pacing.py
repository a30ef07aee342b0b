"""How many negotiations are begun at once with one address, and who asks an address that is silent.

As TCP does with segments (RFC 5681): each IKE_SA that we begin takes a slot of its peer's window
until it is established, fails, or its message is lost. The window opens by one with each that is
established, up to a threshold, from there by one a round; a loss halves it, once for all that left
before. A loss is a message that has to be sent again, or (RFC 8985's idea) one that has had no
answer for much longer than those that were established meanwhile took. What finds no slot waits.

A peer of which nothing was heard since a first message left is *silent*: one IKE_SA asks it, every
``PROBE`` seconds, and all others that have had no answer wait. They go on, a few at first, when
anything is heard of that address. What a user waits for is not held up by that, and comes before
all others.

Whoever may go on is woken by a deadline: ``SLOT`` to begin, ``RETRANSMIT`` to ask again. Nothing is
kept of an address with which nothing is being negotiated.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from cygnet.engine.services import Services
from cygnet.engine.timers import Deadline
from cygnet.values.endpoint import Address

#: negotiations begun at once with a peer of which nothing is known yet: charon refuses an address with
#: five half-open ones (block_threshold)
FEW = 4
#: and at most. What the kernel's default buffer holds of first messages is some ninety
MOST = 64
LATE = 3.0  #: times as long as the last one took to be established, without being so: its message is lost
AT_LEAST = 1.0  #: seconds, where that is shorter (RFC 6298 §2.4)
#: seconds between two first messages to a peer that does not answer: whoever is back is found within 10
PROBE = 8.0


@dataclass(slots=True)
class _Peer:
    address: Address
    window: float = FEW
    threshold: float = MOST  #: up to here the window opens quickly
    silent: bool = False
    heard_at: float = -1.0
    narrowed_at: float = -1.0
    took: float = 0.0  #: seconds from the begin of the last one to its end; 0: not known
    under_way: OrderedDict[int, float] = field(default_factory=OrderedDict)  #: uid -> since when
    lost: set[int] = field(default_factory=set)  #: uids that go on by their own schedule
    waiting: OrderedDict[int, Deadline] = field(default_factory=OrderedDict)  #: uid -> what wakes it
    woken: set[int] = field(default_factory=set)  #: uids that may ask again
    urgent: set[int] = field(default_factory=set)  #: uids for which a user waits

    def has_room(self, urgent: bool) -> bool:
        return len(self.under_way) < (1 if self.silent and not urgent else int(self.window))

    def wait(self, uid: int, woken_by: Deadline) -> None:
        """After the others; but before them if it has asked already, or a user waits for it."""
        self.waiting[uid] = woken_by
        if uid in self.urgent or woken_by is Deadline.RETRANSMIT:
            self.waiting.move_to_end(uid, last=False)


class Pacing:
    """IKE_SAs by uid, from when they would begin until they are established or gone."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._peers: dict[Address, _Peer] = {}
        self._of: dict[int, _Peer] = {}

    # asking -------------------------------------------------------------------------

    def admit(self, uid: int, address: Address, urgent: bool) -> bool:
        """Whether this one may begin now; else ``SLOT`` comes when it may."""
        peer = self._of[uid] = self._peers.setdefault(address, _Peer(address))
        if uid in peer.under_way:
            return True
        if urgent:
            peer.urgent.add(uid)
        if not peer.has_room(urgent):
            peer.wait(uid, Deadline.SLOT)
            return False
        peer.under_way[uid] = self._services.now
        return True

    def may_repeat(self, uid: int, first: bool, sent_at: float) -> bool:
        """Its message (the ``first`` of all) of ``sent_at`` has had no answer: whether to send it again
        now; else ``RETRANSMIT`` comes when that is its turn."""
        peer = self._of.get(uid)
        if peer is None:
            return True
        if uid in peer.woken:
            peer.woken.discard(uid)
            return True
        if uid in peer.waiting:
            return False
        self._lose(peer, uid)
        peer.silent = peer.silent or (first and peer.heard_at < sent_at)
        if first and peer.silent and uid not in peer.urgent:
            if any(other not in peer.urgent for other in peer.under_way):
                peer.lost.discard(uid)
                peer.wait(uid, Deadline.RETRANSMIT)
                return False
            peer.lost.discard(uid)
            peer.under_way[uid] = self._services.now
        self._go_on(peer)
        return True

    def patience(self, uid: int, delay: float) -> float:
        """Seconds until a message is sent again, of the ``delay`` that the schedule has: others may wait
        for the answer, too."""
        peer = self._of.get(uid)
        if peer is None or uid in peer.urgent:
            return delay
        if peer.silent:
            return PROBE if peer.waiting else delay
        usual = self._services.config.settings.retransmit_timeout
        return delay * min(1.0, max(AT_LEAST, LATE * peer.took) / usual) if peer.took else delay

    def hurry(self, uid: int) -> None:
        """A user waits for it: before all others."""
        peer = self._of.get(uid)
        if peer is None:
            return
        peer.urgent.add(uid)
        if uid in peer.waiting:
            peer.waiting.move_to_end(uid, last=False)
            self._go_on(peer)

    # hearing ------------------------------------------------------------------------

    def heard(self, uid: int, address: Address) -> None:
        """Something came from there that belongs to this IKE_SA, which may be an established one."""
        peer = self._of.get(uid) or self._peers.get(address)
        if peer is None:
            return
        peer.heard_at = self._services.now
        if peer.waiting.get(uid) is Deadline.RETRANSMIT:
            del peer.waiting[uid]
            peer.under_way[uid] = self._services.now
        if peer.silent:
            self._begin_anew(peer)

    def hope(self) -> None:
        """This machine's addresses have changed: whoever is silent may be there again."""
        for peer in [p for p in self._peers.values() if p.silent]:
            for uid in peer.under_way:
                self._wake(peer, uid, Deadline.RETRANSMIT)
            self._begin_anew(peer)

    def established(self, uid: int) -> None:
        """It gives its slot back, and is the measure of the others."""
        peer, now = self._of.get(uid), self._services.now
        begun = peer.under_way.get(uid) if peer is not None else None
        if peer is not None and begun is not None:
            peer.window = min(MOST, peer.window + (1 if peer.window < peer.threshold else 1 / peer.window))
            peer.took = now - begun
            late = now - max(AT_LEAST, LATE * peer.took)
            while peer.under_way[oldest := next(iter(peer.under_way))] < late:
                self._lose(peer, oldest)
        self.over(uid)

    def over(self, uid: int) -> None:
        """It is gone, whatever became of it."""
        peer = self._of.pop(uid, None)
        if peer is None:
            return
        peer.under_way.pop(uid, None)
        peer.waiting.pop(uid, None)
        for uids in (peer.lost, peer.woken, peer.urgent):
            uids.discard(uid)
        self._go_on(peer)
        if not (peer.under_way or peer.waiting or peer.lost):
            del self._peers[peer.address]

    # shown --------------------------------------------------------------------------

    def waits_for(self, uid: int) -> str:
        """In words; empty where it does not wait."""
        peer = self._of.get(uid)
        if peer is None or uid not in peer.waiting:
            return ""
        if peer.silent:
            return f"an answer of {peer.address} to another negotiation"
        busy = len(peer.under_way)
        return (
            f"a slot: {busy} of {max(busy, int(peer.window))} negotiations with {peer.address} are under way"
        )

    # the window ---------------------------------------------------------------------

    def _lose(self, peer: _Peer, uid: int) -> None:
        begun = peer.under_way.pop(uid, None)
        peer.lost.add(uid)
        if begun is not None and begun > peer.narrowed_at:
            peer.threshold = peer.window = max(2.0, peer.window / 2)
            peer.narrowed_at = self._services.now

    def _begin_anew(self, peer: _Peer) -> None:
        peer.silent, peer.window, peer.threshold, peer.took = False, FEW, MOST, 0.0
        self._go_on(peer)

    def _go_on(self, peer: _Peer) -> None:
        """Wake as many as there are slots for."""
        while peer.waiting and peer.has_room(next(iter(peer.waiting)) in peer.urgent):
            uid, woken_by = peer.waiting.popitem(last=False)
            peer.under_way[uid] = self._services.now
            self._wake(peer, uid, woken_by)

    def _wake(self, peer: _Peer, uid: int, woken_by: Deadline) -> None:
        if woken_by is Deadline.RETRANSMIT:
            peer.woken.add(uid)
        self._services.timers.set(uid, woken_by, self._services.now)
