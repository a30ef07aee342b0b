"""What command handlers may see of the daemon: values only, never an engine or a socket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from cygnet.boundary.snapshot import Snapshot
from cygnet.boundary.specs import SaId, SaUsage
from cygnet.credentials.held import Held

Usages = Mapping[SaId, SaUsage]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the daemon knows about itself."""

    version: str
    sysname: str
    release: str
    machine: str
    pid: int
    since: float  #: wall-clock start, seconds since the epoch
    uptime: float  #: seconds
    addresses: tuple[str, ...]  #: the machine's addresses that IKE is answered on
    ports: tuple[int, int]  #: IKE and NAT-T
    data_plane: str
    memory: int  #: resident set, bytes
    scheduled: int  #: timers kept
    algorithms: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    #: (kind, ((name, provider), ...)): kind is vici's: encryption, integrity, aead, hasher, prf, ke, rng


class View(Protocol):
    def snapshot(self) -> Snapshot: ...

    def facts(self) -> Facts: ...

    def held(self) -> Held: ...
