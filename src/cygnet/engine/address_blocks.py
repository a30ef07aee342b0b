"""RFC 3779: a peer whose certificate names address blocks speaks for no others.

Its side of every CHILD_SA is narrowed to them, whatever the conn allows, as strongSwan's plugin addrblock
does; a certificate without the extension sets no limit. An IKE_SA that is rekeyed passes it on.
"""

from __future__ import annotations

from ipaddress import ip_address

from cygnet.crypto.addrblock import IPV4, AddressBlock
from cygnet.engine.sa import IkeSa
from cygnet.values.endpoint import Address
from cygnet.values.selector import Selectors, TrafficSelector, narrow

UNICAST = 1  #: the SAFI that tunnels are for; a block without one is for all


class Limit:
    """What the peer of one IKE_SA may have; ``selectors`` None: anything."""

    def __init__(self, sa: IkeSa) -> None:
        self._sa = sa
        self.selectors: Selectors | None = None

    def set(self, blocks: tuple[AddressBlock, ...] | None) -> None:
        """The blocks of the certificate that it has signed with; of several rounds, those that all name."""
        if blocks is None:
            return
        found = tuple(
            TrafficSelector(_address(block, first), _address(block, last))
            for block in blocks
            if block.safi in (None, UNICAST)
            for first, last in block.ranges or ()
        )
        shown = ", ".join(map(str, found)) or "no address"
        self._sa.log("CFG", f"the peer's certificate speaks for {shown}")
        self.selectors = found if self.selectors is None else narrow(self.selectors, found)

    def of(self, theirs: Selectors) -> Selectors:
        """What is left of the peer's selectors: empty where it is nothing."""
        return theirs if self.selectors is None else narrow(theirs, self.selectors)


def _address(block: AddressBlock, number: int) -> Address:
    text = number.to_bytes(4 if block.family == IPV4 else 16)
    return ip_address(text)
