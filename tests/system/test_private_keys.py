"""Where a private key is and where it is not: in the daemon, and not in its packet worker.

10.31.0.1 - west -------------------- east - 10.77.0.1
        192.0.2.1                 192.0.2.2
"""

from __future__ import annotations

import shutil
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from cygnet.lab import topology
from cygnet.lab.lab import Lab
from tests.peers.cygnet import Cygnet
from tests.rooted import needs_lab
from tests.system.test_pki_gateway import placed

pytestmark = needs_lab


def memory(pid: int) -> list[bytes]:
    """What a process can write to and read: heap, stacks, anonymous mappings."""
    found = []
    with Path(f"/proc/{pid}/mem").open("rb") as mem:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, flags, *_ = line.split()
            start, end = (int(x, 16) for x in span.split("-"))
            if flags.startswith("rw"):
                mem.seek(start)
                found.append(mem.read(end - start))
    return found


def children(pid: int) -> list[int]:
    return [int(p) for t in Path(f"/proc/{pid}/task").iterdir() for p in (t / "children").read_text().split()]


def test_the_packet_worker_never_had_the_private_keys() -> None:
    with Lab() as lab:
        west, east = topology.direct(lab, ("west", "east"))
        ends = [f"{end.gateway.name}={end.address},{end.network}" for end in (west, east)]
        made = Path(west.gateway.path("/root/pki"))
        west.gateway.run("cygnet", "pki", "gateway", "--type", "ecdsa", "--out", "/root/pki", *ends)
        for end in (west, east):
            end.gateway.run("ip", "route", "replace", "default", "dev", "eth0", "src", end.address)
        pem = (made / "private" / "west.pem").read_bytes()
        key = load_pem_private_key(pem, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        value = key.private_numbers().private_value
        forms = [form for order in ("big", "little") for form in [value.to_bytes(key.key_size // 8, order)]]
        forms.append(pem.splitlines()[1])
        with (
            Cygnet(east, *placed(made, "east", east.gateway)) as there,
            Cygnet(west, *placed(made, "west", west.gateway)) as here,
        ):
            assert here.ping(there.end) == 3
            (worker,) = children(here.pid)
            assert b"worker" in Path(f"/proc/{worker}/cmdline").read_bytes()
            assert any(form in part for part in memory(here.pid) for form in forms), "the test can find it"
            assert not any(form in part for part in memory(worker) for form in forms)
    shutil.rmtree(made, ignore_errors=True)
