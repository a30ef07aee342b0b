"""RFC 2408 §3.2. What all payloads have in common, and those that cygnet does not know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from cygnet.wire.ikev1.numbers import Notify, PayloadType
from cygnet.wire.reader import Reader
from cygnet.wire.writer import Writer


class Payload(Protocol):
    """A payload's body; the generic header around it belongs to ``message``."""

    @property
    def type(self) -> PayloadType: ...

    def encode(self, writer: Writer) -> None: ...


@dataclass(frozen=True, slots=True)
class Unknown:
    """A payload type without a row in PAYLOADS: its bytes are kept."""

    type: PayloadType
    data: bytes

    def encode(self, writer: Writer) -> None:
        writer.put(self.data)


def read(data: bytes, what: str) -> Reader:
    """A reader whose errors become PAYLOAD_MALFORMED."""
    return Reader(data, what, malformed=Notify.PAYLOAD_MALFORMED)
