"""What every data plane does alike (dataplane/base.py, boundary/specs.py)."""

from __future__ import annotations

import errno
import time
from dataclasses import replace
from typing import Any

import pytest

from cygnet.boundary.events import Acquire, Expired, MappingChanged, Unanswered, UnknownSpi
from cygnet.boundary.specs import PolicyAction, SaMode
from cygnet.dataplane.ip.header import ICMP, parse
from cygnet.values.errors import DataPlaneError
from cygnet.values.iana import Protocol
from cygnet.values.secret import Secret
from cygnet.values.selector import TrafficSelector
from tests.contract.ends import DATA, FAR, FAR6, NEAR, NEAR6, OPEN, Ends, sealed
from tests.dataplane.packets import FAR_TS6, NEAR_TS6, SUITES, mirror, ping, suite_name, tcp, udp

NARROW = (TrafficSelector.of("10.1.0.5/32", protocol=17),)
SIX: dict[str, Any] = {"local_ts": NEAR_TS6, "remote_ts": FAR_TS6}


def test_a_packet_comes_out_of_the_tunnel_as_it_went_in(ends: Ends) -> None:
    ends.up()
    ends.send(ping())
    ends.wait(lambda: ends.arrived == [ping()])
    answer = ping("10.2.0.9", "10.1.0.5")
    ends.send_back(answer)
    ends.wait(lambda: ends.returned == [answer])


@pytest.mark.parametrize("outer", [(NEAR, FAR), (NEAR6, FAR6)], ids=["over-ipv4", "over-ipv6"])
@pytest.mark.parametrize("encap", [True, False], ids=["udp", "raw"])
@pytest.mark.parametrize("six", [False, True], ids=["ipv4", "ipv6"])
def test_ipv4_and_ipv6_go_inside_each_other_with_and_without_udp(
    ends: Ends, outer: Any, encap: bool, six: bool
) -> None:
    where = {"local": outer[0], "remote": outer[1]}
    selectors = SIX if six else {}
    ends.up(ends.pair(encap=encap, **where, **selectors), **where, **selectors)
    packet = ping("fd01::5", "fd02::9") if six else ping()
    ends.send(packet)
    ends.wait(lambda: ends.arrived == [packet])


@pytest.mark.parametrize("suite", SUITES, ids=suite_name)
def test_every_cipher_family_carries_packets_of_any_length(ends: Ends, suite: Any) -> None:
    ends.up(ends.pair(*suite))
    sent = [udp(bytes(range(size))) for size in (0, 1, 2, 3, 15, 16, 17, 31, 200)]
    for packet in sent:
        ends.send(packet)
    ends.wait(lambda: ends.arrived == sent)


def test_extended_sequence_numbers_are_understood(ends: Ends) -> None:
    ends.up(ends.pair(esn=True))
    ends.send(ping())
    ends.wait(lambda: ends.arrived == [ping()])


def test_a_trap_acquires_once_and_its_packets_are_sent_when_the_tunnel_is_up(ends: Ends) -> None:
    ends.far.install_policy(ends.mirrored_policy())
    ends.near.install_policy(ends.policy(7, trap=True))
    sent = [ping(number=number) for number in range(5)]
    for packet in sent:
        ends.send(packet)
    ends.wait(lambda: ends.reports(Acquire), "an acquire")
    ends.settle()
    ends.install(ends.pair())
    ends.wait(lambda: ends.arrived == sent)
    (acquire,) = ends.reports(Acquire)
    assert (acquire.policy_id, acquire.reqid) == (7, 1)
    assert str(acquire.source.start) == "10.1.0.5"
    assert str(acquire.destination.start) == "10.2.0.9"
    assert acquire.source.protocol == ICMP


