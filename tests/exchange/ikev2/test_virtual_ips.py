"""Internal addresses (RFC 7296 §2.19): a road warrior asks, the gateway gives out of its pool."""

from __future__ import annotations

from dataclasses import replace

from cygnet.boundary.effects import Outcome
from cygnet.boundary.events import Rekey
from cygnet.model.config import Config, Pool
from cygnet.testing.pair import Host, Pair
from cygnet.values.selector import TrafficSelector, dynamic
from tests.exchange.ikev2.story import both_clean, matching, plane, tunnel


def road_warrior(addrs: str = "10.9.0.0/24", vips: tuple[str, ...] = ("0.0.0.0",)) -> Pair:
    left, right = tunnel(remote_addrs=("%any", "203.0.113.77"))
    one, two = left.connections[0], right.connections[0]
    client = replace(
        one, vips=vips, remote_addrs=("203.0.113.77",),
        children=(replace(one.children[0], local_ts=(dynamic(),)),),
    )  # fmt: skip
    gateway = replace(
        two, pools=("p",),
        children=(replace(two.children[0], remote_ts=(dynamic(),)),),
    )  # fmt: skip
    pool = Pool("p", addrs, (("dns", ("10.77.0.53",)),))
    return Pair(Config((client,), left.secrets), Config((gateway,), right.secrets, (pool,)))


def vips(host: Host) -> set[str]:
    return {str(a) for a in plane(host).virtual_ips}


def test_a_client_gets_an_address_and_its_tunnel_is_for_that_address() -> None:
    # --> IKE_AUTH {..., CPRQ(ADDR DNS), SA, TSi 0.0.0.0/0, TSr}
    # <-- IKE_AUTH {..., CPRP(ADDR DNS), SA, TSi 10.9.0.1/32, TSr}
    pair = road_warrior()
    ref = pair.left.up("oregon")
    pair.run(5)
    matching(pair)
    assert vips(pair.left) == {"10.9.0.1"}
    child = pair.left.installed()[0]
    assert child.local_ts == (TrafficSelector.of("10.9.0.1/32"),)
    lines = pair.left.lines(ref=ref)
    assert "installing new virtual IP 10.9.0.1" in lines
    assert "peer names DNS server 10.77.0.53" in lines
    assert any("CPRQ(ADDR DNS) SA TSi TSr" in line for line in lines)
    assert "assigning virtual IP 10.9.0.1 to peer '10.31.1.185'" in pair.right.lines()
    (pool,) = pair.right.snapshot.pools
    assert (pool.online, pool.offline) == (1, 0)


def test_the_address_goes_with_the_tunnel_and_comes_back_with_it() -> None:
    pair = road_warrior()
    pair.left.up("oregon")
    pair.run(5)
    pair.left.down("oregon[]")
    pair.run(5)
    both_clean(pair)
    assert not vips(pair.left)
    assert pair.right.snapshot.pools[0].offline == 1
    pair.left.up("oregon")
    pair.run(5)
    assert vips(pair.left) == {"10.9.0.1"}


def test_it_survives_rekeying_and_reauthentication() -> None:
    pair = road_warrior()
    pair.left.up("oregon")
    pair.run(5)
    for target, reauth in (("oregon[]", False), ("oregon{}", False), ("oregon[]", True)):
        pair.left.handle(Rekey(pair.left.ref(), target, reauth=reauth))
        pair.run(30)
        matching(pair)
        assert vips(pair.left) == {"10.9.0.1"}
        assert pair.right.snapshot.pools[0].online == 1


def test_a_full_pool_refuses_the_child() -> None:
    pair = road_warrior(addrs="2001:db8::/120")
    ref = pair.left.up("oregon")
    pair.run(5)
    assert pair.left.finished[ref].outcome is Outcome.FAILED
    assert "INTERNAL_ADDRESS_FAILURE" in pair.left.finished[ref].reason
    assert not plane(pair.left).sas and not plane(pair.right).sas


def test_a_gateway_without_a_pool_for_it_leaves_the_client_without_a_tunnel() -> None:
    pair = road_warrior()
    config = pair.right.config
    two = replace(config.connections[0], pools=())
    pair = Pair(pair.left.config, replace(config, connections=(two,)))
    ref = pair.left.up("oregon")
    pair.run(5)
    assert pair.left.finished[ref].reason == "peer assigned no virtual IP"
    for host in pair.hosts:
        assert not plane(host).sas and not vips(host)
