"""Which commands nft gets for which policies."""

from __future__ import annotations

import random
from dataclasses import replace

from cygnet.boundary.specs import PolicyAction
from cygnet.dataplane.tun.guard_plan import GuardPlan, setup
from cygnet.values.selector import TrafficSelector
from tests.dataplane.packets import policy

TS = TrafficSelector.of


def test_a_network_is_an_element_once_however_many_policies_have_it() -> None:
    plan = GuardPlan()
    element = "remote_local4 { 10.2.0.0-10.2.255.255 . 10.1.0.0-10.1.255.255 }"
    assert plan.add(policy(1)) == [f"add element inet cygnet {element}"]
    assert plan.add(policy(2)) == []  # a rekeying, or the trap beside its tunnel
    assert plan.remove(1) == []
    assert plan.remove(2) == [f"delete element inet cygnet {element}"]
    assert plan.remove(2) == []


def test_what_overlaps_is_a_rule_in_a_chain() -> None:
    plan = GuardPlan()
    plan.add(policy(1))
    allowed, others = plan.add(policy(2, remote_ts=(TS("10.0.0.0/14"),)))
    assert allowed.startswith("flush chain inet cygnet allowed; ")  # 10.1.0.0/16 is within: neighbours
    assert "ip saddr 10.0.0.0-10.3.255.255 ip daddr 10.1.0.0-10.1.255.255 counter" in others


def test_a_tunnel_for_everything_lets_the_neighbours_in() -> None:
    commands = GuardPlan().add(policy(1, remote_ts=(TS("0.0.0.0/0"),)))
    assert any("ip saddr 10.1.0.0-10.1.255.255 ip daddr 10.1.0.0-10.1.255.255 accept" in c for c in commands)


def test_ports_and_passes_are_rules() -> None:
    plan = GuardPlan()
    web = replace(TS("10.2.0.0/16"), protocol=6, start_port=80, end_port=80)
    (command,) = plan.add(policy(1, remote_ts=(web,)))
    assert "meta l4proto 6 th sport 80-80 counter name unprotected drop" in command
    (command,) = plan.add(policy(2, action=PolicyAction.PASS))
    assert command.endswith("daddr 10.1.0.0-10.1.255.255 accept")


def test_the_tunnels_own_packets_are_let_by_whatever_the_policies_say() -> None:
    text = "\n".join(setup("cygnet0", {500, 4500}))
    assert "udp dport { 500, 4500 } accept" in text and "meta l4proto { esp, ah } accept" in text
    assert 'iifname { "lo", "cygnet0" } accept' in text


def random_network(chance: random.Random) -> TrafficSelector:
    width = chance.choice([15, 16, 18, 24])
    return TS(f"10.{chance.randrange(4)}.{chance.randrange(0, 256, 64)}.0/{width}")


def test_elements_never_overlap_whatever_comes_and_goes() -> None:
    chance = random.Random(7)
    plan, there = GuardPlan(), set()
    for _ in range(3000):
        id = chance.randrange(40)
        if id in there:
            plan.remove(id)
            there.discard(id)
        else:
            nets = [random_network(chance) for _ in range(2)]
            plan.add(policy(id, remote_ts=(nets[0],), local_ts=(nets[1],)))
            there.add(id)
        boxes = sorted(plan._elements)
        for n, (_, a, b, c, d) in enumerate(boxes):
            for _, e, f, g, h in boxes[n + 1 :]:
                assert b < e or f < a or d < g or h < c
    for id in there:
        plan.remove(id)
    assert not plan._elements and not plan._uses and not plan._locals
