"""The message that an IKE_SA is acting on."""

from __future__ import annotations

from dataclasses import dataclass

from cygnet.boundary.events import Datagram
from cygnet.wire.ikev2.numbers import PayloadType


@dataclass(frozen=True, slots=True)
class Arrived:
    """As it came: ``plain`` is what was inside SK, beginning with a payload of type ``first``."""

    event: Datagram
    plain: bytes = b""
    first: PayloadType = PayloadType.NONE
