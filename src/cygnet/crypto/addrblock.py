"""RFC 3779 §2. The addresses that a certificate speaks for."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from cygnet.values import der
from cygnet.values.der import DerError

IPV4, IPV6 = 1, 2  #: address family numbers
_BITS = {IPV4: 32, IPV6: 128}

Range = tuple[int, int]  #: the first and the last address, as numbers


@dataclass(frozen=True, slots=True)
class AddressBlock:
    family: int  #: IPV4 or IPV6
    safi: int | None  #: unicast, multicast, ...; None: whatever
    ranges: tuple[Range, ...] | None  #: None: as the issuer has them

    def __str__(self) -> str:
        if self.ranges is None:
            return "inherited"
        shown: list[str] = []
        for first, last in self.ranges:
            kind = IPv4Address if self.family == IPV4 else IPv6Address
            size = last - first + 1
            if size & (size - 1) == 0 and first % size == 0:
                shown.append(f"{kind(first)}/{_BITS[self.family] - size.bit_length() + 1}")
            else:
                shown.append(f"{kind(first)}-{kind(last)}")
        return ", ".join(shown)


def _number(value: bytes, size: int, fill: int) -> int:
    """The address whose first bits are that BIT STRING and whose others are all ``fill``. strongSwan's pki
    leaves unused bits set at the end of a range; they mean nothing (RFC 3779 §2.1.2), so that is taken."""
    data, unused = der.bits(value, dirty=True)
    given = 8 * len(data) - unused
    if given > size:
        raise DerError("an address block longer than its addresses")
    prefix = int.from_bytes(data) >> unused
    rest = size - given
    return prefix << rest | (((1 << rest) - 1) if fill else 0)


def _range(element: der.Tlv, size: int) -> Range:
    if element.tag == der.BIT_STRING:
        return _number(element.value, size, 0), _number(element.value, size, 1)
    ends = der.sequence(element.whole)
    if len(ends) != 2 or any(end.tag != der.BIT_STRING for end in ends):
        raise DerError("no address range")
    low, high = _number(ends[0].value, size, 0), _number(ends[1].value, size, 1)
    if low > high:
        raise DerError("an address range that ends before it begins")
    return low, high


def merged(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """In order, with those that touch made one."""
    out: list[Range] = []
    for low, high in sorted(ranges):
        if out and low <= out[-1][1] + 1:
            out[-1] = out[-1][0], max(out[-1][1], high)
        else:
            out.append((low, high))
    return tuple(out)


def within(inner: Iterable[Range], outer: tuple[Range, ...]) -> bool:
    """Whether each of ``inner`` lies in one of ``outer`` (merged)."""
    for first, last in inner:
        at = bisect_right(outer, first, key=lambda block: block[0]) - 1
        if at < 0 or last > outer[at][1]:
            return False
    return True


def address_blocks(value: bytes) -> tuple[AddressBlock, ...]:
    """IPAddrBlocks. Families other than IPv4 and IPv6 are refused: nothing here can check them."""
    found: list[AddressBlock] = []
    for element in der.sequence(value):
        parts = der.sequence(element.whole)
        if len(parts) != 2 or parts[0].tag != der.OCTET_STRING or len(parts[0].value) not in (2, 3):
            raise DerError("no IPAddressFamily")
        family = int.from_bytes(parts[0].value[:2])
        safi = parts[0].value[2] if len(parts[0].value) == 3 else None
        if family not in _BITS:
            raise DerError(f"address family {family} is not known")
        if any((block.family, block.safi) == (family, safi) for block in found):
            raise DerError("an address family twice")
        ranges = None
        if parts[1].whole != b"\x05\x00":
            ranges = merged(_range(e, _BITS[family]) for e in der.sequence(parts[1].whole))
        found.append(AddressBlock(family, safi, ranges))
    return tuple(found)
