"""RFC 3779 §2.3. Address blocks along a path: none has what its issuer has not."""

from __future__ import annotations

from cygnet.crypto.addrblock import AddressBlock, Range, within
from cygnet.crypto.x509 import Certificate

Family = tuple[int, int | None]


class Addresses:
    """``add`` each certificate from the anchor to the leaf; then ``result``."""

    def __init__(self) -> None:
        self._first = True
        self._held: dict[Family, tuple[Range, ...]] | None = None

    def add(self, certificate: Certificate) -> str | None:
        """What is wrong with it; None: nothing."""
        first, self._first = self._first, False
        blocks, held = certificate.address_blocks, self._held
        if blocks is None:
            self._held = None
            return None
        if held is None and not first:
            return "has address blocks, and its issuer has none"
        self._held = {}
        for block in blocks:
            family = block.family, block.safi
            theirs = None if held is None else held.get(family, held.get((block.family, None)))
            if block.ranges is None and theirs is None:
                return "inherits address blocks that its issuer does not have"
            if block.ranges is not None and not first and not within(block.ranges, theirs or ()):
                return f"has address blocks outside its issuer's ({block})"
            self._held[family] = block.ranges if block.ranges is not None else theirs or ()
        return None

    @property
    def result(self) -> tuple[AddressBlock, ...] | None:
        if self._held is None:
            return None
        return tuple(AddressBlock(family, safi, ranges) for (family, safi), ranges in self._held.items())
