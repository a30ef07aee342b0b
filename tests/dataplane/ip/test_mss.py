"""MSS clamping, against scapy."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6

from cygnet.dataplane.ip import mss
from cygnet.dataplane.ip.mss import clamp, is_syn
from tests.dataplane.packets import ping, tcp, udp

V6 = ("fd01::5", "fd02::9")


def options(*kinds: bytes) -> bytes:
    joined = b"".join(kinds)
    return joined + bytes(-len(joined) % 4)


MSS_1460 = struct.pack("!BBH", 2, 4, 1460)


@pytest.mark.parametrize("before", [b"", b"\x01", b"\x03\x03\x07", b"\x01\x01\x04\x02"])
@pytest.mark.parametrize("six", [False, True])
def test_a_syn_says_what_fits(before: bytes, six: bool) -> None:
    ends = V6 if six else ("10.1.0.5", "10.2.0.9")
    packet = tcp(*ends, flags=2, options=options(before, MSS_1460))
    clamped = clamp(packet, 1400)
    kind = IPv6 if six else IP
    assert dict(kind(clamped)[TCP].options)["MSS"] == (1340 if six else 1360)
    again = kind(clamped)
    del again[TCP].chksum
    assert bytes(again) == clamped


def test_a_small_mss_and_no_mss_are_left_alone() -> None:
    small = tcp(flags=2, options=struct.pack("!BBH", 2, 4, 500))
    assert clamp(small, 1400) == small
    without = tcp(flags=2, options=b"\x01\x01\x01\x00")
    assert clamp(without, 1400) == without


def test_only_syns_are_looked_at() -> None:
    assert is_syn(tcp(flags=0x02))
    assert is_syn(tcp(flags=0x12))
    assert is_syn(tcp(*V6, flags=0x02))
    for packet in (tcp(flags=0x10), udp(bytes(40)), ping(), tcp(*V6), udp(bytes(40), *V6)):
        assert not is_syn(packet)


@given(st.binary(max_size=40))
def test_broken_options_do_not_stumble(junk: bytes) -> None:
    packet = tcp(flags=2, options=junk[: len(junk) // 4 * 4])
    mss.clamp(packet, 1400)
    mss.clamp(packet[:44], 1400)
