"""Which packets a cached decision may be shared by: a key of protocol, addresses and ports.

Only for packets whose ports stand at a fixed place: no IPv4 options or fragments, no IPv6
extension headers. The others have no key, and are decided packet by packet.
"""

from __future__ import annotations

#: protocols whose four first bytes decide (ports; type and code for ICMP)
_TCP, _UDP, _DCCP, _SCTP, _UDPLITE = 6, 17, 33, 132, 136
_ICMP, _ICMP6 = 1, 58
_PORTS = frozenset((_TCP, _UDP, _DCCP, _SCTP, _UDPLITE))
#: IPv6 extension headers (IANA), behind which the ports stand elsewhere
_EXTENSIONS = frozenset((0, 43, 44, 51, 60, 135, 139, 140, 253, 254))


def flow_key(packet: memoryview) -> bytes | None:
    """Protocol, addresses and the ports (ICMP: type and code) of an IP packet; None: has no key."""
    try:
        if packet[0] == 0x45:
            if packet[6] & 0x3F or packet[7]:
                return None
            protocol = packet[9]
            if protocol in _PORTS:
                return bytes((protocol,)) + packet[12:24] if len(packet) >= 24 else None
            if protocol == _ICMP:
                return b"\x01" + bytes(packet[12:22]) if len(packet) >= 22 else None
            return bytes((protocol,)) + packet[12:20] if len(packet) >= 20 else None
        if packet[0] >> 4 == 6:
            protocol = packet[6]
            if protocol in _PORTS:
                return bytes((protocol,)) + packet[8:44] if len(packet) >= 44 else None
            if protocol == _ICMP6:
                return b"\x3a" + bytes(packet[8:42]) if len(packet) >= 42 else None
            if protocol in _EXTENSIONS or len(packet) < 40:
                return None
            return bytes((protocol,)) + packet[8:40]
    except IndexError:
        return None
    return None
