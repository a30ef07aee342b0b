"""The packet path where the contract cannot look: limits, sizes, counters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP

from cygnet.boundary.events import Acquire, Expired, Report
from cygnet.boundary.specs import PolicyAction
from cygnet.dataplane.esp.sa import InboundSa, OutboundSa
from cygnet.dataplane.forwarder import Forwarder
from cygnet.dataplane.ip.header import ICMP, ICMPV6
from cygnet.values.selector import TrafficSelector
from tests.dataplane.packets import (
    FAR,
    FAR_TS6,
    NEAR_TS6,
    mirror,
    pair,
    ping,
    policy,
    tcp,
    udp,
)

SIX: dict[str, Any] = {"local_ts": NEAR_TS6, "remote_ts": FAR_TS6}


class Bench:
    """A forwarder, and what left it."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.wire: list[tuple[bytes, int, bool]] = []
        self.host: list[bytes] = []
        self.clear: list[bytes] = []
        self.forwarder = Forwarder(self, self.reports.append)

    def to_wire(self, sa: OutboundSa, packet: bytes, tos: int, df: bool) -> None:
        self.wire.append((packet, tos, df))

    def to_host(self, packet: bytes) -> None:
        self.host.append(packet)

    def to_clear(self, packet: bytes) -> None:
        self.clear.append(packet)

    def tunnel(self, **more: Any) -> OutboundSa:
        selectors = {key: value for key, value in more.items() if key.endswith("_ts")}
        self.forwarder.install_policy(policy(**selectors))
        sa = self.forwarder.install_sa(pair(**more).out, 0.0)
        assert isinstance(sa, OutboundSa)
        return sa

    def opened(self, sa: OutboundSa) -> list[bytes]:
        """What the peer makes of what was sent."""
        far = Bench()
        far.forwarder.install_sa(mirror(sa.spec), 0.0)
        for packet, tos, _ in self.wire:
            far.forwarder.inbound(FAR.address, sa.local, packet, tos, 0.0)
        return far.host


@pytest.fixture
def bench() -> Bench:
    return Bench()


# too big -----------------------------------------------------------------------------------


def test_a_packet_over_the_path_mtu_is_answered_with_what_would_fit(bench: Bench) -> None:
    bench.tunnel()
    bench.forwarder.outbound(ping(size=1440), 0.0)
    (error,) = bench.host
    assert (error[9], error[20], error[21]) == (ICMP, 3, 4)
    # 1500 - IP 20 - UDP 8 - ESP header 8 - IV 8 - ICV 16 - trailer 2, aligned to 4
    assert int.from_bytes(error[26:28], "big") == 1438
    assert not bench.wire
    bench.forwarder.outbound(ping(size=1438 - 28), 0.0)
    assert len(bench.wire) == 1


def test_ipv6_too(bench: Bench) -> None:
    bench.tunnel(**SIX)
    bench.forwarder.outbound(ping("fd01::5", "fd02::9", size=1440), 0.0)
    (error,) = bench.host
    assert (error[6], error[40]) == (ICMPV6, 2)
    assert int.from_bytes(error[44:48], "big") == 1438


def test_ipv6_packets_of_1280_bytes_go_out_whatever_the_path_takes(bench: Bench) -> None:
    """RFC 8200 §5: a sender need not go below, so the outer packet must be fragmented."""
    sa = bench.tunnel(**SIX)
    bench.forwarder.learn_mtu(sa.remote.address, 1000)
    packet = ping("fd01::5", "fd02::9", size=1232)
    bench.forwarder.outbound(packet, 0.0)
    assert [df for _, _, df in bench.wire] == [False]
    assert bench.opened(sa) == [packet]


def test_without_df_it_is_fragmented_inside(bench: Bench) -> None:
    sa = bench.tunnel()
    packet = ping(size=3000, df=False)
    bench.forwarder.outbound(packet, 0.0)
    pieces = bench.opened(sa)
    assert [len(piece) for piece in pieces] == [20 + 1416, 20 + 1416, 20 + 8 + 3000 - 2 * 1416]
    assert b"".join(piece[20:] for piece in pieces) == packet[20:]
    assert all(not df for _, _, df in bench.wire)


