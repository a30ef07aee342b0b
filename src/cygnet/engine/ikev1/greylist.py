"""First messages under load: IKEv1 knows no cookie that could be asked for, so who means it says it twice.

While many negotiations are open whose beginners have shown nothing, a first message is only
remembered, by a number, and passed over. Any real peer sends it again some seconds later, and then
it is taken. Who sends in other people's names in order to fill our memory has to send everything
twice, and still fills no more than ``half_open`` bears.
"""

from __future__ import annotations

from cygnet.engine.services import Services
from cygnet.values.endpoint import Address

FROM = 100  #: negotiations of strangers that are open; more than a gateway begins at once
#: first messages that are remembered, twice; 15 MB, and with 12,000 a second still those of 8 seconds
MOST = 100_000
HORIZON = 30.0  #: seconds for which one is remembered at least where they are fewer


class Greylist:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._since = 0.0
        self._seen: set[int] = set()
        self._before: set[int] = set()

    def passes(self, spi: bytes, address: Address) -> bool:
        """Whether this first message has come before."""
        mark = hash((spi, address))  # Python's is keyed by chance: nobody can make two alike
        if mark in self._seen or mark in self._before:
            return True
        if len(self._seen) >= MOST or self._services.now - self._since > HORIZON:
            self._before, self._seen, self._since = self._seen, set(), self._services.now
        self._seen.add(mark)
        return False
