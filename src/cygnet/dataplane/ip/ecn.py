"""DSCP and ECN across the tunnel's edge (RFC 4301 §5.1.2, RFC 6040)."""

from __future__ import annotations

from cygnet.dataplane.ip import checksum

NOT_ECT, ECT1, ECT0, CE = 0, 1, 2, 3
_DSCP, _ECN = 0xFC, 0x03


def encapsulate(inner: int, copy_dscp: bool, copy_ecn: bool) -> int:
    """The outer traffic class for an inner one (RFC 6040 §4.1, normal mode)."""
    return inner & ((_DSCP if copy_dscp else 0) | (_ECN if copy_ecn else 0))


def decapsulate(inner: int, outer: int) -> int | None:
    """The inner ECN field after decapsulation (RFC 6040 §4.2, figure 4); None: drop the packet.

    Congestion marked outside on a flow that cannot say so to its sender is signalled by loss.
    """
    inner, outer = inner & _ECN, outer & _ECN
    if outer == CE:
        return None if inner == NOT_ECT else CE
    return ECT1 if outer == ECT1 and inner == ECT0 else inner


def with_traffic_class(packet: bytes, value: int) -> bytes:
    """The packet with another DSCP and ECN, its IPv4 header checksum kept right."""
    changed = bytearray(packet)
    if packet[0] >> 4 == 6:
        changed[0] = 0x60 | value >> 4
        changed[1] = (value & 15) << 4 | packet[1] & 15
        return bytes(changed)
    stored = int.from_bytes(packet[10:12], "big")
    word = packet[0] << 8
    stored = checksum.update(stored, word | packet[1], word | value)
    changed[1] = value
    changed[10:12] = stored.to_bytes(2, "big")
    return bytes(changed)
