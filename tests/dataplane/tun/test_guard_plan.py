"""Which commands nft gets for which policies."""

from __future__ import annotations

import random
from dataclasses import replace

from cygnet.boundary.specs import PolicyAction, PolicySpec
from cygnet.dataplane.tun.guard_plan import GuardPlan, setup
from cygnet.values.selector import TrafficSelector
from tests.dataplane.packets import policy

TS = TrafficSelector.of
PASS = PolicyAction.PASS


def plan(*policies: PolicySpec) -> GuardPlan:
    made = GuardPlan("cygnet0")
    for one in policies:
        made.add(one)
    return made


def rules(made: GuardPlan) -> list[str]:
    """Of the chain, in order, without the words that all have."""
    return [
        text.replace("add rule inet cygnet_cygnet0 ordered ", "") for text in made.chain().split("; ")[1:]
    ]


def test_a_network_is_an_element_once_however_many_policies_have_it() -> None:
    made = plan(policy(1))
    element = "remote_local4 { 10.2.0.0-10.2.255.255 . 10.1.0.0-10.1.255.255 }"
    assert made.elements() == [f"add element inet cygnet_cygnet0 {element}"]
    made.add(policy(2))  # a rekeying, or the trap beside its tunnel
    made.remove(1)
    assert made.elements() == []
    made.remove(2)
    assert made.elements() == [f"delete element inet cygnet_cygnet0 {element}"]
    made.remove(2)
    assert made.elements() == [] and not made.chain_is_stale


def test_what_comes_and_goes_between_two_looks_is_not_told() -> None:
    made = plan(policy(1))
    made.remove(1)
    assert made.elements() == []


def test_what_overlaps_is_a_rule_in_the_chain() -> None:
    made = plan(policy(1), policy(2, remote_ts=(TS("10.2.0.0/15"),)))
    drop = "counter name unprotected drop"
    assert rules(made) == [f"ip saddr 10.2.0.0-10.3.255.255 ip daddr 10.1.0.0-10.1.255.255 {drop}"]


def test_neighbours_are_let_in_where_the_remote_network_includes_our_own() -> None:
    own = "ip saddr 10.0.0.0-10.0.255.255 ip daddr 10.0.0.0-10.0.255.255 accept"
    for remote in ("0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/16"):
        made = plan(policy(1, local_ts=(TS("10.0.0.0/16"),), remote_ts=(TS(remote),)))
        assert rules(made) == [own], remote
    apart = policy(1, local_ts=(TS("10.0.0.0/8"),), remote_ts=(TS("10.5.0.0/16"),))
    assert rules(plan(apart)) == []  # that network is elsewhere


def test_the_policy_with_the_lower_priority_number_decides() -> None:
    hole = policy(2, action=PASS, remote_ts=(TS("10.2.3.0/24"),), priority=50)
    for first, last in ((policy(1, priority=100), hole), (hole, policy(1, priority=100))):
        made = plan(first, last)
        assert len(made.elements()) == 1 and [r.split()[-1] for r in rules(made)] == ["accept"]
    late = replace(hole, priority=150)
    for first, last in ((policy(1, priority=100), late), (late, policy(1, priority=100))):
        made = plan(first, last)
        assert made.elements() == []  # an element is looked at behind the chain
        assert [r.split()[-1] for r in rules(made)] == ["drop", "accept"]


def test_on_a_tie_the_higher_id_decides() -> None:
    web = (replace(TS("10.2.0.0/16"), protocol=6, start_port=80, end_port=80),)
    made = plan(policy(1, action=PASS, priority=7), policy(2, remote_ts=web, priority=7))
    assert [r.split()[-1] for r in rules(made)] == ["drop", "accept"]


def test_ports_and_types_of_icmp_are_rules() -> None:
    web = replace(TS("10.2.0.0/16"), protocol=6, start_port=80, end_port=80)
    (rule,) = rules(plan(policy(1, remote_ts=(web,))))
    assert rule.endswith("meta l4proto 6 th sport 80-80 counter name unprotected drop")
    echo = {"protocol": 1, "start_port": 0x0800, "end_port": 0x08FF}
    pings = policy(
        1, local_ts=(replace(TS("10.1.0.0/16"), **echo),), remote_ts=(replace(TS("10.2.0.0/16"), **echo),)
    )
    (rule,) = rules(plan(pings))
    assert rule.endswith("meta l4proto 1 @th,0,16 2048-2303 counter name unprotected drop")


def test_a_thousand_policies_with_ports_write_the_chain_once() -> None:
    """It is asked for now and then; between that a change costs one rule."""
    web = {"protocol": 6, "start_port": 80, "end_port": 80}
    made = plan(
        *(policy(n, remote_ts=(replace(TS(f"10.{n >> 8}.{n & 255}.0/24"), **web),)) for n in range(1000))
    )
    assert made.chain_is_stale and len(rules(made)) == 1000 and not made.chain_is_stale
    made.remove(500)
    assert made.chain_is_stale and len(rules(made)) == 999


def test_the_tunnels_own_packets_are_let_by_whatever_the_policies_say() -> None:
    text = "\n".join(setup("cygnet0", {500, 4500}))
    assert "udp dport { 500, 4500 } accept" in text and "meta l4proto { esp, ah } accept" in text
    assert 'iifname { "lo", "cygnet0" } accept' in text


def random_network(chance: random.Random) -> TrafficSelector:
    width = chance.choice([15, 16, 18, 24])
    return TS(f"10.{chance.randrange(4)}.{chance.randrange(0, 256, 64)}.0/{width}")


def test_elements_never_overlap_whatever_comes_and_goes() -> None:
    chance = random.Random(7)
    made, there = plan(), set()
    for _ in range(3000):
        id = chance.randrange(40)
        if id in there:
            made.remove(id)
            there.discard(id)
        else:
            nets = [random_network(chance) for _ in range(2)]
            made.add(policy(id, remote_ts=(nets[0],), local_ts=(nets[1],)))
            there.add(id)
        boxes = sorted(made._elements)
        for n, (_, a, b, c, d) in enumerate(boxes):
            for _, e, f, g, h in boxes[n + 1 :]:
                assert b < e or f < a or d < g or h < c
    for id in there:
        made.remove(id)
    assert not made._elements and not made._ordered and not made._locals