def test_released_packets_are_gone_and_the_next_one_acquires_again(ends: Ends) -> None:
    ends.far.install_policy(ends.mirrored_policy())
    ends.near.install_policy(ends.policy(trap=True))
    ends.send(ping(number=1))
    ends.wait(lambda: len(ends.reports(Acquire)) == 1, "the first acquire")
    ends.near.release_held(1)
    ends.send(ping(number=2))
    ends.wait(lambda: len(ends.reports(Acquire)) == 2, "the second acquire")
    ends.install(ends.pair())
    ends.wait(lambda: ends.arrived == [ping(number=2)])


def test_a_trap_whose_tunnel_went_away_acquires_again(ends: Ends) -> None:
    ends.near.install_policy(ends.policy(trap=True))
    ends.far.install_policy(ends.mirrored_policy())
    sas = ends.pair()
    ends.install(sas)
    ends.send(ping(number=1))
    ends.wait(lambda: len(ends.arrived) == 1)
    assert not ends.reports(Acquire)
    ends.near.remove_sa(sas.out.id)
    ends.send(ping(number=2))
    ends.wait(lambda: ends.reports(Acquire), "an acquire")


def test_packets_wait_for_the_sa_of_a_policy_that_is_no_trap(ends: Ends) -> None:
    ends.far.install_policy(ends.mirrored_policy())
    ends.near.install_policy(ends.policy())
    ends.send(ping())
    ends.settle()
    ends.install(ends.pair())
    ends.wait(lambda: ends.arrived == [ping()])
    assert not ends.reports(Acquire)


def test_without_sa_and_trap_nothing_leaves(ends: Ends) -> None:
    ends.near.install_policy(ends.policy())
    ends.send(ping())
    ends.settle()
    assert not ends.arrived
    assert not ends.passed
    assert not ends.reports(Acquire)


def test_the_newest_sa_of_a_reqid_carries_the_packets(ends: Ends) -> None:
    old = ends.up()
    new = ends.pair(spi=0xABCD0001)
    ends.send(ping(number=1))
    ends.wait(lambda: len(ends.arrived) == 1)
    ends.install(new)
    ends.send(ping(number=2))
    ends.wait(lambda: len(ends.arrived) == 2)
    assert ends.usage_of(mirror(old.out).id).packets == 1
    assert ends.usage_of(mirror(new.out).id).packets == 1


def test_a_rekeyed_tunnel_still_takes_packets_of_its_old_sa(ends: Ends) -> None:
    old = ends.up()
    ends.install(ends.pair(spi=0xABCD0001))
    ends.near.remove_sa(old.out.id)
    ends.inject(sealed(old, ping(number=9)))
    ends.wait(lambda: ends.arrived == [ping(number=9)])


def test_counters_are_told_for_those_sas_that_exist(ends: Ends) -> None:
    sas = ends.up()
    for number in range(3):
        ends.send(ping(number=number))
    ends.wait(lambda: len(ends.arrived) == 3)
    usage = ends.usage_of(sas.out.id)
    assert (usage.packets, usage.bytes) == (3, 3 * len(ping()))
    assert usage.idle is not None
    there = ends.usage(ends.far, ends.far_reports, mirror(sas.out).id, sas.out.id)
    assert [(u.id, u.packets, u.bytes) for u in there] == [(mirror(sas.out).id, 3, 3 * len(ping()))]
    assert ends.usage_of(sas.into.id).idle is None


def test_the_hard_packet_limit_ends_the_sa_after_one_report(ends: Ends) -> None:
    sas = ends.pair(soft_packets=2, hard_packets=4)
    ends.up(sas)
    for number in range(8):
        ends.send(ping(number=number))
    ends.wait(lambda: len([e for e in ends.near_reports if isinstance(e, Expired)]) == 2, "two expiries")
    ends.wait(lambda: len(ends.arrived) == 4)
    ends.settle()
    mine = [e for e in ends.near_reports if isinstance(e, Expired)]
    assert mine == [Expired(sas.out.id, 1, hard=False), Expired(sas.out.id, 1, hard=True)]
    assert ends.usage(ends.near, ends.near_reports, sas.out.id) == ()
    assert len(ends.arrived) == 4


