"""RFC 3779 in IKE: a peer has no more of a tunnel than its certificate speaks for; both IKE versions.

oregon 10.31.0.0/16 ... far 10.77.0.0/16; the right end's certificate has address blocks.
"""

from __future__ import annotations

import pytest

from cygnet.crypto.issuing.extensions import address_blocks
from cygnet.model.config import IkeVersion
from cygnet.testing.pair import Host, Pair
from tests.certs import authority
from tests.exchange.certified import World, world

OID = "1.3.6.1.5.5.7.1.7"
VERSIONS = pytest.mark.parametrize("version", [IkeVersion.V1, IkeVersion.V2], ids=["ikev1", "ikev2"])


def blocks(*networks: str) -> list[tuple[str, bytes, bool]]:
    return [(OID, address_blocks(networks), True)]


def limited(*of_far: str) -> World:
    """The root has 10.0.0.0/8 and the right end's certificate ``of_far``."""
    root = authority("Root", raw=blocks("10.0.0.0/8"))
    of = world(root=root, raw=blocks("10.0.0.0/8"))
    of.right = root.issues("far", raw=blocks(*of_far), names=["DNS:far.example.org"])
    return of


def up(pair: Pair, host: Host) -> str:
    ref = host.up("oregon")
    assert pair.run(60, lambda: ref in host.finished)
    pair.run(1)
    return host.finished[ref].reason


def remote_ts(host: Host) -> list[str]:
    return [ts for child in host.installed() for ts in map(str, child.remote_ts)]


@VERSIONS
@pytest.mark.parametrize("end", ["left", "right"])
def test_a_peer_whose_certificate_has_it_all_gets_it_all(version: IkeVersion, end: str) -> None:
    pair = limited("10.64.0.0/12").pair(version)
    whole = remote_ts_of(pair, end)
    assert whole == remote_ts_of(world().pair(version), end), "as without address blocks"


def remote_ts_of(pair: Pair, end: str) -> list[str]:
    assert up(pair, getattr(pair, end)) == ""
    return remote_ts(pair.left)


@VERSIONS
@pytest.mark.parametrize("end", ["left", "right"])
def test_a_peer_is_narrowed_to_what_its_certificate_has(version: IkeVersion, end: str) -> None:
    (before,) = remote_ts_of(world().pair(version), end)
    part = before.split("/")[0] + "/28"
    assert part != before
    pair = limited(part).pair(version)
    assert up(pair, getattr(pair, end)) == ""
    assert remote_ts(pair.left) == [part]
    assert any("certificate speaks for" in line for line in pair.left.lines())


@VERSIONS
@pytest.mark.parametrize("end", ["left", "right"])
def test_a_peer_whose_certificate_has_none_of_it_gets_no_tunnel(version: IkeVersion, end: str) -> None:
    pair = limited("10.200.0.0/16").pair(version)
    assert up(pair, getattr(pair, end))
    assert not pair.left.installed()
    pair.run(5)
    assert not pair.right.installed()


def test_the_limit_outlives_a_rekeying_of_the_ike_sa() -> None:
    (before,) = remote_ts_of(world().pair(), "left")
    part = before.split("/")[0] + "/28"
    pair = limited(part).pair(rekey_time=600, rand_time=0)
    assert up(pair, pair.left) == ""
    (old,) = pair.left.ike_sas
    pair.run(1200)
    (new,) = pair.left.established()
    assert new.uid != old.uid
    pair.run(3600)
    assert set(remote_ts(pair.left)) == {part}, "also of the CHILD_SAs that were rekeyed since"


def test_a_certificate_beyond_its_issuers_blocks_is_refused() -> None:
    pair = limited("10.0.0.0/7").pair()
    assert "has address blocks outside its issuer's" in up(pair, pair.left)
