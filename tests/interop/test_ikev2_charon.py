"""IKEv2 with strongSwan's charon as responder and as initiator.

::

    10.31.0.1 - cygnet ---------------------- charon - 10.77.0.1      direct
    10.31.1.185 cygnet - 1:1 NAT ==== 1:1 NAT - charon 10.77.1.210    behind_nats
    10.31.0.1 - cygnet - home router -------- charon - 10.77.0.1      one_nat (ports change)
    2001:db8:31::1 - cygnet ------------- charon - 2001:db8:77::1     six

charon's ESP runs in user space (kernel-libipsec): UDP-encapsulated, tunnel mode only.
"""

from __future__ import annotations

import pytest

from cygnet.lab import topology
from tests.interop.scene import Scene, behind_nats, played, tunnel_stands
from tests.peers.charon import needs_charon
from tests.rooted import needs_lab

pytestmark = [*needs_lab, needs_charon, pytest.mark.interop]

V2 = {"keyexchange": "ikev2"}


def suite(ike: str, esp: str) -> dict[str, str]:
    return {**V2, "ike": f"{ike}!", "esp": f"{esp}!"}


#: one row for each family of algorithms; IKE and ESP vary together to keep the runs few
SUITES = [
    Scene("defaults of both", V2),
    Scene("3des-md5, group 2", suite("3des-md5-modp1024", "3des-md5")),
    Scene("aes-cbc 128 sha1, group 5", suite("aes128-sha1-modp1536", "aes128-sha1")),
    Scene("aes-cbc 192 sha384, group 14", suite("aes192-sha384-modp2048", "aes192-sha384")),
    Scene("aes-cbc 256 sha512, group 16", suite("aes256-sha512-modp4096", "aes256-sha512")),
    Scene("aes-ctr, group 15", suite("aes128ctr-sha256-modp3072", "aes128ctr-sha256")),
    Scene("aes-gcm 128, ecp256", suite("aes128gcm16-prfsha256-ecp256", "aes128gcm16")),
    Scene("aes-gcm 256, ecp384", suite("aes256gcm16-prfsha384-ecp384", "aes256gcm16")),
    Scene("aes-gcm with short tags, ecp521", suite("aes256gcm8-prfsha512-ecp521", "aes128gcm12")),
    Scene("aes-ccm, group 17", suite("aes128ccm16-prfsha256-modp6144", "aes256ccm8")),
    Scene("chacha20-poly1305, x25519", suite("chacha20poly1305-prfsha256-x25519", "chacha20poly1305")),
    Scene("curve448", suite("aes256-sha512-curve448", "aes256gcm16")),
    Scene("brainpool", suite("aes128-sha256-ecp256bp", "aes128-sha256")),
    Scene("aes-xcbc", suite("aes128-aesxcbc-modp2048", "aes128-aesxcbc")),
    Scene("aes-cmac", suite("aes128-aescmac-prfaescmac-modp2048", "aes128-sha256")),
]

WAYS = [
    Scene("both behind 1:1 NAT", V2, network=behind_nats),
    Scene("behind a home router", V2, network=topology.one_nat),
    Scene("IPv6", V2, network=topology.six),
    Scene("another group than guessed", suite("aes128-sha256-modp2048-ecp256", "aes128gcm16") | {
        "ike": "aes128-sha256-modp2048,aes128-sha256-ecp256"
    }, theirs={"ike": "aes128-sha256-ecp256!"}),
    Scene("without MOBIKE", {**V2, "mobike": "no"}),
    Scene("with keyexchange=ike on both ends", {"keyexchange": "ike"}),
]  # fmt: skip


@pytest.mark.parametrize("scene", SUITES + WAYS, ids=str)
def test_cygnet_brings_the_tunnel_up(scene: Scene) -> None:
    with played(scene) as (cygnet, charon):
        status, said = cygnet.ask("up", "oregon")
        assert said.endswith("connection 'oregon' established successfully\n")
        assert status == 0
        tunnel_stands(cygnet, charon)


@pytest.mark.parametrize("scene", [s for s in SUITES + WAYS if s.network is not topology.one_nat], ids=str)
def test_charon_brings_the_tunnel_up(scene: Scene) -> None:
    with played(scene) as (cygnet, charon):
        assert "connection 'oregon' established successfully" in charon.up("oregon")
        tunnel_stands(cygnet, charon)


FRAGMENTS = Scene("", V2, settings={"fragment_size": "320"})


def test_fragments_pass_both_ways_when_cygnet_asks() -> None:
    with played(FRAGMENTS) as (cygnet, charon):
        said = cygnet.up("oregon")
        assert "splitting IKE message" in said
        assert "established successfully" in said
        charon.says(r"received fragment #\d of \d, reassembled fragmented IKE message")
        tunnel_stands(cygnet, charon)


def test_fragments_pass_both_ways_when_charon_asks() -> None:
    with played(FRAGMENTS) as (cygnet, charon):
        said = charon.up("oregon")
        assert "splitting IKE message" in said
        assert "established successfully" in said
        cygnet.says(r"received fragment #\d of \d, reassembled fragmented IKE message")
        tunnel_stands(cygnet, charon)


def test_pfs_is_agreed_on_when_the_child_is_rekeyed() -> None:
    pfs = suite("aes128-sha256-x25519", "aes128gcm16-ecp256")
    short = {"lifetime": "60s", "margintime": "57s", "rekeyfuzz": "0%"}
    with played(Scene("", pfs, ours=short)) as (cygnet, charon):
        cygnet.up("oregon")
        charon.says(r"parsed CREATE_CHILD_SA request \d+ \[.* KE .*\]")
        cygnet.shows(r"oregon\{2\}:\s+INSTALLED")
        assert cygnet.ping(charon.end) == 3