def test_the_soft_byte_limit_is_told_once_and_traffic_goes_on(ends: Ends) -> None:
    sas = ends.pair(soft_bytes=len(ping()) + 1)
    ends.up(sas)
    for number in range(4):
        ends.send(ping(number=number))
    ends.wait(lambda: len(ends.arrived) == 4)
    ends.settle()
    assert [e for e in ends.near_reports if isinstance(e, Expired)] == [Expired(sas.out.id, 1, hard=False)]


def test_a_packet_outside_the_sas_selectors_is_dropped_and_counted(ends: Ends) -> None:
    sas = ends.pair()
    ends.near.install_policy(ends.policy())
    ends.far.install_policy(ends.mirrored_policy())
    narrow = replace(mirror(sas.out), remote_ts=NARROW)
    ends.far.install_sa(narrow)
    ends.near.install_sa(sas.out)
    ends.send(ping())
    ends.send(udp(b"right", source="10.1.0.6"))
    ends.send(udp(b"right", source="10.1.0.5"))
    ends.wait(lambda: ends.arrived == [udp(b"right")])
    assert ends.usage_of(narrow.id).outside == 2


def test_a_packet_that_the_narrowed_sa_does_not_cover_is_not_sent(ends: Ends) -> None:
    sas = ends.pair(local_ts=NARROW)
    ends.up(sas)
    ends.send(ping())
    ends.send(udp(b"right"))
    ends.wait(lambda: ends.arrived == [udp(b"right")])
    assert ends.usage_of(sas.out.id).packets == 1


def test_replayed_and_forged_packets_are_dropped_and_counted(ends: Ends) -> None:
    sas = ends.up()
    packet = sealed(sas, ping(), sequence=40)
    forged = bytearray(sealed(sas, ping(), sequence=41))
    forged[-1] ^= 1
    ends.inject(packet)
    ends.inject(packet)
    ends.inject(bytes(forged))
    ends.inject(sealed(sas, ping(number=2), sequence=8))  # too old for a window of 32
    ends.inject(sealed(sas, ping(number=3), sequence=9))  # just within
    ends.wait(lambda: len(ends.arrived) == 2)
    assert ends.arrived == [ping(), ping(number=3)]
    usage = ends.usage_of(mirror(sas.out).id)
    assert (usage.replayed, usage.failed, usage.packets) == (2, 1, 2)


def test_an_authentic_packet_from_another_port_reports_the_new_mapping_once(ends: Ends) -> None:
    sas = ends.up()
    ends.inject(sealed(sas, ping(number=1), 1), port=40123)
    ends.inject(sealed(sas, ping(number=2), 2), port=40123)
    ends.wait(lambda: len(ends.arrived) == 2)
    assert ends.reports(MappingChanged) == [MappingChanged(mirror(sas.out).id, NEAR.with_port(40123))]


def test_a_forged_packet_reports_no_mapping(ends: Ends) -> None:
    sas = ends.up()
    forged = bytearray(sealed(sas, ping()))
    forged[30] ^= 1
    ends.inject(bytes(forged), port=40123)
    ends.settle()
    assert not ends.reports(MappingChanged)


def test_keepalives_and_unknown_spis_do_no_harm(ends: Ends) -> None:
    sas = ends.up()
    for junk in (
        b"\xff",
        b"\xff" * 3,
        b"\x00\x00\x01\x00",
        bytes(4) + b"ike",
        b"\x12\x34\x56\x78" + bytes(60),
    ):
        ends.inject(junk, port=40123)
    ends.inject(sealed(sas, ping()))
    ends.wait(lambda: ends.arrived == [ping()])


