"""A trap's packet as the first traffic selector (RFC 7296 §2.9), with charon as the responder.

cygnet 192.0.2.1 -------- 192.0.2.2 charon
10.31.0.0/16                 10.77.0.0/16, or a part of it
"""

from __future__ import annotations

import pytest

from tests.interop.scene import Scene, played, tunnel_stands

pytestmark = [pytest.mark.root, pytest.mark.interop]

TRAP = {"auto": "route"}
BOTH = {"keyexchange": "ikev2", "forceencaps": "yes"}


def test_charon_takes_the_whole_offer_behind_the_packets_own_selectors() -> None:
    with played(Scene("", BOTH, ours=TRAP)) as (cygnet, charon):
        assert cygnet.ping(charon.end) == 3
        tunnel_stands(cygnet, charon)
        cygnet.shows(r"10\.31\.0\.0/16 === 10\.77\.0\.0/16")


def test_charon_narrows_to_its_own_network_and_the_packet_is_in_it() -> None:
    with played(Scene("", BOTH, ours=TRAP, theirs={"leftsubnet": "10.77.0.0/24"})) as (cygnet, charon):
        assert cygnet.ping(charon.end) == 3
        cygnet.shows(r"10\.31\.0\.0/16 === 10\.77\.0\.0/24")
