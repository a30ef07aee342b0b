"""The policy database, against looking at every policy in turn."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cygnet.boundary.specs import PolicySpec
from cygnet.dataplane.ip.header import Flow, parse
from cygnet.dataplane.policy.spd import PolicyDatabase
from cygnet.values.selector import OPAQUE, TrafficSelector
from tests.dataplane.packets import policy, tcp, udp


def selectors(networks: list[str]) -> tuple[TrafficSelector, ...]:
    return tuple(TrafficSelector.of(network) for network in networks)


def flow(packet: bytes) -> Flow:
    found = parse(packet)
    assert found is not None
    return found


def deciding(spd: PolicyDatabase, packet: bytes) -> int | None:
    matching = spd.matching(flow(packet))
    return matching[0].id if matching else None


def test_a_policy_covers_its_networks_protocols_and_ports() -> None:
    spd = PolicyDatabase()
    web = (TrafficSelector.of("10.2.0.0/16", 6, 80, 89),)
    spd.add(policy(1, remote_ts=web))
    assert deciding(spd, tcp(ports=(4000, 80))) == 1
    assert deciding(spd, tcp(ports=(4000, 89))) == 1
    assert deciding(spd, tcp(ports=(4000, 90))) is None
    assert deciding(spd, udp(b"", ports=(4000, 80))) is None
    assert deciding(spd, tcp(source="10.3.0.1", ports=(4000, 80))) is None
    assert deciding(spd, tcp(destination="10.3.0.1", ports=(4000, 80))) is None


def test_opaque_ports_cover_fragments_without_ports() -> None:
    spd = PolicyDatabase()
    hidden = (TrafficSelector.of("10.2.0.0/16", 17, *OPAQUE),)
    spd.add(policy(1, remote_ts=hidden))
    spd.add(policy(2, remote_ts=(TrafficSelector.of("10.2.0.0/16", 17, 53, 53),), priority=1))
    later = bytearray(udp(b"data"))
    later[7] = 5
    assert deciding(spd, bytes(later)) == 1
    assert deciding(spd, udp(b"data")) == 2


def test_lower_priority_then_higher_id_decides() -> None:
    spd = PolicyDatabase()
    for id, priority in ((1, 10), (2, 5), (3, 5), (4, 20)):
        spd.add(policy(id, priority=priority))
    assert [p.id for p in spd.matching(flow(udp(b"")))] == [3, 2, 1, 4]
    spd.remove(3)
    assert deciding(spd, udp(b"")) == 2


def test_a_range_that_is_no_network_works() -> None:
    spd = PolicyDatabase()
    start, end = TrafficSelector.of("10.2.0.3/32").start, TrafficSelector.of("10.2.0.9/32").start
    spd.add(policy(1, remote_ts=(TrafficSelector(start, end),)))
    covered = [n for n in range(20) if deciding(spd, udp(b"", destination=f"10.2.0.{n}")) == 1]
    assert covered == list(range(3, 10))


def test_removing_leaves_nothing_behind() -> None:
    spd = PolicyDatabase()
    for id in range(50):
        spd.add(policy(id, remote_ts=selectors([f"10.{id}.0.0/16", "0.0.0.0/0", "fd02::/64"])))
    for id in range(50):
        assert spd.remove(id) is not None
    assert spd.remove(7) is None
    assert not spd.policies
    assert not any(spd._networks.values())
    assert deciding(spd, udp(b"")) is None


network = st.sampled_from(
    [
        "0.0.0.0/0",
        "10.0.0.0/8",
        "10.1.0.0/16",
        "10.2.0.0/16",
        "10.2.0.0/24",
        "10.2.0.9/32",
        "::/0",
        "fd02::/64",
    ]
)
policies = st.lists(
    st.tuples(st.lists(network, max_size=3), st.lists(network, max_size=3), st.integers(1, 3)), max_size=8
)


@given(policies)
def test_it_finds_what_looking_at_every_policy_finds(wanted: list[tuple[list[str], list[str], int]]) -> None:
    spd = PolicyDatabase()
    specs: list[PolicySpec] = []
    for id, (local, remote, priority) in enumerate(wanted):
        specs.append(policy(id, local_ts=selectors(local), remote_ts=selectors(remote), priority=priority))
        spd.add(specs[-1])
    for packet in (
        udp(b""),
        udp(b"", destination="10.2.1.1"),
        udp(b"", "10.9.0.1"),
        udp(b"", "fd01::5", "fd02::9"),
    ):
        found = flow(packet)
        here, there = found.addresses
        slowly = [
            spec
            for spec in sorted(specs, key=lambda spec: (spec.priority, -spec.id))
            if any(ts.covers(here, 17, 4000) for ts in spec.local_ts)
            and any(ts.covers(there, 17, 53) for ts in spec.remote_ts)
        ]
        assert spd.matching(found) == slowly
