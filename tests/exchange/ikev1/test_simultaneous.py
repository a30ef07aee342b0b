"""Both ends begin at the same moment (auto=start on both), and other crossings."""

from __future__ import annotations

import pytest

from cygnet.boundary.effects import Outcome
from cygnet.model.config import StartAction, Unique
from cygnet.testing.builders import oregon
from cygnet.testing.network import Faults
from cygnet.testing.pair import Pair
from tests.exchange.ikev1.stories import assert_matching, finish


@pytest.mark.parametrize("policy", list(Unique))
def test_both_ends_starting_at_once_end_with_matching_sas(policy: Unique) -> None:
    left, right = oregon(child={"start_action": StartAction.START}, unique=policy)
    pair = Pair(left, right, start=True)
    pair.run(60)
    assert_matching(pair)
    assert pair.left.installed()
    assert len(pair.left.established()) <= 2


@pytest.mark.parametrize("seed", range(20))
def test_both_ends_starting_at_once_over_a_shaky_network(seed: int) -> None:
    left, right = oregon(child={"start_action": StartAction.START}, unique=Unique.REPLACE)
    pair = Pair(left, right, start=True, seed=seed, faults=Faults(jitter=2.0, reorder=0.3, duplicate=0.2))
    pair.run(120)
    assert_matching(pair)
    assert pair.left.installed()


def test_up_at_both_ends_succeeds_at_both() -> None:
    pair = Pair(*oregon())
    refs = [host.up("oregon") for host in pair.hosts]
    pair.run(10)
    for host, ref in zip(pair.hosts, refs, strict=True):
        assert finish(host, ref).outcome is Outcome.OK
    assert_matching(pair)


def test_up_twice_is_one_tunnel() -> None:
    pair = Pair(*oregon())
    refs = [pair.left.up("oregon"), pair.left.up("oregon")]
    pair.run(5)
    refs.append(pair.left.up("oregon"))
    pair.run(5)
    assert [finish(pair.left, ref).outcome for ref in refs] == [Outcome.OK] * 3
    assert len(pair.left.installed()) == 1
    assert_matching(pair)
