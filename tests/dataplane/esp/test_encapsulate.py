"""Tunnel and transport mode: the edges of RFC 4301 §5.1.2 and RFC 3948 §3.1.2."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest
from scapy.layers.inet import IP

from cygnet.boundary.specs import SaMode
from cygnet.dataplane.drops import Drop
from cygnet.dataplane.esp.encapsulate import disclose, enclose, outer_fields
from cygnet.dataplane.esp.sa import InboundSa, OutboundSa
from cygnet.dataplane.ip.header import traffic_class
from cygnet.values.endpoint import Endpoint
from tests.dataplane.packets import mirror, pair, ping, tcp, udp

PEER = ip_address("192.0.2.1")
EF_CE, EF, CE = 0xB8 | 3, 0xB8, 3


def inbound(**more: object) -> InboundSa:
    return InboundSa(replace(pair().into, **more))  # type: ignore[arg-type]


def test_dscp_and_ecn_are_copied_outwards() -> None:
    sa = OutboundSa(pair().out)
    assert outer_fields(sa, ping(tos=EF_CE)) == (EF_CE, True)
    assert outer_fields(OutboundSa(replace(sa.spec, copy_dscp="no")), ping(tos=EF_CE)) == (CE, True)
    assert outer_fields(OutboundSa(replace(sa.spec, copy_ecn=False)), ping(tos=EF_CE)) == (EF, True)


def test_df_is_copied_outwards_unless_told_otherwise() -> None:
    sa = OutboundSa(pair().out)
    assert outer_fields(sa, ping(df=False))[1] is False
    assert outer_fields(sa, ping("fd01::5", "fd02::9"))[1] is True
    assert outer_fields(OutboundSa(replace(sa.spec, copy_df=False)), ping())[1] is False


def test_congestion_marked_outside_is_marked_inside() -> None:
    packet = disclose(inbound(), ping(tos=EF | 2), 4, PEER, CE)
    assert not isinstance(packet, Drop)
    assert packet[1] == EF_CE
    again = IP(packet)
    del again.chksum
    assert bytes(again) == packet  # the header's checksum was kept right


def test_congestion_on_a_flow_without_ecn_drops_the_packet() -> None:
    assert disclose(inbound(), ping(), 4, PEER, CE) is Drop.CONGESTION
    assert disclose(inbound(copy_ecn=False), ping(), 4, PEER, CE) == ping()


def test_the_outer_dscp_comes_inside_only_when_asked_for() -> None:
    assert disclose(inbound(), ping(), 4, PEER, EF) == ping()
    for value in ("in", "yes"):
        packet = disclose(inbound(copy_dscp=value), ping(), 4, PEER, EF)
        assert not isinstance(packet, Drop)
        assert traffic_class(packet) == EF


def test_ipv6_traffic_classes_too() -> None:
    packet = disclose(inbound(), ping("fd01::5", "fd02::9", tos=2), 41, PEER, CE)
    assert not isinstance(packet, Drop)
    assert traffic_class(packet) == CE
    assert packet[4:] == ping("fd01::5", "fd02::9")[4:]


def test_padding_behind_the_packet_is_cut_off() -> None:
    assert disclose(inbound(), ping() + bytes(100), 4, PEER, 0) == ping()


@pytest.mark.parametrize(
    ("payload", "next_header", "reason"),
    [
        (b"anything", 59, Drop.DUMMY),
        (ping(), 41, Drop.MALFORMED),
        (ping(), 6, Drop.MALFORMED),
        (ping()[:-1], 4, Drop.MALFORMED),
        (b"", 4, Drop.MALFORMED),
        (ping("fd01::5", "fd02::9")[:-1], 41, Drop.MALFORMED),
    ],
)
def test_what_is_no_packet_is_dropped(payload: bytes, next_header: int, reason: Drop) -> None:
    assert disclose(inbound(), payload, next_header, PEER, 0) is reason


@pytest.mark.parametrize("encap", [True, False], ids=["udp", "raw"])
def test_transport_mode_gives_the_upper_layer_its_addresses_and_checksum(encap: bool) -> None:
    """Behind a NAT the sender is seen as 203.0.113.9 and its checksum was made for 10.9.9.9."""
    here = Endpoint.of("198.51.100.7", 4500)
    spec = replace(pair().out, mode=SaMode.TRANSPORT, remote=here, encap=encap)
    for packet in (udp(b"hello", "10.9.9.9", "198.51.100.7"), tcp("10.9.9.9", "198.51.100.7")):
        payload, protocol = enclose(OutboundSa(spec), packet)
        seen = ip_address("203.0.113.9") if encap else ip_address("10.9.9.9")
        rebuilt = disclose(InboundSa(mirror(spec)), payload, protocol, seen, 0)
        assert not isinstance(rebuilt, Drop)
        wanted = IP(rebuilt)
        del wanted.chksum
        del wanted.payload.chksum
        assert bytes(wanted) == rebuilt
        assert (wanted.src, wanted.dst) == (str(seen), "198.51.100.7")
