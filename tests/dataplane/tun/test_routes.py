"""Which routes policies call for."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from cygnet.boundary.specs import PolicyAction, PolicySpec
from cygnet.dataplane.tun import routes as module
from cygnet.dataplane.tun.routes import Route, RoutePlan
from cygnet.values.selector import TrafficSelector
from tests.dataplane.packets import policy

LAN = ip_address("10.1.0.1")
PUBLIC = ip_address("192.0.2.1")


def plan(*addresses: str) -> RoutePlan:
    return RoutePlan(lambda: [ip_address(a) for a in (addresses or ("192.0.2.1", "10.1.0.1", "fd01::1"))])


def ts(*networks: str) -> tuple[TrafficSelector, ...]:
    return tuple(TrafficSelector.of(n) for n in networks)


def site(id: int, local: str, remote: str, **more: object) -> PolicySpec:
    return policy(id, local_ts=ts(local), remote_ts=ts(remote), **more)


def installed(routes: RoutePlan) -> dict[str, Route]:
    return {route.destination: route for route in routes.installed.values()}


def test_a_remote_network_leads_into_the_tunnel_with_an_address_of_ours_inside() -> None:
    routes = plan()
    ((old, new),) = routes.add(site(1, "10.1.0.0/16", "10.2.0.0/16"))
    assert old is None
    assert new == Route((4, "10.2.0.0", 16), source=LAN)
    assert routes.remove(1) == [(new, None)]
    assert routes.installed == {}


def test_without_an_address_inside_there_is_no_source() -> None:
    routes = plan("192.0.2.1")
    routes.add(site(1, "10.1.0.0/16", "10.2.0.0/16"))
    assert installed(routes)["10.2.0.0/16"].source is None


def test_a_route_stays_as_long_as_a_policy_needs_it() -> None:
    routes = plan()
    assert routes.add(site(1, "10.1.0.0/16", "10.2.0.0/16"))
    assert routes.add(site(2, "10.1.0.0/16", "10.2.0.0/16")) == []
    assert routes.remove(1) == []
    assert len(routes.remove(2)) == 1
    assert routes.remove(2) == []


def test_the_own_network_is_thrown_where_everything_leads_into_the_tunnel() -> None:
    """A packet out of the tunnel for 10.1.0.5 must not be sent back into it."""
    routes = plan()
    routes.add(site(1, "10.1.0.0/16", "0.0.0.0/0"))
    assert installed(routes)["10.1.0.0/16"].throw
    assert not installed(routes)["0.0.0.0/0"].throw
    routes.remove(1)
    assert not routes.installed


def test_another_tunnel_to_a_part_of_the_own_network_wins_over_the_throw() -> None:
    routes = plan()
    routes.add(site(1, "10.1.0.0/16", "0.0.0.0/0"))
    routes.add(site(2, "10.9.0.0/16", "10.1.0.0/16"))
    assert not installed(routes)["10.1.0.0/16"].throw
    routes.remove(2)
    assert installed(routes)["10.1.0.0/16"].throw


def test_networks_that_do_not_contain_each_other_throw_nothing() -> None:
    routes = plan()
    routes.add(site(1, "10.1.0.0/16", "10.2.0.0/16"))
    routes.add(site(2, "10.0.0.0/8", "10.3.0.0/16"))
    assert not any(route.throw for route in routes.installed.values())


def test_a_pass_policy_that_decides_alone_needs_no_packet_by_packet_look() -> None:
    routes = plan()
    routes.add(site(1, "10.1.0.0/16", "0.0.0.0/0", priority=1000))
    routes.add(site(2, "0.0.0.0/0", "192.168.0.0/16", action=PolicyAction.PASS, priority=10))
    assert installed(routes)["192.168.0.0/16"].throw


def test_a_pass_policy_for_some_sources_must_not_open_the_way_for_others() -> None:
    routes = plan()
    routes.add(site(1, "10.1.0.0/16", "10.2.0.0/16", priority=1000))
    routes.add(site(2, "10.1.1.0/24", "10.2.5.0/24", action=PolicyAction.PASS, priority=10))
    assert not installed(routes)["10.2.5.0/24"].throw


def test_a_pass_policy_that_is_overruled_or_looks_at_ports_does_not_throw() -> None:
    routes = plan()
    routes.add(site(1, "10.1.0.0/16", "10.0.0.0/8", priority=5))
    routes.add(site(2, "0.0.0.0/0", "10.2.0.0/16", action=PolicyAction.PASS, priority=10))
    assert not installed(routes)["10.2.0.0/16"].throw
    web = (TrafficSelector.of("10.3.0.0/16", 6, 80, 80),)
    routes.add(policy(3, local_ts=ts("0.0.0.0/0"), remote_ts=web, action=PolicyAction.PASS, priority=1))
    assert not installed(routes)["10.3.0.0/16"].throw


def test_a_pass_policy_is_looked_at_again_when_others_come_and_go() -> None:
    routes = plan()
    routes.add(site(1, "10.1.1.0/24", "10.2.5.0/24", action=PolicyAction.PASS, priority=10))
    assert installed(routes)["10.2.5.0/24"].throw
    routes.add(site(2, "10.1.0.0/16", "10.2.0.0/16", priority=1000))
    assert not installed(routes)["10.2.5.0/24"].throw
    routes.remove(2)
    assert installed(routes)["10.2.5.0/24"].throw


def test_sources_are_found_again_when_addresses_come() -> None:
    addresses = [PUBLIC]
    routes = RoutePlan(lambda: addresses)
    routes.add(site(1, "10.3.0.7/32", "0.0.0.0/0"))
    assert installed(routes)["0.0.0.0/0"].source is None
    addresses.append(ip_address("10.3.0.7"))
    ((_, new),) = routes.refresh()
    assert new is not None
    assert str(new.source) == "10.3.0.7"


def test_a_range_becomes_its_networks_and_ipv6_is_no_different() -> None:
    routes = plan()
    odd = TrafficSelector(ip_address("10.2.0.1"), ip_address("10.2.0.6"))  # type: ignore[arg-type]
    routes.add(policy(1, remote_ts=(odd, *ts("fd02::/64"))))
    assert sorted(installed(routes)) == [
        "10.2.0.1/32",
        "10.2.0.2/31",
        "10.2.0.4/31",
        "10.2.0.6/32",
        "fd02::/64",
    ]
    assert installed(routes)["fd02::/64"].source is None  # the local selectors are of the other family


def test_drop_and_reject_lead_here_to_be_dropped() -> None:
    for action in (PolicyAction.DROP, PolicyAction.REJECT):
        routes = plan()
        routes.add(site(1, "0.0.0.0/0", "10.66.0.0/16", action=action))
        assert not installed(routes)["10.66.0.0/16"].throw


def test_another_policy_for_the_same_network_costs_the_same_however_many_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked = []
    monkeypatch.setattr(module, "source_in", lambda selectors, addresses: looked.append(selectors))
    routes = plan()
    for n in range(200):
        routes.add(site(n + 1, f"10.7.{n}.0/24", "10.2.0.0/16"))
    assert len(looked) == 200
    routes.remove(1)
    assert len(looked) == 200


def test_the_source_is_that_of_the_first_policy_that_has_one() -> None:
    routes = plan()
    routes.add(site(1, "10.9.0.0/16", "10.2.0.0/16"))
    routes.add(site(2, "192.0.2.0/24", "10.2.0.0/16"))
    routes.add(site(3, "10.1.0.0/16", "10.2.0.0/16"))
    assert installed(routes)["10.2.0.0/16"].source == PUBLIC
    routes.remove(2)
    assert installed(routes)["10.2.0.0/16"].source == LAN