def test_a_learned_mtu_holds_for_all_sas_to_that_peer_and_has_a_floor(bench: Bench) -> None:
    sa = bench.tunnel()
    elsewhere = bench.forwarder.install_sa(pair(spi=0x100, remote=FAR.of("203.0.113.5", 4500)).out, 0.0)
    assert isinstance(elsewhere, OutboundSa)
    bench.forwarder.learn_mtu(sa.remote.address, 1300)
    assert sa.inner_limit == 1300 - 62
    assert elsewhere.inner_limit == 1438
    bench.forwarder.learn_mtu(sa.remote.address, 68)  # a lie or a mistake
    assert sa.mtu == 576


def test_syns_are_clamped_on_their_way_out_and_in(bench: Bench) -> None:
    syn = tcp(flags=2, options=b"\x02\x04\x05\xb4")  # MSS 1460
    sa = bench.tunnel()
    bench.forwarder.outbound(syn, 0.0)
    assert dict(IP(bench.opened(sa)[0])[TCP].options)["MSS"] == 1438 - 40
    far = Bench()
    far.forwarder.install_sa(mirror(sa.spec), 0.0)
    back = far.forwarder.install_sa(mirror(pair().into), 0.0)
    assert isinstance(back, OutboundSa)
    back.set_mtu(1000)
    far.forwarder.inbound(FAR.address, sa.local, bench.wire[0][0], 0, 0.0)
    assert dict(IP(far.host[0])[TCP].options)["MSS"] == back.inner_limit - 40


# limits --------------------------------------------------------------------------------------


def test_used_up_sequence_numbers_end_the_sa(bench: Bench) -> None:
    sa = bench.tunnel()
    sa.sequence = sa.packets = (1 << 32) - 2
    bench.forwarder.outbound(ping(), 0.0)
    assert len(bench.wire) == 1
    assert bench.reports == [Expired(sa.id, 1, hard=True)]
    bench.forwarder.outbound(ping(), 0.0)
    assert len(bench.wire) == 1
    assert bench.forwarder.statistics()["held"] == 1


def test_before_the_numbers_end_a_rekeying_is_asked_for_once(bench: Bench) -> None:
    sa = bench.tunnel()
    sa.sequence = sa.packets = 15 * (1 << 28)
    for _ in range(3):
        bench.forwarder.outbound(ping(), 0.0)
    assert bench.reports == [Expired(sa.id, 1, hard=False)]


def test_bytes_in_count_too(bench: Bench) -> None:
    out = OutboundSa(pair().out)
    spec = replace(mirror(out.spec), soft_bytes=100, hard_bytes=200)
    bench.forwarder.install_sa(spec, 0.0)
    sender = Bench()
    sender.forwarder.install_policy(policy())
    sender.forwarder.install_sa(out.spec, 0.0)
    for _ in range(4):
        sender.forwarder.outbound(ping(), 0.0)
    for packet, _, _ in sender.wire:
        bench.forwarder.inbound(FAR.address, spec.remote, packet, 0, 0.0)
    expired = [report for report in bench.reports if isinstance(report, Expired)]
    assert expired == [Expired(spec.id, 1, hard=False), Expired(spec.id, 1, hard=True)]
    assert len(bench.host) == 3
    assert bench.forwarder.statistics()["unknown_spi"] == 1


# policies ------------------------------------------------------------------------------------


def test_what_no_policy_covers_is_let_by(bench: Bench) -> None:
    """A route knows destinations only: what it brought too much goes on as if it were not there."""
    bench.tunnel()
    bench.forwarder.outbound(ping("172.16.0.1"), 0.0)
    assert bench.clear == [ping("172.16.0.1")]


def test_what_is_for_the_link_only_is_not_let_by(bench: Bench) -> None:
    for packet in (
        ping("fe80::1", "ff02::2"),
        ping("fe80::1", "fe80::2"),
        ping(destination="255.255.255.255"),
    ):
        bench.forwarder.outbound(packet, 0.0)
    assert bench.clear == []
    assert bench.forwarder.statistics()["no_policy"] == 3


