"""Wireshark as a third opinion: tshark opens what we sent with the keys that `--export-keys` wrote,
and without them nothing.

::

    10.31.0.1 - cygnet ---------------------- cygnet - 10.77.0.1     ESP as IP protocol 50
    10.31.1.185 cygnet - 1:1 NAT == 1:1 NAT - cygnet 10.77.1.210     ESP in UDP
    10.31.0.1 - cygnet ---------------------- charon - 10.77.0.1     ESP in UDP
                            captured here ^

What it shows it has decrypted and checked itself: payloads, ICVs, inner packets.
Wireshark 4.0 opens no AES-CTR in IKEv2, no IKEv1 key longer than what its prf gives, and no
ChaCha20 or AES-CCM in ESP: such suites are not in the tables here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from cygnet.lab import topology
from cygnet.lab.lab import Lab
from cygnet.lab.topology import End
from tests.interop.scene import Network, behind_nats
from tests.peers import conf
from tests.peers.charon import Charon, needs_charon
from tests.peers.exporting import TABLES, Exporting
from tests.peers.gateway import Gateway
from tests.peers.tshark import capture, fields, needs_tshark, tree
from tests.rooted import needs_lab

pytestmark = [*needs_lab, needs_tshark, pytest.mark.interop]

PINGS = 3

V1 = [
    ("aes128-sha256-modp2048", "aes128-sha256"),
    ("aes256-sha512-ecp256", "aes256gcm16-ecp256"),
    ("3des-sha1-modp1536", "3des-sha1"),
]
V2 = [
    ("aes128-sha256-x25519", "aes128-sha256"),
    ("aes256gcm16-prfsha384-ecp384", "aes256gcm16"),
    ("aes128ccm16-prfsha256-x25519", "aes128ctr-sha384"),
    ("3des-sha1-modp2048", "null-sha512"),
    ("aes128-aesxcbc-modp2048", "aes128-aesxcbc"),
]
BETWEEN_CYGNETS = [
    *(("ikev1", *suite, topology.direct) for suite in V1),
    *(("ikev2", *suite, topology.direct) for suite in V2),
    ("ikev1", *V1[0], behind_nats),
    ("ikev2", *V2[1], behind_nats),
]
#: with charon one row for each kind of protection
WITH_CHARON = [("ikev1", *V1[0]), ("ikev1", *V1[1]), ("ikev2", *V2[0]), ("ikev2", *V2[1])]


@contextlib.contextmanager
def ends(
    peer: type[Gateway], suite: dict[str, str], network: Network = topology.direct
) -> Iterator[tuple[Exporting, Gateway]]:
    with Lab() as lab:
        a, b = network(lab, ("cygnet", "peer"))
        secrets = conf.secrets(a, b)
        with (
            Exporting(a, conf.conn(a, b, suite), secrets) as cygnet,
            peer(b, conf.conn(b, a, suite), secrets) as other,
        ):
            yield cygnet, other


def tunnel_used_and_closed(first: Gateway, second: Gateway, file: Path) -> tuple[End, End]:
    """Everything on the link, from the first message to the delete."""
    with capture(second.host, file):
        assert "established successfully" in first.up("oregon")
        assert first.ping(second.end, PINGS) == PINGS
        first.ask("down", "oregon")
        second.shows(r"\(0 up, 0 connecting\)")
    return first.end, second.end


ID, TS, DELETED = "isakmp.id.data.ipv4_addr", "isakmp.ts.start_ipv4", "isakmp.delete.spi"


def of_both(first: End, second: End) -> str:
    """Their networks in the order in which the initiator's offer has them."""
    return ",".join(end.network.partition("/")[0] for end in (first, second))


