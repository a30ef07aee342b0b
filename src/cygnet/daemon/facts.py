"""What the daemon knows about itself and the machine, for statusall, stats and listalgs."""

from __future__ import annotations

import os
import time
from functools import cache
from pathlib import Path

from cygnet import __version__
from cygnet.control.view import Facts
from cygnet.crypto import encr, hash, integ, ke, names, prf
from cygnet.values.iana import KeId, TransformType
from cygnet.values.proposal import Transform

Algorithms = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


@cache
def algorithms() -> Algorithms:
    """By vici's kinds, from the rows of ``crypto``; each with the library that does the work."""
    library = "cryptography"

    def spelt(kind: TransformType, id: int) -> str:
        return names.transform_text(Transform(kind, id))

    plain = [row for row in encr.ROWS if not row.aead]
    aead = [row for row in encr.ROWS if row.aead]
    kinds: tuple[tuple[str, list[str], str], ...] = (
        ("encryption", [spelt(TransformType.ENCR, row.id) for row in plain], library),
        ("integrity", [spelt(TransformType.INTEG, row.id) for row in integ.ROWS], library),
        ("aead", [spelt(TransformType.ENCR, row.id) for row in aead], library),
        ("hasher", [f"HASH_{name.upper()}" for name in hash.HASH_OF_PRF.values()], "hashlib"),
        ("prf", [spelt(TransformType.PRF, row.id) for row in prf.ROWS], library),
        ("ke", [names.ke_text(row.id) for row in ke.ROWS if row.id != KeId.NONE], library),
        ("rng", ["RNG_STRONG"], "getrandom"),
    )
    return tuple((kind, tuple((name, provider) for name in found)) for kind, found, provider in kinds)


def greeting(plane: str, ports: tuple[int, int]) -> str:
    """The log's first line, as charon begins its own."""
    system = os.uname()
    where = f"{system.sysname} {system.release}, {system.machine}"
    return (
        f"Starting IKE daemon (cygnet {__version__}, {where}; "
        f"{plane} data plane, ports {ports[0]} and {ports[1]})"
    )


def gather(
    *, started: float, since: float, addresses: tuple[str, ...], ports: tuple[int, int], plane: str,
    scheduled: int,
) -> Facts:  # fmt: skip
    """``started`` is monotonic, ``since`` wall-clock; both in seconds."""
    system = os.uname()
    return Facts(
        version=__version__,
        sysname=system.sysname,
        release=system.release,
        machine=system.machine,
        pid=os.getpid(),
        since=since,
        uptime=time.monotonic() - started,
        addresses=addresses,
        ports=ports,
        data_plane=plane,
        memory=_resident(),
        scheduled=scheduled,
        algorithms=algorithms(),
    )


def _resident() -> int:
    """Bytes of memory in use, proc(5)'s statm; 0 where there is no /proc."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
