"""RFC 7296 §3.1. An IKEv2 message: header fields and payloads, in the clear or opened.

A message under protection is decoded in two steps: ``Message.decode`` gives its clear
payloads with an ``SkPayload`` (or ``SkfPayload``) as the last, ``sealing.unseal`` opens that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from cygnet.values.errors import PeerError
from cygnet.wire.header import (
    FLAG_INITIATOR,
    FLAG_RESPONSE,
    HEADER_LENGTH,
    ExchangeType,
    Header,
)
from cygnet.wire.ikev2.chain import decode_chain, encode_chain, first_type, names
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.payload import Payload
from cygnet.wire.ikev2.unknown import UnknownPayload

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Message:
    """``from_initiator``: sent by the IKE_SA's original initiator (the I flag), not the exchange's."""

    spi_i: bytes
    spi_r: bytes
    exchange: ExchangeType
    message_id: int
    from_initiator: bool
    response: bool
    payloads: tuple[Payload, ...] = ()

    @classmethod
    def decode(cls, data: bytes, header: Header, only: frozenset[int] | None = None) -> Message:
        """The message in the datagram ``data``, whose ``header`` has been read already; ``only``: no
        other payloads than of these types are looked at."""
        return cls(
            header.spi_i,
            header.spi_r,
            header.exchange,
            header.message_id,
            bool(header.flags & FLAG_INITIATOR),
            bool(header.flags & FLAG_RESPONSE),
            tuple(decode_chain(header.next_payload, data, HEADER_LENGTH, only)),
        )

    def encode(self) -> bytes:
        body = encode_chain(self.payloads)
        return self.header(first_type(self.payloads), len(body)) + body

    def with_payloads(self, payloads: tuple[Payload, ...]) -> Message:
        return Message(
            self.spi_i,
            self.spi_r,
            self.exchange,
            self.message_id,
            self.from_initiator,
            self.response,
            payloads,
        )

    def header(self, first: int, body_length: int) -> bytes:
        """The 28 bytes in front of a body that begins with payload type ``first``."""
        flags = FLAG_INITIATOR * self.from_initiator | FLAG_RESPONSE * self.response
        return Header(
            self.spi_i,
            self.spi_r,
            first,
            self.exchange,
            flags,
            self.message_id,
            HEADER_LENGTH + body_length,
        ).encode()

    def all(self, kind: type[P]) -> Iterator[P]:
        return (p for p in self.payloads if isinstance(p, kind))

    def first(self, kind: type[P]) -> P | None:
        return next(self.all(kind), None)

    def need(self, kind: type[P]) -> P:
        """The first payload of that kind. Raises PeerError(INVALID_SYNTAX) where there is none."""
        found = self.first(kind)
        if found is None:
            name = kind.__name__.removesuffix("Payload")
            raise PeerError(NotifyType.INVALID_SYNTAX, f"{self.title} without {name} payload")
        return found

    def notify(self, kind: NotifyType) -> NotifyPayload | None:
        return next(self.notifies(kind), None)

    def notifies(self, kind: NotifyType) -> Iterator[NotifyPayload]:
        return (n for n in self.all(NotifyPayload) if n.kind == kind)

    def error(self) -> NotifyPayload | None:
        """The first notify of an error type."""
        return next((n for n in self.all(NotifyPayload) if n.kind.is_error), None)

    @property
    def title(self) -> str:
        return f"{self.exchange} {'response' if self.response else 'request'} {self.message_id}"

    def __str__(self) -> str:
        """``IKE_SA_INIT request 0 [ SA KE No N(NATD_S_IP) ]`` as strongSwan logs it."""
        return f"{self.title} {names(self.payloads)}"


def check_critical(message: Message) -> None:
    """RFC 7296 §2.5: an unknown payload with the critical flag: "it MUST reject the message".

    The notification's data is the type number, one byte.
    """
    for payload in message.all(UnknownPayload):
        if payload.critical:
            raise PeerError(
                NotifyType.UNSUPPORTED_CRITICAL_PAYLOAD,
                f"{message.title} has a critical payload of unknown type {payload.type:d}",
                payload.type.to_bytes(1),
            )
