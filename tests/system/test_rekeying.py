"""Traffic goes on while keys change: no packet is lost.

::

    10.31.0.1 - oregon -------------------- peer - 10.77.0.1
"""

from __future__ import annotations

import re

import pytest

from cygnet.lab import topology
from cygnet.lab.host import stop
from cygnet.lab.lab import Lab
from tests.peers import conf
from tests.peers.cygnet import Cygnet
from tests.peers.gateway import pinging
from tests.rooted import needs_lab

pytestmark = needs_lab

PINGS, REKEYS = 10_000, 20
PATTERNS = {"child": r"oregon\{(\d+)\}:\s+INSTALLED", "ike": r"oregon\[(\d+)\]: ESTABLISHED"}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("version", ["ikev1", "ikev2"])
@pytest.mark.parametrize("what", ["child", "ike"])
def test_ten_thousand_pings_across_twenty_forced_rekeys_lose_none(version: str, what: str) -> None:
    """``ike``: the IKE_SA is rekeyed (IKEv2) or reauthenticated (IKEv1, which knows nothing else)."""
    ike = {"keyexchange": version}
    with Lab() as lab:
        a, b = topology.direct(lab)
        with (
            Cygnet(b, conf.conn(b, a, ike), conf.secrets(a, b)),
            Cygnet(a, conf.conn(a, b, ike), conf.secrets(a, b)) as oregon,
        ):
            oregon.up("oregon")
            pings = a.gateway.popen(*pinging(a.inner, b.inner, PINGS, 0.003))
            try:
                for turn in range(1, REKEYS + 1):
                    rekey(oregon, what, turn)
                assert pings.poll() is None, "the pings were over before the last rekey"
                out, _ = pings.communicate(timeout=120)
            finally:
                stop(pings)
    assert f"{PINGS} of {PINGS} answered" in out


def rekey(oregon: Cygnet, what: str, turn: int) -> None:
    """One forced rekey, seen to the end: only the successor is left."""
    pattern = PATTERNS[what]
    before = {int(n) for n in re.findall(pattern, oregon.status())}
    with oregon.vici() as session:
        session.rekey({what: "oregon"})

    def renewed() -> bool:
        now = {int(n) for n in re.findall(pattern, oregon.status())}
        return bool(now) and min(now) > max(before)

    oregon.until(renewed, 20, f"successor in rekey {turn}")