def test_an_updated_sa_sends_to_the_new_endpoint_and_goes_by_its_new_id(ends: Ends) -> None:
    sas = ends.up()
    ends.near.update_sa(sas.out.id, NEAR, FAR.with_port(4501), encap=True)
    moved = replace(sas.out, remote=FAR.with_port(4501))
    ends.send(ping())
    ends.settle()
    assert ends.usage_of(moved.id).packets == 1
    ends.near.update_sa(moved.id, NEAR, FAR, encap=True)
    ends.send(ping(number=2))
    ends.wait(lambda: ping(number=2) in ends.arrived)
    ends.near.remove_sa(sas.out.id)
    assert ends.usage(ends.near, ends.near_reports, sas.out.id) == ()


def test_what_cannot_be_done_says_so(ends: Ends) -> None:
    sas = ends.up()
    with pytest.raises(DataPlaneError) as there:
        ends.near.install_sa(sas.out)
    assert there.value.errno == errno.EEXIST
    with pytest.raises(DataPlaneError) as taken:
        ends.near.install_policy(ends.policy())
    assert taken.value.errno == errno.EEXIST
    with pytest.raises(DataPlaneError) as missing:
        ends.near.update_sa(ends.pair(spi=5).out.id, NEAR, FAR, encap=True)
    assert missing.value.errno == errno.ENOENT
    for wrong in (
        replace(sas.out, spi=77, encr_key=Secret(b"short")),
        replace(sas.out, spi=77, protocol=Protocol.AH),
        replace(sas.out, spi=77, mode=SaMode.BEET),
        replace(ends.pair(*SUITES[1]).out, spi=77, integ=None),
    ):
        with pytest.raises(DataPlaneError) as refused:
            ends.near.install_sa(wrong)
        assert refused.value.errno == errno.EINVAL


def test_removing_what_is_not_there_is_no_error(ends: Ends) -> None:
    ends.near.remove_sa(ends.pair().out.id)
    ends.near.remove_policy(99)
    ends.near.release_held(99)
    ends.settle()


def test_a_stopped_plane_has_nothing_left_and_stops_again(ends: Ends) -> None:
    sas = ends.up()
    ends.near.stop()
    ends.near.stop()
    ends.near.remove_sa(sas.out.id)


def test_drop_is_silent_and_reject_answers(ends: Ends) -> None:
    ends.near.install_policy(
        ends.policy(1, action=PolicyAction.DROP, priority=10, remote_ts=(_host("10.2.0.8"),))
    )
    ends.near.install_policy(
        ends.policy(2, action=PolicyAction.REJECT, priority=10, remote_ts=(_host("10.2.0.9"),))
    )
    ends.send(udp(b"", destination="10.2.0.8"))
    ends.send(udp(b"", destination="10.2.0.9"))
    ends.wait(lambda: ends.returned, "an ICMP error")
    (error,) = ends.returned
    assert error[9] == ICMP
    assert (error[20], error[21]) == (3, 13)  # communication administratively prohibited
    assert error[28:48] == udp(b"", destination="10.2.0.9")[:20]
    assert not ends.passed


def test_pass_lets_packets_by_in_the_clear(ends: Ends) -> None:
    ends.up(priority=1000)
    web = (TrafficSelector.of("10.2.0.0/16", 6, 80, 80),)
    ends.near.install_policy(ends.policy(2, action=PolicyAction.PASS, priority=10, remote_ts=web))
    ends.send(tcp(ports=(4000, 80)))
    ends.send(tcp(ports=(4000, 443)))
    ends.wait(lambda: ends.arrived and ends.passed)
    assert [parse(p).destination_port for p in ends.passed] == [80]  # type: ignore[union-attr]
    assert [parse(p).destination_port for p in ends.arrived] == [443]  # type: ignore[union-attr]


def clear(source: str, destination: str, port: int = OPEN) -> bytes:
    return udp(DATA, source, destination, (4000, port))


def admits(ends: Ends, packet: bytes) -> None:
    """Sooner or later: what keeps packets out learns of policies behind the plane's back."""

    def arrived() -> bool:
        ends.send_clear(packet)
        return ends.admitted[:1] == [DATA]

    ends.wait(arrived)


