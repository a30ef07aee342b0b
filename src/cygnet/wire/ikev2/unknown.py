"""RFC 7296 §2.5. A payload of a type that we do not know: kept as it came.

Without the critical flag it is passed over; with it the whole message is refused
(``message.check_critical``).
"""

from __future__ import annotations

from dataclasses import dataclass

from cygnet.wire.ikev2.numbers import PayloadType


@dataclass(frozen=True, slots=True)
class UnknownPayload:
    type: PayloadType
    data: bytes
    critical: bool = False

    def encode(self) -> bytes:
        return self.data

    def __str__(self) -> str:
        return f"({self.type:d})"
