"""Some of the lives of `make soak`, shorter; and that its judge sees what is wrong."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from cygnet.model.config import IkeVersion, Strict
from tests.soak.invariants import Broken
from tests.soak.plan import Certificates, Trouble, plan_of
from tests.soak.world import World

LIVES = int(os.environ.get("CYGNET_SOAK", "60"))
LENGTH = 5_000.0
CALM = replace(plan_of(2), certificates=None, troubles=())


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, LIVES, 10))
def test_whatever_happens_the_tunnel_is_up_and_single_when_it_is_over(first: int) -> None:
    for seed in range(first, first + 10):
        plan = plan_of(seed, LENGTH)
        try:
            World(plan).live(LENGTH)
        except Broken as broken:
            pytest.fail(f"{plan}: {broken}")


def test_a_peer_that_never_comes_back_is_seen() -> None:
    world = World(CALM)
    world.live(60)
    world.hosts["right"].vanish()
    with pytest.raises(Broken, match="nothing passes"):
        world.live(200)


def test_two_tunnels_for_one_are_seen() -> None:
    world = World(CALM)
    world.live(60)
    sa = next(iter(world.hosts["left"].engine._registry.ike_sas.values()))
    for other in (sa.anew(), sa.anew()):
        other.state = sa.state
    with pytest.raises(Broken, match="3 IKE_SAs"):
        world.live(300)


def test_a_timer_of_what_is_gone_is_seen() -> None:
    world = World(CALM)
    world.live(100)
    services = world.hosts["left"].engine._services
    services.spis.add(12345)
    with pytest.raises(Broken, match="ESP SPIs of the dead"):
        world.live(300)


@pytest.mark.parametrize("version", [IkeVersion.V1, IkeVersion.V2], ids=lambda v: v.value)
def test_a_revoked_certificate_that_is_taken_is_seen(version: IkeVersion) -> None:
    plan = replace(
        CALM,
        version=version,
        reauthentication=True,
        certificates=Certificates("p256", chain=True, fetched=True),
        troubles=(Trouble(100, "revoke", 1500, "left"),),
    )
    world = World(plan)
    config = world.configs["right"]
    world.hosts["right"].config = world.configs["right"] = replace(
        config, settings=replace(config.settings, strict_crl=Strict.NO, use_crls=False)
    )
    world.hosts["right"].restart(start=True)
    with pytest.raises(Broken, match=r"takes CN=oregon, whose certificate is unfit|should not since"):
        world.live(2000)