CLEAR = {4: ("10.1.0.5", "10.2.0.1"), 6: ("fd01::5", "fd02::1")}


@pytest.mark.parametrize("six", [False, True], ids=["ipv4", "ipv6"])
def test_what_arrives_in_the_clear_for_a_protected_network_is_dropped_and_counted(
    ends: Ends, six: bool
) -> None:
    """RFC 4301 §5.2."""
    ends.up(**(SIX if six else {}))
    before = ends.dropped("unprotected")
    ends.send_clear(clear(*CLEAR[6 if six else 4]))
    ends.wait(lambda: ends.dropped("unprotected") == before + 1)
    assert ends.admitted == []


def test_a_trap_protects_its_networks_before_its_tunnel_is_up(ends: Ends) -> None:
    ends.far.install_policy(ends.mirrored_policy(trap=True))
    before = ends.dropped("unprotected")
    ends.send_clear(clear(*CLEAR[4]))
    ends.wait(lambda: ends.dropped("unprotected") == before + 1)
    assert ends.admitted == []


def test_what_no_policy_covers_arrives_in_the_clear_as_ever(ends: Ends) -> None:
    ends.up()
    admits(ends, clear("10.9.0.5", "10.2.0.1"))


def test_a_pass_policy_cuts_a_hole_for_arriving_packets_too(ends: Ends) -> None:
    ends.up()
    hole = (TrafficSelector.of("10.1.0.5/32"),)
    own = ends.mirrored_policy(2, action=PolicyAction.PASS, local_ts=hole, priority=1, reqid=0)
    ends.far.install_policy(own)
    admits(ends, clear(*CLEAR[4]))


def test_a_pass_policy_with_a_higher_priority_number_cuts_no_hole(ends: Ends) -> None:
    ends.up(priority=1000)
    hole = (TrafficSelector.of("10.1.0.5/32"),)
    ends.far.install_policy(
        ends.mirrored_policy(2, action=PolicyAction.PASS, local_ts=hole, priority=1001, reqid=0)
    )
    before = ends.dropped("unprotected")
    ends.send_clear(clear(*CLEAR[4]))
    ends.wait(lambda: ends.dropped("unprotected") == before + 1)


def test_neighbours_are_let_in_though_the_remote_network_includes_our_own(ends: Ends) -> None:
    """10.2.0.0/16 === 10.0.0.0/14 at far: what comes from 10.2.0.0/16 is not from the other end."""
    ends.up(local_ts=(TrafficSelector.of("10.0.0.0/14"),))
    admits(ends, clear("10.2.0.9", "10.2.0.1"))
    before = ends.dropped("unprotected")
    ends.send_clear(clear("10.3.0.5", "10.2.0.1"))
    ends.wait(lambda: ends.dropped("unprotected") == before + 1)


def test_a_policy_for_pings_alone_protects_nothing_else(ends: Ends) -> None:
    echo = {"protocol": 1, "start_port": 0x0800, "end_port": 0x08FF}
    networks = ("10.1.0.0/16", "10.2.0.0/16")
    local, remote = ((replace(TrafficSelector.of(n), **echo),) for n in networks)
    ends.up(local_ts=local, remote_ts=remote)
    admits(ends, clear(*CLEAR[4]))
    before = ends.dropped("unprotected")
    ends.send_clear(ping(*CLEAR[4]))
    ends.wait(lambda: ends.dropped("unprotected") == before + 1)


def test_a_policy_that_is_gone_protects_nothing_any_more(ends: Ends) -> None:
    ends.up()
    ends.far.remove_policy(1)
    admits(ends, clear(*CLEAR[4]))


