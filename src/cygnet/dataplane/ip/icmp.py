"""ICMP errors that a tunnel's end sends to the sender of a packet it cannot carry."""

from __future__ import annotations

import struct

from cygnet.dataplane.ip import header
from cygnet.dataplane.ip.checksum import checksum, pseudo_header

_MOST4 = 548  #: RFC 1812 §4.3.2.3: the whole error within 576 bytes
_MOST6 = 1232  #: RFC 4443 §2.4(c): within the minimum MTU of 1280
_IPV6_MINIMUM = 1280


def too_big(packet: bytes, mtu: int) -> bytes | None:
    """ "Fragmentation needed" (RFC 1191 §4) or "packet too big" (RFC 4443 §3.2); None: not to be sent."""
    if packet[0] >> 4 == 4:
        return _error4(packet, 3, 4, mtu)
    return _error6(packet, 2, 0, max(mtu, _IPV6_MINIMUM))


def prohibited(packet: bytes) -> bytes | None:
    """ "Communication administratively prohibited" (RFC 1812 §5.2.7.1, RFC 4443 §3.1)."""
    return _error4(packet, 3, 13, 0) if packet[0] >> 4 == 4 else _error6(packet, 1, 1, 0)


def _error4(packet: bytes, kind: int, code: int, value: int) -> bytes | None:
    """The error comes from the address that the packet was for: no other is sure to be routed."""
    if not _deserves_answer4(packet):
        return None
    body = struct.pack("!BBHI", kind, code, 0, value) + packet[:_MOST4]
    body = body[:2] + checksum(body).to_bytes(2, "big") + body[4:]
    head = struct.pack("!BBHHHBBH", 0x45, 0xC0, 20 + len(body), 0, 0, 64, header.ICMP, 0)
    head += packet[16:20] + packet[12:16]
    return head[:10] + checksum(head).to_bytes(2, "big") + head[12:] + body


def _error6(packet: bytes, kind: int, code: int, value: int) -> bytes | None:
    if packet[24] == 0xFF or packet[8] == 0xFF or not any(packet[8:24]):
        return None
    flow = header.parse(packet)
    if flow is None or (flow.protocol == header.ICMPV6 and flow.source_port >> 8 < 128):
        return None  # RFC 4443 §2.4(e): no error about an error
    body = struct.pack("!BBHI", kind, code, 0, value) + packet[:_MOST6]
    head = struct.pack("!IHBB", 0x60000000, len(body), header.ICMPV6, 64) + packet[24:40] + packet[8:24]
    total = checksum(body, pseudo_header(head, header.ICMPV6, len(body)))
    return head + body[:2] + total.to_bytes(2, "big") + body[4:]


def _deserves_answer4(packet: bytes) -> bool:
    """RFC 1812 §4.3.2.7: not for errors, later fragments, multicast, broadcast, no source."""
    flow = header.parse(packet)
    if flow is None or int.from_bytes(packet[6:8], "big") & 0x1FFF:
        return False
    if packet[16] >= 224 or packet[12] >= 224 or not any(packet[12:16]):
        return False
    return not (flow.protocol == header.ICMP and flow.source_port >> 8 not in (0, 8, 13, 14))
