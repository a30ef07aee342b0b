"""Reading IP headers."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from cygnet.dataplane.ip.header import Flow, flow_key, parse, total_length, traffic_class
from tests.dataplane.packets import ip, ping, tcp, udp

V6 = ("fd01::5", "fd02::9")


def test_ports_icmp_types_and_addresses_are_found() -> None:
    assert parse(udp(b"")) == Flow(4, 0x0A010005, 0x0A020009, 17, 4000, 53)
    assert parse(ping()) == Flow(4, 0x0A010005, 0x0A020009, 1, 0x0800, 0x0800)
    six = parse(tcp(*V6))
    assert six
    assert (six.version, six.protocol, six.source_port, six.destination_port) == (6, 6, 4000, 80)
    assert [str(a) for a in six.addresses] == list(V6)


def test_ipv6_extension_headers_are_walked_over() -> None:
    inner = struct.pack("!HHHH", 4000, 53, 8, 0)
    options = bytes((60, 0)) + bytes(6)  # hop-by-hop, then destination options, then UDP
    packet = ip(*V6, 0, options + bytes((17, 1)) + bytes(14) + inner)
    assert parse(packet) == Flow(6, *addresses(packet), 17, 4000, 53)
    assert flow_key(packet) == b""


def addresses(packet: bytes) -> tuple[int, int]:
    return int.from_bytes(packet[8:24], "big"), int.from_bytes(packet[24:40], "big")


def test_later_fragments_have_no_ports() -> None:
    packet = bytearray(udp(b"data"))
    packet[7] = 5
    flow = parse(bytes(packet))
    assert flow
    assert (flow.protocol, flow.source_port, flow.destination_port) == (17, 0, 0)
    six = ip(*V6, 44, struct.pack("!BBHI", 17, 0, 8 << 3 | 1, 7) + bytes(8))
    flow = parse(six)
    assert flow
    assert (flow.protocol, flow.source_port) == (17, 0)


def test_a_chain_of_extension_headers_ends() -> None:
    flow = parse(ip(*V6, 0, bytes(8) * 500))
    assert flow
    assert flow.protocol == 0


def test_packets_of_one_flow_have_one_key_and_others_another() -> None:
    keys = {
        flow_key(packet)
        for packet in (
            udp(b""), udp(b"", ports=(4001, 53)), udp(b"", ports=(4000, 54)), udp(b"", "10.1.0.6"),
            tcp(ports=(4000, 53)), ping(), udp(b"", *V6), tcp(*V6), ping(*V6),
        )
    }  # fmt: skip
    assert len(keys) == 9
    assert b"" not in keys
    assert flow_key(udp(b"one")) == flow_key(udp(b"another", tos=8))
    assert flow_key(ping(number=1)) == flow_key(ping(number=2))


@given(st.binary(max_size=100))
def test_no_bytes_make_it_stumble(data: bytes) -> None:
    for start in (data, b"\x45" + data, b"\x60" + data, b"\x4f" + data):
        flow_key(start)
        flow_key(memoryview(start))
        parse(start)
        total_length(start)


@given(st.binary(min_size=60, max_size=120), st.sampled_from([0x45, 0x60]))
def test_equal_keys_mean_equal_flows(data: bytes, first: int) -> None:
    packet = bytes((first,)) + data
    key, flow = flow_key(packet), parse(packet)
    assert key == b"" or flow is not None
    if key and flow:
        changed = bytearray(packet)
        changed[1] ^= 0xFF if first == 0x45 else 0x0F  # what selectors do not look at
        assert flow_key(bytes(changed)) == key
        assert parse(bytes(changed)) == flow


def test_lengths_and_classes() -> None:
    assert total_length(udp(b"abc") + b"padding") == len(udp(b"abc"))
    assert total_length(udp(b"abc", *V6) + b"padding") == len(udp(b"abc", *V6))
    assert traffic_class(udp(b"", tos=0xB9)) == 0xB9
    assert traffic_class(udp(b"", *V6, tos=0xB9)) == 0xB9