def test_ports_that_are_not_protected_are_open_in_the_clear(ends: Ends) -> None:
    local = (replace(TrafficSelector.of("10.1.0.0/16"), protocol=17),)
    remote = (replace(TrafficSelector.of("10.2.0.0/16"), protocol=17, start_port=53, end_port=53),)
    ends.up(local_ts=local, remote_ts=remote)
    admits(ends, clear(*CLEAR[4]))
    before = ends.dropped("unprotected")
    ends.send_clear(clear(*CLEAR[4], 53))
    ends.wait(lambda: ends.dropped("unprotected") == before + 1)


def test_a_wider_policy_beside_a_narrower_one_is_kept_apart_from_it(ends: Ends) -> None:
    """Their selectors overlap."""
    ends.up()
    wide = (TrafficSelector.of("10.0.0.0/14"),)
    ends.far.install_policy(ends.mirrored_policy(2, local_ts=wide))
    before = ends.dropped("unprotected")
    ends.send_clear(clear("10.3.0.5", "10.2.0.1"))
    ends.wait(lambda: ends.dropped("unprotected") == before + 1)
    ends.far.remove_policy(2)
    admits(ends, clear("10.3.0.5", "10.2.0.1"))


def test_lower_priority_numbers_win_and_on_a_tie_the_higher_id(ends: Ends) -> None:
    ends.up(priority=1000)
    ends.near.install_policy(ends.policy(2, action=PolicyAction.DROP, priority=1001))
    ends.send(ping(number=1))
    ends.wait(lambda: len(ends.arrived) == 1)
    ends.near.install_policy(ends.policy(3, action=PolicyAction.DROP, priority=1000))
    ends.send(ping(number=2))
    ends.settle()
    ends.near.remove_policy(3)
    ends.send(ping(number=3))
    ends.wait(lambda: len(ends.arrived) == 2)
    assert ends.arrived == [ping(number=1), ping(number=3)]


def test_a_trap_stays_when_the_policy_of_its_tunnel_goes(ends: Ends) -> None:
    ends.near.install_policy(ends.policy(1, trap=True))
    sas = ends.pair()
    ends.near.install_policy(ends.policy(2))
    ends.far.install_policy(ends.mirrored_policy())
    ends.install(sas)
    ends.near.remove_policy(2)
    ends.near.remove_sa(sas.out.id)
    ends.send(ping())
    ends.wait(lambda: ends.reports(Acquire), "an acquire")


def test_transport_mode_between_the_two_hosts(ends: Ends) -> None:
    hosts: dict[str, Any] = {
        "local_ts": (_host("192.0.2.1"),), "remote_ts": (_host("192.0.2.7"),), "mode": SaMode.TRANSPORT,
    }  # fmt: skip
    ends.up(ends.pair(**hosts), **hosts)
    for packet in (udp(b"hello", "192.0.2.1", "192.0.2.7"), tcp("192.0.2.1", "192.0.2.7")):
        ends.send(packet)
        # The IP header is the outer one: identification and hop limit are not the sender's.
        ends.wait(lambda packet=packet: packet[12:] in [p[12:] for p in ends.arrived])  # type: ignore[misc]


def _host(address: str) -> TrafficSelector:
    return TrafficSelector.of(f"{address}/32")


def test_packets_that_go_out_alone_are_told_and_so_is_an_spi_that_is_not_known(ends: Ends) -> None:
    sas = ends.up()
    ends.far.remove_sa(mirror(sas.out).id)
    ends.settle()

    def sent() -> bool:
        ends.send(ping())
        time.sleep(0.2)
        return bool(ends.reports(Unanswered))

    ends.wait(sent)
    (strangers,) = {(r.spi, r.remote.address) for r in ends.far_reports if isinstance(r, UnknownSpi)}
    assert strangers == (sas.out.spi, sas.out.local.address)


def test_traffic_that_is_answered_is_not_told(ends: Ends) -> None:
    ends.up()
    until = time.monotonic() + 7
    while time.monotonic() < until:
        ends.send(ping())
        ends.send_back(ping("10.2.0.9", "10.1.0.5"))
        time.sleep(0.5)
    assert not ends.reports(Unanswered)
