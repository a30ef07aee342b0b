"""ICMP errors, read by scapy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP
from scapy.layers.inet6 import IPv6

from cygnet.dataplane.ip import icmp
from tests.dataplane.packets import udp

V6 = ("fd01::5", "fd02::9")


def test_fragmentation_needed_is_what_a_host_expects() -> None:
    packet = udp(bytes(1400))
    error = IP(icmp.too_big(packet, 1321))
    assert (error.src, error.dst) == ("10.2.0.9", "10.1.0.5")
    assert (error[ICMP].type, error[ICMP].code, error[ICMP].nexthopmtu) == (3, 4, 1321)
    assert (icmp.too_big(packet, 1321) or b"")[28:] == packet[:548]
    assert checked(error)


def test_packet_too_big_never_says_less_than_1280() -> None:
    packet = udp(bytes(1400), *V6)
    for mtu, told in ((1321, 1321), (900, 1280)):
        error = IPv6(icmp.too_big(packet, mtu))
        assert (error.src, error.dst, error.payload.type, error.payload.mtu) == (*reversed(V6), 2, told)
        assert len(error) <= 1280
        assert checked(error)


def test_prohibited_has_its_own_codes() -> None:
    assert (IP(icmp.prohibited(udp(b"")))[ICMP].type, IP(icmp.prohibited(udp(b"")))[ICMP].code) == (3, 13)
    six = IPv6(icmp.prohibited(udp(b"", *V6)))
    assert (six.payload.type, six.payload.code) == (1, 1)
    assert checked(six)


def checked(packet: IP | IPv6) -> bool:
    """Whether scapy computes the same checksums."""
    whole = bytes(packet)
    again = packet.__class__(whole)
    if isinstance(again, IP):
        del again.chksum
        del again[ICMP].chksum
    else:
        del again.payload.cksum
    return bytes(again) == whole


@pytest.mark.parametrize(
    "packet",
    [
        icmp.prohibited(udp(b"")),
        udp(b"", destination="224.0.0.1"),
        udp(b"", destination="255.255.255.255"),
        udp(b"", source="0.0.0.0"),
        udp(b"")[:6] + b"\x00\x05" + udp(b"")[8:],
        icmp.prohibited(udp(b"", *V6)),
        udp(b"", "fd01::5", "ff02::1"),
        udp(b"", "::", "fd02::9"),
    ],
    ids=["error", "multicast", "broadcast", "no-source", "fragment", "error6", "multicast6", "no-source6"],
)
def test_no_error_answers_what_deserves_none(packet: bytes) -> None:
    assert icmp.prohibited(packet) is None


@given(st.binary(max_size=80), st.sampled_from([0x45, 0x4F, 0x60]))
def test_errors_about_junk_do_not_stumble(data: bytes, first: int) -> None:
    packet = bytes((first,)) + data.ljust(59, b"\0")
    icmp.too_big(packet, 1400)
    icmp.prohibited(packet)
