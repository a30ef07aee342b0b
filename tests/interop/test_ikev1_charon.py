"""IKEv1 with strongSwan's charon as responder and as initiator.

::

    10.31.0.1 - cygnet ---------------------- charon - 10.77.0.1      direct
    10.31.1.185 cygnet - 1:1 NAT ==== 1:1 NAT - charon 10.77.1.210    behind_nats
    10.31.0.1 - cygnet - home router -------- charon - 10.77.0.1      one_nat (ports change)

charon's ESP runs in user space (kernel-libipsec) and is UDP-encapsulated in every case.
"""

from __future__ import annotations

import pytest

from cygnet.lab import topology
from tests.interop.scene import Scene, behind_nats, played, tunnel_stands
from tests.peers.charon import needs_charon
from tests.rooted import needs_lab

pytestmark = [*needs_lab, needs_charon, pytest.mark.interop]


def suite(ike: str, esp: str) -> dict[str, str]:
    return {"ike": f"{ike}!", "esp": f"{esp}!"}


#: one row for each family of algorithms; IKE and ESP vary together to keep the runs few
SUITES = [
    Scene("defaults of both"),
    Scene("3des-md5, group 2", suite("3des-md5-modp1024", "3des-md5")),
    Scene("aes-cbc 128 sha1, group 5", suite("aes128-sha1-modp1536", "aes128-sha1")),
    Scene("aes-cbc 192 sha256, group 14, PFS", suite("aes192-sha256-modp2048", "aes192-sha256-modp2048")),
    Scene("aes-cbc 256 sha384, group 15", suite("aes256-sha384-modp3072", "aes256-sha384")),
    Scene("aes-cbc 256 sha512, group 16", suite("aes256-sha512-modp4096", "aes256-sha512")),
    Scene("aes-ctr, ecp256, PFS", suite("aes128-sha256-ecp256", "aes128ctr-sha256-ecp256")),
    Scene("aes-gcm 128, ecp384, PFS", suite("aes128-sha256-ecp384", "aes128gcm16-ecp384")),
    Scene("aes-gcm 256, ecp521", suite("aes256-sha512-ecp521", "aes256gcm16")),
    Scene("aes-gcm with a short tag", suite("aes128-sha256-modp2048", "aes128gcm8")),
    Scene("aes-ccm, group 17", suite("aes128-sha256-modp6144", "aes128ccm16")),
    Scene("curve25519, PFS", suite("aes128-sha256-curve25519", "aes256gcm16-curve25519")),
    Scene("aes-xcbc for ESP", suite("aes128-sha256-modp2048", "aes128-aesxcbc")),
]

WAYS = [
    Scene("main mode, both behind 1:1 NAT", network=behind_nats),
    Scene("main mode, behind a home router", network=topology.one_nat),
    Scene("main mode, fragmented", {"fragmentation": "force"}),
    Scene(
        "aggressive mode",
        {"aggressive": "yes", "ike": "aes128-sha256-modp2048!"},
        settings={"i_dont_care_about_security_and_use_aggressive_mode_psk": "yes"},
    ),
    Scene(
        "aggressive mode, behind a home router",
        {"aggressive": "yes", "ike": "aes128-sha256-modp2048!"},
        network=topology.one_nat,
        settings={"i_dont_care_about_security_and_use_aggressive_mode_psk": "yes"},
    ),
]


@pytest.mark.parametrize("scene", SUITES + WAYS, ids=str)
def test_cygnet_brings_the_tunnel_up(scene: Scene) -> None:
    with played(scene) as (cygnet, charon):
        status, said = cygnet.ask("up", "oregon")
        assert said.endswith("connection 'oregon' established successfully\n")
        assert status == 0
        tunnel_stands(cygnet, charon)


@pytest.mark.parametrize(
    "scene", [s for s in SUITES + WAYS if s.network is not topology.one_nat], ids=str
)  # nobody reaches a host behind a home router unasked
def test_charon_brings_the_tunnel_up(scene: Scene) -> None:
    with played(scene) as (cygnet, charon):
        assert "connection 'oregon' established successfully" in charon.up("oregon")
        tunnel_stands(cygnet, charon)
