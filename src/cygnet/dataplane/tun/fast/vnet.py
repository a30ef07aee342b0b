"""Virtio-net headers, as a TUN device opened with IFF_VNET_HDR puts before every packet.

``struct virtio_net_hdr`` (virtio 1.2 §5.1.6), ten bytes in the machine's byte order::

    flags u8, gso_type u8, hdr_len u16, gso_size u16, csum_start u16, csum_offset u16

Offsets count from the packet's first byte. ``hdr_len`` as read is only a hint (Linux puts the
linear part of its buffer there), so the length of the headers is taken from the packet.
"""

from __future__ import annotations

from struct import Struct

VNET = 10  #: bytes

NEEDS_CSUM = 1  #: flag: the checksum at csum_start + csum_offset covers the pseudo-header only
DATA_VALID = 2  #: flag: the checksum has been verified

GSO_NONE = 0
GSO_TCPV4 = 1
GSO_TCPV6 = 4
GSO_UDP_L4 = 5  #: datagrams of one size (Linux 6.2, TUN_F_USO4 and TUN_F_USO6)
GSO_ECN = 0x80  #: or-ed to a TCP type: the first segment has CWR set
GSO_TYPE = 0x7F

_HEADER = Struct("=BBHHHH")

#: header of a packet that has all its checksums and is no GSO packet
PLAIN = bytes(VNET)

unpack = _HEADER.unpack_from
pack_into = _HEADER.pack_into
pack = _HEADER.pack


Header = tuple[int, int, int, int, int, int]


def parse(piece: memoryview) -> Header:
    """(flags, gso_type, hdr_len, gso_size, csum_start, csum_offset). struct.error below ten bytes."""
    header: Header = unpack(piece, 0)
    return header


def packet_size(piece: memoryview) -> int:
    """Bytes of the largest single packet that a read stands for: what an MTU is compared with."""
    _, gso_type, _, gso_size, csum_start, _ = parse(piece)
    if not gso_type & GSO_TYPE:
        return len(piece) - VNET
    l4 = VNET + csum_start
    if gso_type & GSO_TYPE == GSO_UDP_L4:
        head = csum_start + 8
    else:
        head = csum_start + (piece[l4 + 12] >> 4 << 2) if l4 + 12 < len(piece) else 0
    return min(len(piece) - VNET, head + gso_size)
