"""Every want and every deadline has a row in the table of each version that can have it."""

from __future__ import annotations

from typing import get_args

import pytest

from cygnet.engine.timers import Deadline
from cygnet.engine.versions import DEADLINES, OPERATIONS, RECEIVERS, RESPONDERS
from cygnet.engine.wants import Want

ONLY_V1 = {Deadline.DPD_TIMEOUT}
ONLY_V2 = {Deadline.AGAIN}


@pytest.mark.parametrize("version", [1, 2])
def test_each_version_can_do_everything_that_may_be_wanted_of_it(version: int) -> None:
    assert set(OPERATIONS[version]) == set(get_args(Want))
    assert version in RECEIVERS and version in RESPONDERS


@pytest.mark.parametrize(("version", "not_its_own"), [(1, ONLY_V2), (2, ONLY_V1)])
def test_each_version_acts_on_every_deadline_that_it_can_set(
    version: int, not_its_own: set[Deadline]
) -> None:
    engines_own = {Deadline.WANTED, Deadline.EXPIRY}
    assert set(DEADLINES[version]) == set(Deadline) - not_its_own - engines_own
