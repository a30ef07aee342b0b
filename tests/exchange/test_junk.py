"""Junk for IKE_SAs whose SPIs somebody has seen: it fills no log, and what is genuine is told as ever."""

from __future__ import annotations

import pytest

from cygnet.boundary.events import Datagram
from cygnet.engine.receipts import MOST_TOLD
from cygnet.model.config import IkeVersion
from cygnet.testing.builders import oregon
from cygnet.testing.pair import Host, Pair
from cygnet.wire.header import ExchangeType, Header

TYPES = {
    IkeVersion.V1: (
        ExchangeType.ID_PROT,
        ExchangeType.AGGRESSIVE,
        ExchangeType.QUICK_MODE,
        ExchangeType.INFORMATIONAL_V1,
    ),
    IkeVersion.V2: (
        ExchangeType.IKE_SA_INIT,
        ExchangeType.IKE_AUTH,
        ExchangeType.CREATE_CHILD_SA,
        ExchangeType.INFORMATIONAL,
    ),
}
FIRST_PAYLOADS = (0, 8, 11, 41, 46, 53, 132)  #: none, HASH, both NOTIFYs, SK, SKF, IKEv1 fragment


def junk(host: Host, version: IkeVersion, rounds: int) -> int:
    """Every kind of datagram with the right SPIs that proves nothing; how many there were."""
    (sa,) = host.ike_sas
    count = 0
    for number in range(rounds):
        body = bytes([0, 0, 0, 40]) + bytes((number + i) % 256 for i in range(60))
        for exchange in TYPES[version]:
            for first in FIRST_PAYLOADS:
                for flags in (0, 1, 0x20, 0x28):
                    header = Header(
                        sa.spi_i, sa.spi_r, first, exchange, flags, 7000 + number, 28 + 64,
                        major=1 if version is IkeVersion.V1 else 2,
                    )  # fmt: skip
                    host.handle(Datagram(sa.local, sa.remote, header.encode() + body))
                    count += 1
    return count


@pytest.mark.parametrize("version", [IkeVersion.V1, IkeVersion.V2])
def test_junk_for_an_established_ike_sa_is_not_told_at_level_1(version: IkeVersion) -> None:
    # --> anything with the SPIs of the IKE_SA, 560 times      <-- nothing
    pair = Pair(*oregon(version, ike="aes128-sha256-x25519"))
    pair.left.up("oregon")
    pair.run(5)
    for host in pair.hosts:
        before, sent = len(host.lines(1)), len(pair.network.log)
        assert junk(host, version, 5) == 560
        assert host.lines(1)[before:] == []
        assert sum("received packet: from" in line for line in host.lines(2)) > 560
        assert len(pair.network.log) == sent
    (before, seen) = len(pair.right.lines()), pair.left.down("oregon[1]")
    pair.run(5)
    assert seen in pair.left.finished and not pair.right.ike_sas
    told = pair.right.lines()[before:]
    assert told[0].startswith("received packet: from") and told[1].startswith("parsed INFORMATIONAL")


@pytest.mark.parametrize("version", [IkeVersion.V1, IkeVersion.V2])
def test_of_junk_for_a_negotiation_the_first_lines_are_told(version: IkeVersion) -> None:
    # --> the first message; nobody answers but one who has seen it
    pair = Pair(*oregon(version, ike="aes128-sha256-x25519"))
    pair.network.filter = lambda source, destination, data: None
    pair.left.up("oregon")
    before = len(pair.left.lines())
    junk(pair.left, version, 5)
    told = pair.left.lines()[before:]
    assert 0 < len(told) <= 2 * MOST_TOLD
    assert pair.left.ike_sas
