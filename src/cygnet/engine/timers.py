"""Deadlines: when the engine wants to be called again, and why.

One heap for the whole engine. A deadline is keyed by (owner, kind, subject): setting it again
moves it, so no owner ever has two of a kind. Moved and cancelled entries stay in the heap until
they come up and are then skipped; the heap is rebuilt when more than half of it is such.
"""

from __future__ import annotations

import heapq
from enum import Enum, auto


class Deadline(Enum):
    """Why somebody wants to be woken; one sentence each."""

    RETRANSMIT = auto()  #: no answer to our request yet: send it again, or give up
    HALF_OPEN = auto()  #: a peer began a negotiation and did not finish it
    SLOT = auto()  #: a negotiation that waited for others with the same peer may begin
    RETRY = auto()  #: a negotiation failed and keyingtries allows another try
    REKEY = auto()  #: the IKE_SA's soft lifetime is over (IKEv2)
    REAUTH = auto()  #: the IKE_SA is to be authenticated anew
    EXPIRE = auto()  #: the IKE_SA's hard lifetime is over
    RETIRE = auto()  #: an IKE_SA that another one replaced has been left for the peer to delete: do it
    DPD = auto()  #: the peer has been silent for dpd_delay: ask whether it lives
    DPD_TIMEOUT = auto()  #: the peer has not answered for dpd_timeout (IKEv1)
    KEEPALIVE = auto()  #: the NAT in front of us wants to see a packet
    CHILD_REKEY = auto()  #: a CHILD_SA's soft lifetime is over
    CHILD_EXPIRE = auto()  #: a CHILD_SA's hard lifetime is over
    CHILD_INACTIVE = auto()  #: a CHILD_SA may have been idle for its inactivity time
    CHILD_RETIRE = auto()  #: a rekeyed CHILD_SA has waited for stray packets: remove it
    KNOCK = auto()  #: the peer was asked whether it lives: look whether it has answered
    SETTLE = auto()  #: two CHILD_SAs carry the same: one of them goes
    CHILD_SWITCH = auto()  #: the peer should have deleted what it rekeyed: send over the new CHILD_SA
    EVIDENCE = auto()  #: revocation data is waited for: ask elsewhere too, or judge without it
    SIGNATURE = auto()  #: a signature of ours is waited for: do not wait any longer
    WANTED = auto()  #: a CHILD_SA that is meant to be up is tried again
    REFUSED = auto()  #: no better answer came behind one that refuses and that nothing proves
    EXPIRY = auto()  #: a certificate in use runs out, and it is time to say so
    AGAIN = auto()  #: what the peer refused for the moment is tried once more (IKEv2)


Subject = int
Key = tuple[int, Deadline, Subject]


class Timers:
    """``owner`` is an IKE_SA's uid (0: the engine itself), ``subject`` e.g. a CHILD_SA's uid."""

    def __init__(self) -> None:
        self._at: dict[Key, tuple[float, int]] = {}
        self._of_owner: dict[int, set[Key]] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._counter = 0

    def set(self, owner: int, kind: Deadline, at: float, subject: Subject = 0) -> None:
        key = (owner, kind, subject)
        self._counter += 1
        self._at[key] = (at, self._counter)
        self._of_owner.setdefault(owner, set()).add(key)
        heapq.heappush(self._heap, (at, self._counter, key))
        if len(self._heap) > 64 and len(self._heap) > 2 * len(self._at):
            self._heap = [(at, n, key) for key, (at, n) in self._at.items()]
            heapq.heapify(self._heap)

    def cancel(self, owner: int, kind: Deadline, subject: Subject = 0) -> None:
        self._forget((owner, kind, subject))

    def cancel_owner(self, owner: int) -> None:
        for key in self._of_owner.pop(owner, set()):
            self._at.pop(key, None)

    def at(self, owner: int, kind: Deadline, subject: Subject = 0) -> float | None:
        """When this deadline is; None if it is not set."""
        entry = self._at.get((owner, kind, subject))
        return entry[0] if entry else None

    def next(self) -> float | None:
        self._drop_stale()
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: float) -> Key | None:
        """The earliest deadline at or before ``now``, removed; None if there is none."""
        self._drop_stale()
        if not self._heap or self._heap[0][0] > now:
            return None
        key = heapq.heappop(self._heap)[2]
        self._forget(key)
        return key

    def _forget(self, key: Key) -> None:
        self._at.pop(key, None)
        keys = self._of_owner.get(key[0])
        if keys is not None:
            keys.discard(key)
            if not keys:
                del self._of_owner[key[0]]

    def _drop_stale(self) -> None:
        while self._heap:
            _, n, key = self._heap[0]
            entry = self._at.get(key)
            if entry is not None and entry[1] == n:
                return
            heapq.heappop(self._heap)
