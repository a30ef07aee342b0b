"""The data planes by name, and how each is made."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from cygnet.daemon.udp import Sockets
from cygnet.dataplane.base import DataPlane
from cygnet.dataplane.tun.settings import TunSettings
from cygnet.model.config import Settings


@dataclass(frozen=True, slots=True)
class PlaneRow:
    """``mark`` goes on the IKE sockets too, so that rules treat IKE and ESP alike."""

    make: Callable[[TunSettings, Sockets], DataPlane]
    needs_root: bool
    mark: Callable[[TunSettings], int]


def _tun(settings: TunSettings, sockets: Sockets) -> DataPlane:
    from cygnet.dataplane.tun.plane import TunPlane

    return TunPlane(settings, sockets.esp)


def _memory(settings: TunSettings, sockets: Sockets) -> DataPlane:
    """Negotiates tunnels that carry nothing: for trying configurations without root."""
    from cygnet.dataplane.memory import MemoryPlane

    return MemoryPlane(time.monotonic, os.urandom, lambda *packet: None)


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
    )
