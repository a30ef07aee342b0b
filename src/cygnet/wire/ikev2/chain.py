"""RFC 7296 §3.2. Payloads behind each other: the generic header and the Next Payload chain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import Struct

from cygnet.wire.ikev2.encrypted import SkfPayload, SkPayload
from cygnet.wire.ikev2.numbers import PayloadType
from cygnet.wire.ikev2.payload import Payload, bad_syntax
from cygnet.wire.ikev2.payloads import PAYLOADS
from cygnet.wire.ikev2.unknown import UnknownPayload
from cygnet.wire.reader import Reader

_GENERIC = Struct(">BBH")  # next payload, critical flag, length with this header
_CLOSED = (PayloadType.SK, PayloadType.SKF)
CRITICAL = 0x80
MAX_PAYLOADS = 256  #: per chain; ours have some 30 at most. Each costs the sender 4 bytes, us an object


def decode_chain(
    first: int, data: bytes, start: int = 0, only: frozenset[int] | None = None
) -> list[Payload]:
    """The payloads in ``data`` from offset ``start`` to its end; ``only``: those of these types.

    The encrypted payload stands last: its Next Payload field speaks of what is inside it.
    """
    found: list[Payload] = []
    kind, at, end = first, start, len(data)
    passed = 0
    while kind:
        if end - at < _GENERIC.size:
            raise bad_syntax(f"message ends where a payload of type {kind} should begin")
        following, flags, length = _GENERIC.unpack_from(data, at)
        if not _GENERIC.size <= length <= end - at:
            raise bad_syntax(f"payload of type {kind} says {length} bytes, {end - at} left")
        if len(found) + passed == MAX_PAYLOADS:
            raise bad_syntax(f"more than {MAX_PAYLOADS} payloads")
        if only is not None and kind not in only:
            kind, at, passed = following, at + length, passed + 1
            continue
        payload = _decode_payload(kind, flags, data, at + _GENERIC.size, at + length)
        at += length
        if kind in _CLOSED:
            found.append(_with_first(payload, PayloadType(following)))
            break
        found.append(payload)
        kind = following
    if at != end:
        raise bad_syntax(f"{end - at} bytes behind the last payload")
    return found


def _with_first(payload: Payload, first: PayloadType) -> Payload:
    if isinstance(payload, SkPayload):
        return SkPayload(payload.sealed, first)
    assert isinstance(payload, SkfPayload)
    return SkfPayload(payload.sealed, payload.number, payload.total, first)


def _decode_payload(kind: int, flags: int, data: bytes, start: int, end: int) -> Payload:
    known = PAYLOADS.get(kind)
    if known is None:
        return UnknownPayload(PayloadType(kind), data[start:end], bool(flags & CRITICAL))
    # "MUST be ignored by the recipient if the recipient understands the payload type" (the flag)
    return known.decode(Reader(data, known.__name__, start=start, end=end))


def encode_chain(payloads: Sequence[Payload]) -> bytes:
    following = [p.type for p in payloads[1:]] + [PayloadType.NONE]
    return b"".join(_encode_payload(p, f) for p, f in zip(payloads, following))


def _encode_payload(payload: Payload, following: int) -> bytes:
    body = payload.encode()
    flags = CRITICAL if isinstance(payload, UnknownPayload) and payload.critical else 0
    return _GENERIC.pack(following, flags, _GENERIC.size + len(body)) + body


def first_type(payloads: Sequence[Payload]) -> PayloadType:
    return payloads[0].type if payloads else PayloadType.NONE


def generic_header(following: int, length: int) -> bytes:
    """``length`` of the body behind it, in bytes."""
    return _GENERIC.pack(following, 0, _GENERIC.size + length)


def names(payloads: Iterable[Payload]) -> str:
    """``[ SA KE No N(NATD_S_IP) ]`` as in strongSwan's log."""
    return "[ " + "".join(f"{p} " for p in payloads) + "]"
