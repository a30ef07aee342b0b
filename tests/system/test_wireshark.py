"""Wireshark decrypts what we sent, with the keys that `--export-keys` wrote: an independent check
of key derivation, encryption and integrity of IKE and ESP.

::

    oregon ---- 1:1 NAT ======== 1:1 NAT ---- peer
        ^ captured here
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from cygnet.lab import topology
from cygnet.lab.host import stop
from cygnet.lab.lab import Lab
from tests.peers import conf
from tests.peers.cygnet import Cygnet
from tests.rooted import needs_lab

pytestmark = [
    *needs_lab,
    pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed (apt-get install tshark)"),
    pytest.mark.skipif(
        not shutil.which("tcpdump"), reason="tcpdump is not installed (apt-get install tcpdump)"
    ),
]

#: (keyexchange, ike, esp); Wireshark 4.0 derives no IKEv1 key that is longer than its prf's output,
#: and decrypts no AES-CTR in IKEv2
SUITES = [
    ("ikev1", "aes128-sha256-modp2048", "aes128-sha256"),
    ("ikev1", "aes256-sha1-modp1536", "aes256-sha1"),
    ("ikev1", "aes128-md5-modp1024", "3des-md5"),
    ("ikev2", "aes128-sha256-x25519", "aes256gcm16"),
    ("ikev2", "aes256gcm16-prfsha384-ecp384", "aes128-sha512"),
    ("ikev2", "3des-md5-modp2048", "aes128ctr-sha256"),
]
KEYS, CAPTURE = "/run/keys", "/run/capture.pcap"
PINGS = 3


@pytest.mark.parametrize(
    ("version", "ike", "esp"), [pytest.param(*suite, id=" ".join(suite)) for suite in SUITES]
)
def test_wireshark_decrypts_ike_and_esp(version: str, ike: str, esp: str, tmp_path: Path) -> None:
    suite = {"keyexchange": version, "ike": f"{ike}!", "esp": f"{esp}!"}
    with Lab() as lab:
        a, b = topology.oregon(lab, round_trip=0.0, hosts=False)
        oregon = Cygnet(a, conf.conn(a, b, suite), conf.secrets(a, b))
        oregon.start("--export-keys", KEYS)
        with Cygnet(b, conf.conn(b, a, suite), conf.secrets(a, b)):
            capture = a.gateway.popen("tcpdump", "--immediate-mode", "-U", "-i", "eth0", "-w", CAPTURE)
            try:
                assert capture.stderr is not None
                assert "listening on" in capture.stderr.readline()
                oregon.up("oregon")
                assert oregon.ping(b, count=PINGS) == PINGS
                settled(a.gateway.path(CAPTURE))
            finally:
                stop(capture)
            shutil.copytree(a.gateway.path(KEYS), tmp_path / "profile")
            shutil.copy(a.gateway.path(CAPTURE), tmp_path / "capture.pcap")
    last = "isakmp.exchangetype == 32" if version == "ikev1" else "isakmp.exchangetype == 35"
    assert tshark(tmp_path, f"{last} && isakmp.id.data.ipv4_addr"), "IKE is not decrypted"
    assert len(tshark(tmp_path, "esp && icmp.type == 8")) == PINGS
    assert len(tshark(tmp_path, "esp && icmp.type == 0")) == PINGS
    if "gcm" not in esp:
        assert len(tshark(tmp_path, "esp.icv_good == 1")) == 2 * PINGS


def settled(file: Path) -> None:
    """Until the capture has not grown for a moment: tcpdump writes beside us."""
    size, since = -1, time.monotonic()
    while time.monotonic() - since < 0.5:
        if (now := file.stat().st_size) != size:
            size, since = now, time.monotonic()
        time.sleep(0.05)


def tshark(folder: Path, display_filter: str) -> list[str]:
    """Numbers of the packets that the filter finds in the decrypted capture."""
    result = subprocess.run(
        [
            *("tshark", "-r", str(folder / "capture.pcap"), "-Y", display_filter),
            *("-o", "esp.enable_encryption_decode:TRUE", "-o", "esp.enable_authentication_check:TRUE"),
            *("-T", "fields", "-e", "frame.number"),
        ],
        env={**os.environ, "WIRESHARK_CONFIG_DIR": str(folder / "profile")},
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout.split()
