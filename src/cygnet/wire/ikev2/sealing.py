"""RFC 7296 §3.14, RFC 7383. Closing a message into SK or SKF payloads, and opening them.

What is sealed with which key is the engine's matter: it passes a ``Protector``. Its
associated data is everything in front of the IV (RFC 5282 §5.1), which is also what goes
under the MAC of a cipher that needs one.
"""

from __future__ import annotations

from typing import Protocol

from cygnet.wire.header import HEADER_LENGTH
from cygnet.wire.ikev2.chain import decode_chain, encode_chain, first_type, generic_header
from cygnet.wire.ikev2.encrypted import SkfPayload, SkPayload
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.numbers import PayloadType
from cygnet.wire.ikev2.payload import Payload, bad_syntax

_GENERIC = 4
_FRAGMENT = 4  #: fragment number and total
MAX_FRAGMENTS = 255  #: our bound; RFC 7383 allows 65535


class Protector(Protocol):
    """One direction of an IKE_SA's SK_e and SK_a."""

    def sealed_length(self, plaintext: int) -> int:
        """Bytes of IV, padded ciphertext and ICV for that many bytes of plaintext."""

    def seal(self, head: bytes, plaintext: bytes) -> bytes:
        """IV, ciphertext and ICV. ``head``: all of the message in front of the IV."""

    def open(self, head: bytes, sealed: bytes) -> bytes:
        """The plaintext without padding. Raises PeerError(0) where the integrity check fails."""


def seal(message: Message, protector: Protector, plain: bytes) -> bytes:
    """The whole message, with payloads ``plain``, in one SK payload."""
    length = protector.sealed_length(len(plain))
    head = message.header(PayloadType.SK, _GENERIC + length)
    head += generic_header(first_type(message.payloads), length)
    return head + protector.seal(head, plain)


def seal_message(message: Message, protector: Protector, limit: int) -> tuple[list[bytes], bytes]:
    """The datagrams of a message and the plaintext of its payloads: one SK payload where that makes
    at most ``limit`` bytes, else fragments.

    "the fragments MUST be numbered from 1", every one is sealed on its own (RFC 7383 §2.5).
    """
    plain = encode_chain(message.payloads)
    if HEADER_LENGTH + _GENERIC + protector.sealed_length(len(plain)) <= limit:
        return [seal(message, protector, plain)], plain
    size = _chunk_size(protector, limit)
    chunks = [plain[i : i + size] for i in range(0, len(plain), size)]
    if len(chunks) > MAX_FRAGMENTS:
        raise ValueError(f"a message of {len(plain)} bytes needs {len(chunks)} fragments of {size}")
    datagrams = [
        _seal_fragment(message, protector, chunk, number, len(chunks))
        for number, chunk in enumerate(chunks, start=1)
    ]
    return datagrams, plain


def _chunk_size(protector: Protector, limit: int) -> int:
    """The most plaintext bytes that fit a fragment of ``limit`` bytes, at least 64."""
    room = limit - HEADER_LENGTH - _GENERIC - _FRAGMENT
    size = room
    while size > 64 and protector.sealed_length(size) > room:
        size -= 1
    return max(size, 64)


def _seal_fragment(message: Message, protector: Protector, chunk: bytes, number: int, total: int) -> bytes:
    length = protector.sealed_length(len(chunk))
    first = first_type(message.payloads) if number == 1 else PayloadType.NONE
    head = message.header(PayloadType.SKF, _GENERIC + _FRAGMENT + length)
    head += generic_header(first, _FRAGMENT + length) + number.to_bytes(2) + total.to_bytes(2)
    return head + protector.seal(head, chunk)


def unseal(message: Message, data: bytes, protector: Protector) -> tuple[Message, bytes]:
    """``message`` with its SK payload replaced by the payloads inside, and their bytes.

    ``data`` is the datagram that ``message`` was decoded from. Payloads in front of SK are
    not protected by encryption and are dropped: nothing of ours may come from there.
    """
    closed = message.need(SkPayload)
    plain = protector.open(data[: len(data) - len(closed.sealed)], closed.sealed)
    return opened(message, closed.first, plain), plain


def unseal_fragment(message: Message, data: bytes, protector: Protector) -> bytes:
    """The plaintext piece in the message's SKF payload."""
    closed = message.need(SkfPayload)
    return protector.open(data[: len(data) - len(closed.sealed)], closed.sealed)


def opened(message: Message, first: PayloadType, plain: bytes) -> Message:
    """``message`` with the payloads of the plaintext ``plain`` (also of joined fragments)."""
    payloads: list[Payload] = decode_chain(first, plain)
    if any(isinstance(p, SkPayload | SkfPayload) for p in payloads):
        raise bad_syntax("an encrypted payload within an encrypted payload")
    return message.with_payloads(tuple(payloads))


def adjusted_head(message: Message, first: PayloadType, plain_length: int) -> bytes:
    """IntAuth_A of RFC 9242 §3.3.2: the header and the SK payload's generic header, with lengths
    that count neither IV, padding nor ICV, and as if the message had never been fragmented."""
    return message.header(PayloadType.SK, _GENERIC + plain_length) + generic_header(first, plain_length)