def ikev1_is_open(file: Path, keys: Path, first: End, second: End) -> None:
    identities = fields(file, keys, "isakmp.exchangetype == 2", [ID])
    assert identities[-2:] == [(first.address,), (second.address,)]
    quick = fields(file, keys, "isakmp.exchangetype == 32", [ID])
    shown = [row for row in quick if any(row)]  # tshark does not open what a busy machine sends twice
    assert shown[:2] == [(of_both(first, second),)] * 2, "IDci, IDcr"
    assert fields(file, keys, "isakmp.exchangetype == 5 && isakmp.delete.spi", [DELETED])


def ikev2_is_open(file: Path, keys: Path, first: End, second: End) -> None:
    auth = fields(file, keys, "isakmp.exchangetype == 35", [ID, TS])
    assert [identities.split(",")[0] for identities, _ in auth] == [first.address, second.address]
    assert [selectors for _, selectors in auth] == [of_both(first, second)] * 2
    text = tree(file, keys, "isakmp.exchangetype == 35 || isakmp.exchangetype == 37")
    assert "Payload: Delete (42)" in text
    assert "[incorrect" not in text


IKE_IS_OPEN = {"ikev1": ikev1_is_open, "ikev2": ikev2_is_open}


def esp_is_open(file: Path, keys: Path, first: End, second: End, checked: bool) -> None:
    """Every ping with its answer, each with the ICV that tshark computes."""
    good = str(int(checked))
    there = ("8", f"{first.public},{first.inner}", good)
    back = ("0", f"{second.address},{second.inner}", good)
    echoes = fields(file, keys, "esp && icmp", ["icmp.type", "ip.src", "esp.icv_good"])
    assert sorted(echoes) == sorted([there, back] * PINGS)


def nothing_is_open(file: Path, without: Path) -> None:
    without.mkdir()
    assert not fields(file, without, f"icmp || {ID} || {TS} || {DELETED}", ["ip.src"])


def same_keys(ours: Path, theirs: Path) -> None:
    """Only the tables' names are told: keys do not belong in a test's output."""
    rows = {t: [sorted((d / t).read_text().splitlines()) for d in (ours, theirs)] for t in TABLES}
    different = [table for table, (first, second) in rows.items() if first != second]
    assert not different


@pytest.mark.parametrize(("version", "ike", "esp", "network"), BETWEEN_CYGNETS)
def test_tshark_opens_a_tunnel_between_cygnets(
    version: str, ike: str, esp: str, network: Network, tmp_path: Path
) -> None:
    file, keys = tmp_path / "capture", tmp_path / "keys"
    suite = {"keyexchange": version, "ike": f"{ike}!", "esp": f"{esp}!"}
    with ends(Exporting, suite, network) as (cygnet, other):
        first, second = tunnel_used_and_closed(cygnet, other, file)
        cygnet.hand_over_keys(keys)
        assert isinstance(other, Exporting)
        same_keys(keys, other.hand_over_keys(tmp_path / "theirs"))
    nothing_is_open(file, tmp_path / "without")
    IKE_IS_OPEN[version](file, keys, first, second)
    esp_is_open(file, keys, first, second, checked="xcbc" not in esp)


@needs_charon
@pytest.mark.parametrize("initiator", ["cygnet", "charon"])
@pytest.mark.parametrize(("version", "ike", "esp"), WITH_CHARON)
def test_tshark_opens_a_tunnel_with_charon(
    version: str, ike: str, esp: str, initiator: str, tmp_path: Path
) -> None:
    file, keys = tmp_path / "capture", tmp_path / "keys"
    suite = {"keyexchange": version, "ike": f"{ike}!", "esp": f"{esp}!"}
    with ends(Charon, suite) as (cygnet, charon):
        pair = (cygnet, charon) if initiator == "cygnet" else (charon, cygnet)
        first, second = tunnel_used_and_closed(*pair, file)
        cygnet.hand_over_keys(keys)
    nothing_is_open(file, tmp_path / "without")
    IKE_IS_OPEN[version](file, keys, first, second)
    esp_is_open(file, keys, first, second, checked=True)
