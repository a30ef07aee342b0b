"""Negotiations that peers have begun and not finished: how many in all, and from each address.

The limits that hold them in check stand in ``engine.py`` (block_threshold, init_limit_half_open)
and in IKEv2's responder (cookies, RFC 7296 §2.6); each counts until it is established, fails,
or its time is over.
"""

from __future__ import annotations

from cygnet.values.endpoint import Address


class HalfOpen:
    """Counts by the uid of the IKE_SA: beginning or ending one twice changes nothing."""

    def __init__(self) -> None:
        self._address: dict[int, Address] = {}
        self._from: dict[Address, int] = {}

    def begin(self, uid: int, address: Address) -> None:
        if uid not in self._address:
            self._address[uid] = address
            self._from[address] = self._from.get(address, 0) + 1

    def end(self, uid: int) -> None:
        address = self._address.pop(uid, None)
        if address is None:
            return
        self._from[address] -= 1
        if not self._from[address]:
            del self._from[address]

    def of(self, address: Address) -> int:
        return self._from.get(address, 0)

    @property
    def total(self) -> int:
        return len(self._address)
