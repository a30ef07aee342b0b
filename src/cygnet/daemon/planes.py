"""The data planes by name, and how each is made."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from cygnet.daemon.udp import Sockets
from cygnet.dataplane.base import DataPlane
from cygnet.dataplane.tun.settings import TunSettings
from cygnet.model.config import Settings
from cygnet.values.endpoint import Endpoint


@runtime_checkable
class Watched(Protocol):
    """A plane that works in another process: its reports are fetched when its fd is readable."""

    def fileno(self) -> int: ...

    def process_reports(self) -> None: ...

    def stray_esp(self, local: Endpoint, remote: Endpoint, packet: bytes) -> None:
        """An ESP packet that came to the IKE socket in a train of IKE messages."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a plane is made of. ``stray_ike`` takes IKE messages that came in a train of ESP."""

    settings: TunSettings
    sockets: Sockets
    stray_ike: Callable[[Endpoint, Endpoint, bytes], None]
    log: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class PlaneRow:
    """``mark`` goes on the IKE sockets too, so that rules treat IKE and ESP alike."""

    make: Callable[[Parts], DataPlane]
    needs_root: bool
    mark: Callable[[TunSettings], int]


def _tun(parts: Parts) -> DataPlane:
    from cygnet.dataplane.tun.plane import TunPlane

    return TunPlane(list(parts.sockets.esp.values()), parts.settings, parts.stray_ike, parts.log)


def _memory(parts: Parts) -> DataPlane:
    """Negotiates tunnels that carry nothing: for trying configurations without root."""
    from cygnet.dataplane.memory import MemoryPlane

    return MemoryPlane(time.monotonic, transmit=lambda *packet: None)


PLANES: dict[str, PlaneRow] = {
    "tun": PlaneRow(_tun, True, lambda settings: settings.mark),
    "memory": PlaneRow(_memory, False, lambda settings: 0),
}


def tun_settings(settings: Settings, device: str) -> TunSettings:
    """What the configuration says of the userspace plane."""
    defaults = TunSettings()
    return TunSettings(
        device=device or defaults.device,
        routing_table=settings.routing_table,
        routing_table_prio=settings.routing_table_prio,
        set_routes=settings.install_routes,
        drop_unprotected=settings.drop_unprotected,
    )
