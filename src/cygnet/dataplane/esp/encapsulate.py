"""Tunnel and transport mode: what of an IP packet goes into ESP, and what comes out (RFC 4301 §5.1.2).

The outer IP header itself is the system's to write: here is said what stands in it.
"""

from __future__ import annotations

from cygnet.boundary.specs import SaMode
from cygnet.dataplane.drops import Drop
from cygnet.dataplane.esp.sa import InboundSa, OutboundSa
from cygnet.dataplane.ip import ecn
from cygnet.dataplane.ip.checksum import checksum, pseudo_header
from cygnet.dataplane.ip.header import (
    ICMPV6,
    IPIP,
    IPV6,
    NO_NEXT,
    TCP,
    UDP,
    dont_fragment,
    total_length,
    traffic_class,
)
from cygnet.values.endpoint import Address

#: where the checksum stands that covers a pseudo-header
_CHECKSUM_AT = {TCP: 16, UDP: 6, ICMPV6: 2}
_HOP_LIMIT = 64


def enclose(sa: OutboundSa, packet: bytes) -> tuple[bytes, int]:
    """(ESP payload, next header) of a packet."""
    if sa.mode is not SaMode.TRANSPORT:
        return packet, IPIP if packet[0] >> 4 == 4 else IPV6
    if packet[0] >> 4 == 4:
        return packet[(packet[0] & 15) * 4 :], packet[9]
    return packet[40:], packet[6]


def outer_fields(sa: OutboundSa, packet: bytes) -> tuple[int, bool]:
    """(traffic class, don't fragment) of the outer header."""
    tos = ecn.encapsulate(traffic_class(packet), sa.copy_dscp, sa.copy_ecn)
    return tos, sa.spec.copy_df and dont_fragment(packet)


def disclose(sa: InboundSa, payload: bytes, next_header: int, source: Address, tos: int) -> bytes | Drop:
    """The IP packet that an ESP payload stands for. ``source`` and ``tos`` are the outer header's."""
    if next_header == NO_NEXT:
        return Drop.DUMMY
    if sa.mode is SaMode.TRANSPORT:
        return _rebuilt(sa, payload, next_header, source, tos)
    if next_header not in (IPIP, IPV6):
        return Drop.MALFORMED
    length = total_length(payload)
    if not 20 <= length <= len(payload) or payload[0] >> 4 != (4 if next_header == IPIP else 6):
        return Drop.MALFORMED
    packet = payload[:length]  # what follows is TFC padding (RFC 4303 §2.7)
    inner = traffic_class(packet)
    wanted = inner
    if sa.spec.copy_ecn:
        field = ecn.decapsulate(inner, tos)
        if field is None:
            return Drop.CONGESTION
        wanted = inner & 0xFC | field
    if sa.spec.copy_dscp in ("in", "yes"):
        wanted = wanted & 3 | tos & 0xFC
    return packet if wanted == inner else ecn.with_traffic_class(packet, wanted)


def _rebuilt(sa: InboundSa, payload: bytes, protocol: int, source: Address, tos: int) -> bytes:
    """A transport mode packet with its IP header, which travelled outside.

    Behind a NAT the addresses are not those that its sender summed up: the upper layer's
    checksum is made anew, the ICV having vouched for the data (RFC 3948 §3.1.2).
    """
    destination = sa.local.address
    if source.version == 4:
        words = (
            bytes((0x45, tos)) + (20 + len(payload)).to_bytes(2, "big") + bytes((0, 0, 0x40, 0, _HOP_LIMIT))
        )
        head = words + bytes((protocol, 0, 0)) + source.packed + destination.packed
        head = head[:10] + checksum(head).to_bytes(2, "big") + head[12:]
    else:
        first = (6 << 28 | tos << 20).to_bytes(4, "big") + len(payload).to_bytes(2, "big")
        head = first + bytes((protocol, _HOP_LIMIT)) + source.packed + destination.packed
    at = _CHECKSUM_AT.get(protocol)
    if not sa.encap or at is None or len(payload) < at + 2 or (protocol == UDP and not any(payload[6:8])):
        return head + payload
    zeroed = payload[:at] + b"\0\0" + payload[at + 2 :]
    total = checksum(zeroed, pseudo_header(head, protocol, len(payload)))
    if protocol == UDP:
        total = total or 0xFFFF
    return head + payload[:at] + total.to_bytes(2, "big") + payload[at + 2 :]
