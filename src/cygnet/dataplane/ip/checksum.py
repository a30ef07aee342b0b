"""The Internet checksum (RFC 1071)."""

from __future__ import annotations

_UDP_CHECKSUM = 6  #: offset of the checksum in a UDP header


def checksum(data: bytes | bytearray, start: int = 0) -> int:
    """The checksum to store, 0..0xFFFF. ``start`` is a sum to begin with (a pseudo-header's).

    The ones' complement sum of 16-bit words is the number modulo 65535, which Python takes in
    one step. Its 0 is RFC 1071's 0xFFFF (data is never all zeroes here), so the checksum is 0.
    """
    if len(data) & 1:
        data = bytes(data) + b"\0"
    total = (int.from_bytes(data, "big") + start) % 0xFFFF
    return 0xFFFF - total if total else 0


def update(stored: int, old: int, new: int) -> int:
    """A stored checksum after one 16-bit word changed (RFC 1624)."""
    total = (0xFFFF - stored) + (0xFFFF - old) + new
    total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - ((total & 0xFFFF) + (total >> 16))


def pseudo_header(packet: bytes, protocol: int, length: int) -> int:
    """The pseudo-header's sum for a packet's upper layer (RFC 793 §3.1, RFC 8200 §8.1)."""
    addresses = packet[12:20] if packet[0] >> 4 == 4 else packet[8:40]
    return int.from_bytes(addresses, "big") % 0xFFFF + protocol + length


def complete(packet: bytearray, start: int, offset: int) -> None:
    """Finish a checksum that its sender left to the device (virtio's NEEDS_CSUM).

    Its field at ``start + offset`` holds the pseudo-header's sum; the rest is summed from
    ``start``. A UDP checksum that comes out as zero is sent as all ones (RFC 768).
    """
    value = checksum(packet[start:]) or (0xFFFF if offset == _UDP_CHECKSUM else 0)
    packet[start + offset : start + offset + 2] = value.to_bytes(2, "big")
