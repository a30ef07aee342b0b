"""TUN reads as whole packets: against scapy's checksums and lengths."""

from __future__ import annotations

import struct

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6

from cygnet.dataplane.ip.checksum import pseudo_header
from cygnet.dataplane.tun.segments import Segmenter
from tests.dataplane.packets import ping, tcp, udp

V4, V6 = ("10.1.0.5", "10.2.0.9"), ("fd01::5", "fd02::9")


def read(
    packet: bytes, flags: int = 0, kind: int = 0, size: int = 0, start: int = 0, offset: int = 0
) -> memoryview:
    header = struct.pack("=BBHHHH", flags, kind, 0, size, start, offset)
    return memoryview(bytearray(header + packet))


def unfinished(packet: bytes) -> tuple[bytes, int]:
    """The packet with only its pseudo-header summed up, as the kernel hands it over; and where TCP begins."""
    start = 40 if packet[0] >> 4 == 6 else 20
    partial = bytearray(packet)
    total = pseudo_header(packet, 6, len(packet) - start) % 0xFFFF
    partial[start + 16 : start + 18] = total.to_bytes(2, "big")
    return bytes(partial), start


def test_an_ordinary_packet_comes_as_it_is() -> None:
    assert list(Segmenter().packets(read(ping()))) == [ping()]


def test_an_open_checksum_is_completed() -> None:
    for ends in (V4, V6):
        whole = tcp(*ends, data=b"hello")
        partial, start = unfinished(whole)
        assert list(Segmenter().packets(read(partial, 1, start=start, offset=16))) == [whole]


@pytest.mark.parametrize("ends", [V4, V6], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("length", [1001, 2000, 60000])
def test_a_large_packet_is_cut_into_right_ones(ends: tuple[str, str], length: int) -> None:
    data = bytes(range(256)) * 250
    whole = tcp(*ends, flags=0x19, data=data[:length])  # FIN, PSH, ACK
    partial, start = unfinished(whole)
    pieces = list(Segmenter().packets(read(partial, 1, 1 if start == 20 else 4, 1000, start, 16)))
    kind = IP if start == 20 else IPv6
    assert b"".join(bytes(kind(p)[TCP].payload) for p in pieces) == data[:length]
    assert [kind(p)[TCP].seq for p in pieces] == [1 + 1000 * n for n in range(len(pieces))]
    assert [str(kind(p)[TCP].flags) for p in pieces] == ["A"] * (len(pieces) - 1) + ["FPA"]
    for piece in pieces:
        again = kind(piece)
        del again[TCP].chksum
        if start == 20:
            del again.chksum, again.len
        else:
            del again.plen
        assert bytes(again) == piece


def test_junk_makes_no_packet() -> None:
    for junk in (read(b""), read(b"\x45"), read(tcp(), 1, 1, 0, 20, 16), read(udp(b""), 1, 9, 100, 20, 6)):
        assert list(Segmenter().packets(junk)) == []
