"""Virtio-net headers."""

from __future__ import annotations

import pytest

from cygnet.dataplane.tun.fast import vnet
from tests.dataplane.tun.fast import reference


def test_a_header_is_read_as_it_was_packed() -> None:
    header = vnet.pack(vnet.NEEDS_CSUM, vnet.GSO_TCPV4, 52, 1348, 20, 16)
    assert len(header) == vnet.VNET
    assert vnet.parse(memoryview(header)) == (1, 1, 52, 1348, 20, 16)


@pytest.mark.parametrize("ipv6", [False, True])
def test_the_packet_size_of_a_gso_read_is_that_of_its_segments(ipv6: bool) -> None:
    head = (40 if ipv6 else 20) + 20
    big = reference.gso(reference.tcp(bytes(5000), ipv6=ipv6), 1000)
    assert vnet.packet_size(memoryview(big)) == head + 1000
    lone = reference.gso(reference.tcp(bytes(700), ipv6=ipv6), 1000)
    assert vnet.packet_size(memoryview(lone)) == head + 700
    datagrams = reference.gso(reference.udp(bytes(5000), ipv6=ipv6), 1000)
    assert vnet.packet_size(memoryview(datagrams)) == head - 12 + 1000
    assert vnet.packet_size(memoryview(reference.single(reference.udp(bytes(300))))) == 328
