"""What `make bench` counts as a tunnel: what both ends have, and the daemon carries.

::

    bench.load ---------------------- charon
     192.0.2.1                    192.0.2.2
"""

from __future__ import annotations

import pytest

from bench import tunnels
from bench.tunnels import CASES, Case, as_initiator, as_responder
from tests.peers.charon import Charon, needs_charon
from tests.rooted import needs_lab

pytestmark = [*needs_lab, needs_charon, pytest.mark.interop]

COUNT = 4
BOTH = pytest.mark.parametrize("case", [CASES[0], CASES[3]], ids=lambda case: case.version)


@BOTH
def test_charon_begins_tunnels_that_it_carries(case: Case) -> None:
    assert as_initiator(Charon, case, COUNT).rate > 0


@BOTH
def test_charon_answers_for_tunnels_that_it_carries(case: Case) -> None:
    assert as_responder(Charon, case, COUNT).rate > 0


@BOTH
def test_tunnels_that_charon_negotiates_and_cannot_install_give_no_figure(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its userspace plane wants the inner address on its host, and refuses or closes what has none."""
    monkeypatch.setattr(tunnels, "add_inner_addresses", lambda *_: None)
    with pytest.raises(RuntimeError, match="charon could not install what was negotiated"):
        as_initiator(Charon, case, COUNT)
