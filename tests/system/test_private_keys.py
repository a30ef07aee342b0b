"""Where a private key is and where it is not: in the daemon, and not in its packet worker.

10.31.0.1 - west -------------------- east - 10.77.0.1
        192.0.2.1                 192.0.2.2
"""

from __future__ import annotations

import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from cygnet.lab import topology
from cygnet.lab.lab import Lab
from tests.peers.cygnet import Cygnet
from tests.rooted import needs_lab
from tests.system.test_pki_gateway import placed

pytestmark = needs_lab


#: run beside the daemon, whose pids only its own host knows: which processes have one of these bytes in
#: what they can write to (heap, stacks, anonymous mappings)
SCAN = """
import pathlib, sys
forms = [bytes.fromhex(one) for one in sys.argv[1:]]
for process in pathlib.Path("/proc").glob("[0-9]*"):
    words = (process / "cmdline").read_bytes().split(bytes(1))
    module = next((w.decode() for w in words if w.startswith(b"cygnet.")), "")
    if not module:
        continue
    found = False
    with (process / "mem").open("rb") as memory:
        for line in (process / "maps").read_text().splitlines():
            span, flags, *_ = line.split()
            start, end = (int(x, 16) for x in span.split("-"))
            if flags.startswith("rw"):
                memory.seek(start)
                part = memory.read(end - start)
                found = found or any(form in part for form in forms)
    print(module, "has it" if found else "has it not")
"""


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
        size = key.key_size // 8
        forms = value.to_bytes(size, "big"), value.to_bytes(size, "little"), pem.splitlines()[1]
        with (
            Cygnet(east, *placed(made, "east", east.gateway)) as there,
            Cygnet(west, *placed(made, "west", west.gateway)) as here,
        ):
            assert here.ping(there.end) == 3
            found = west.gateway.run(sys.executable, "-c", SCAN, *(form.hex() for form in forms))
            assert sorted(found.stdout.splitlines()) == [
                "cygnet.daemon has it",  # else nothing is proved
                "cygnet.dataplane.tun.worker has it not",
            ]