def test_a_trap_that_has_the_reqid_of_an_expired_tunnel_holds_its_packets(bench: Bench) -> None:
    bench.forwarder.install_policy(policy(1, trap=True, priority=2000))
    bench.forwarder.install_policy(policy(2, priority=1000))
    bench.forwarder.outbound(ping(), 0.0)
    assert [r.policy_id for r in bench.reports if isinstance(r, Acquire)] == [1]
    bench.forwarder.install_sa(pair().out, 1.0)
    assert len(bench.wire) == 1


def test_a_trap_of_another_reqid_does_not_take_over(bench: Bench) -> None:
    bench.forwarder.install_policy(policy(1, trap=True, priority=2000, reqid=9))
    bench.forwarder.install_policy(policy(2, priority=1000))
    bench.forwarder.outbound(ping(), 0.0)
    assert bench.reports == []
    assert bench.forwarder.statistics()["held"] == 1


def test_held_packets_of_an_unrouted_trap_are_dropped(bench: Bench) -> None:
    bench.forwarder.install_policy(policy(1, trap=True))
    bench.forwarder.outbound(ping(), 0.0)
    assert bench.forwarder.statistics()["held"] == 1
    bench.forwarder.remove_policy(1, 0.0)
    assert bench.forwarder.statistics()["held"] == 0
    bench.forwarder.install_sa(pair().out, 1.0)
    assert not bench.wire


def test_an_acquire_says_which_ports(bench: Bench) -> None:
    bench.forwarder.install_policy(policy(1, trap=True))
    bench.forwarder.outbound(udp(b"", ports=(4000, 53)), 0.0)
    (acquire,) = bench.reports
    assert isinstance(acquire, Acquire)
    assert str(acquire.source) == "10.1.0.5/32[udp/4000]"
    assert str(acquire.destination) == "10.2.0.9/32[udp/53]"


def test_a_changed_policy_is_felt_by_flows_that_were_decided(bench: Bench) -> None:
    sa = bench.tunnel()
    bench.forwarder.outbound(ping(), 0.0)
    bench.forwarder.install_policy(policy(2, action=PolicyAction.DROP, priority=1))
    bench.forwarder.outbound(ping(), 0.0)
    bench.forwarder.remove_policy(2, 0.0)
    bench.forwarder.outbound(ping(), 0.0)
    assert len(bench.opened(sa)) == 2


# counters and junk ---------------------------------------------------------------------------


def test_counters_survive_their_sa(bench: Bench) -> None:
    into = bench.forwarder.install_sa(pair().into, 0.0)
    assert isinstance(into, InboundSa)
    bench.forwarder.inbound(FAR.address, FAR, into.spi.to_bytes(4, "big") + bytes(60), 0, 0.0)
    bench.forwarder.inbound(FAR.address, FAR, into.spi.to_bytes(4, "big") + b"\0\0\0\1" + bytes(60), 0, 0.0)
    before = bench.forwarder.statistics()
    assert (before["replayed"], before["forged"]) == (1, 1)
    bench.forwarder.remove_sa(into.id)
    assert bench.forwarder.statistics() == before


@given(st.binary(max_size=120))
def test_no_bytes_from_either_side_make_it_stumble(data: bytes) -> None:
    bench = Bench()
    everything = (TrafficSelector.of("0.0.0.0/0"), TrafficSelector.of("::/0"))
    bench.forwarder.install_policy(policy(1, local_ts=everything, remote_ts=everything))
    bench.forwarder.install_sa(pair(local_ts=everything, remote_ts=everything).out, 0.0)
    spec = pair(local_ts=everything, remote_ts=everything).into
    bench.forwarder.install_sa(spec, 0.0)
    for start in (b"", b"\x45", b"\x60", b"\x4f"):
        bench.forwarder.outbound(start + data, 0.0)
    bench.forwarder.inbound(FAR.address, FAR, data, 3, 0.0)
    bench.forwarder.inbound(FAR.address, FAR, spec.spi.to_bytes(4, "big") + data, 3, 0.0)
