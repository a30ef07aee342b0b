"""Negotiations that peers have begun and not finished: how many in all, and from each address.

A first message proves nothing, not even that its sender is where it says. Whoever has sent one is a
*stranger* until something shows that he receives there: a cookie of ours (RFC 7296 §2.6), or, in
IKEv1, a second message with the SPI of our answer (RFC 2408 §2.5.3). Of strangers there are at most
``MOST_STRANGERS``: whoever comes then takes the place of one of them, chosen at random. So a flood
costs no more memory, and a peer that answers within a round trip is seldom the one that goes; if it
is, its retransmission comes in as well (see also ``ikev1.greylist``). The others count against limits
of their address and in all.

The limits that are configured stand in ``engine.py`` (block_threshold, init_limit_half_open) and in
IKEv2's responder (cookies); each counts until it is established, fails, or its time is over.
"""

from __future__ import annotations

from cygnet.engine.entropy import Entropy
from cygnet.values.endpoint import Address

#: with 3,000 false first messages a second each stays for a third of a second on average
MOST_STRANGERS = 1000
BEFORE_COOKIES = 5  #: half-open IKE_SAs of one address that has shown none (charon's block_threshold)
#: half-open IKE_SAs of one address that has shown that it receives there: four times what we begin at once
MOST_OF_ONE = 256
MOST_PROVEN = 4096  #: half-open IKE_SAs of all such; some 40 MB


class HalfOpen:
    """Counts by the uid of the IKE_SA: beginning or ending one twice changes nothing."""

    def __init__(self) -> None:
        self._address: dict[int, Address] = {}
        self._from: dict[Address, int] = {}
        self._proven_from: dict[Address, int] = {}
        self._strangers: list[int] = []
        self._place: dict[int, int] = {}  #: uid -> its place among the strangers

    def begin(self, uid: int, address: Address, proven: bool = False) -> None:
        if uid in self._address:
            return
        self._address[uid] = address
        _count(self._from, address, 1)
        if proven:
            _count(self._proven_from, address, 1)
        else:
            self._place[uid] = len(self._strangers)
            self._strangers.append(uid)

    def prove(self, uid: int) -> None:
        """Its peer receives at its address."""
        if self.is_stranger(uid):
            self._take_out(uid)
            _count(self._proven_from, self._address[uid], 1)

    def end(self, uid: int) -> None:
        address = self._address.pop(uid, None)
        if address is None:
            return
        _count(self._from, address, -1)
        if self.is_stranger(uid):
            self._take_out(uid)
        else:
            _count(self._proven_from, address, -1)

    def of(self, address: Address) -> int:
        return self._from.get(address, 0)

    def is_stranger(self, uid: int) -> bool:
        return uid in self._place

    def is_full(self, address: Address) -> bool:
        """Whether that address, or all that receive where they say, have begun as many as we bear."""
        proven = len(self._address) - len(self._strangers)
        return proven >= MOST_PROVEN or self._proven_from.get(address, 0) >= MOST_OF_ONE

    def to_go(self, entropy: Entropy) -> int | None:
        """The stranger whose place the last one has taken; None: there was room."""
        if len(self._strangers) <= MOST_STRANGERS:
            return None
        return self._strangers[int.from_bytes(entropy.bytes(4)) % MOST_STRANGERS]

    @property
    def strangers(self) -> int:
        return len(self._strangers)

    @property
    def total(self) -> int:
        return len(self._address)

    def _take_out(self, uid: int) -> None:
        place, last = self._place.pop(uid), self._strangers.pop()
        if last != uid:
            self._strangers[place], self._place[last] = last, place


def _count(counts: dict[Address, int], address: Address, step: int) -> None:
    counts[address] = counts.get(address, 0) + step
    if not counts[address]:
        del counts[address]
