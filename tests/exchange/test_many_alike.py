"""Several conns between the same two addresses and identities, which differ in what merging needs alike.

A responder of IKEv1 knows which one is meant when Quick Mode names the networks, and no sooner.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from cygnet.model.config import CloseAction, Config, IkeVersion, StartAction, Unique
from cygnet.testing.builders import FAR, OREGON, OREGON_PUBLIC, connection, psk
from cygnet.testing.network import Faults
from cygnet.testing.pair import Pair

COUNT = 5
NAMES = [f"c{n}" for n in range(COUNT)]
VERSIONS = pytest.mark.parametrize("version", [IkeVersion.V1, IkeVersion.V2], ids=["ikev1", "ikev2"])
STARTERS = pytest.mark.parametrize("both", [False, True], ids=["left starts", "both start"])
REAUTH = 300


def alike(version: IkeVersion, both: bool, seed: int, **how: object) -> Pair:
    """Right answers, or starts as well; each conn has another lifetime."""

    def end(starts: bool, right: bool) -> Config:
        found = []
        for n, name in enumerate(NAMES):
            ts = (f"10.{100 + n}.0.0/16", f"10.{200 + n}.0.0/16")
            place = {"local": FAR, "remote": OREGON_PUBLIC, "remote_id": OREGON} if right else {}
            one = connection(
                name,
                local_ts=ts[right],
                remote_ts=ts[not right],
                version=version,
                ike="aes128-sha256-curve25519",
                esp="aes128gcm16",
                child={
                    "start_action": StartAction.START if starts else StartAction.NONE,
                    "dpd_action": CloseAction.START,
                },
                **place,  # type: ignore[arg-type]
            )
            terms = {"unique": Unique.REPLACE, "dpd_delay": 30.0, "rekey_time": 0, "rand_time": 20, **how}
            found.append(replace(one, reauth_time=REAUTH + 20 * n, over_time=60, **terms))  # type: ignore[arg-type]
        return Config(tuple(found), (psk(),))

    faults = Faults(delay=0.05, jitter=0.02)
    return Pair(end(True, False), end(both, True), start=True, seed=seed, faults=faults)


def carried(pair: Pair) -> list[Counter[str]]:
    """What is installed at each end, by name, and that each IKE_SA has what its conn has."""
    found = []
    for host in pair.hosts:
        sas = [s for s in host.ike_sas if s.established_at is not None]
        for sa in sas:
            assert all(c.name == sa.name for c in sa.children), (host.name, sa.name, sa.children)
        found.append(
            Counter(c.name for sa in sas for c in sa.children if c.state in ("INSTALLED", "REKEYING"))
        )
    return found


def pairs(pair: Pair) -> list[set[tuple[str, int, int]]]:
    """(name, one SPI, the other one) of what is installed, from left to right."""
    left, right = ([c for s in h.ike_sas for c in s.children if c.state == "INSTALLED"] for h in pair.hosts)
    return [{(c.name, c.spi_in, c.spi_out) for c in left}, {(c.name, c.spi_out, c.spi_in) for c in right}]


def came_up(pair: Pair) -> int:
    lines = pair.left.lines() + pair.right.lines()
    return sum("CHILD_SA" in line and "established with SPIs" in line for line in lines)


@VERSIONS
@STARTERS
@pytest.mark.parametrize("seed", range(4))
def test_each_conn_has_its_own_and_none_flaps(version: IkeVersion, both: bool, seed: int) -> None:
    pair = alike(version, both, seed)
    pair.run(120)
    every = Counter(NAMES)
    assert carried(pair) == [every, every]
    assert pairs(pair)[0] == pairs(pair)[1]
    before = came_up(pair)
    pair.run(80)  # nothing is due
    assert came_up(pair) == before
    for _ in range(8):  # over a reauthentication of each, and more
        pair.run(50)
        assert all(set(found) == set(NAMES) for found in carried(pair)), carried(pair)
    pair.run(100, lambda: pairs(pair)[0] == pairs(pair)[1] and carried(pair) == [every, every])
    assert carried(pair) == [every, every]
    assert pairs(pair)[0] == pairs(pair)[1]
    for host in pair.hosts:
        assert Counter(s.name for s in host.ike_sas if s.state == "ESTABLISHED") == every
    # two renewals, by one end or the other
    assert came_up(pair) - before <= 2 * COUNT * 4
