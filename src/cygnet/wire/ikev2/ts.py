"""RFC 7296 §3.13. Traffic Selector payloads, of the initiator and of the responder."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import ClassVar, Self

from cygnet.values.endpoint import Address
from cygnet.values.selector import TrafficSelector
from cygnet.wire.ikev2.numbers import PayloadType, SelectorType
from cygnet.wire.ikev2.payload import TypedPayload
from cygnet.wire.reader import Reader

_FAMILY: dict[int, tuple[type[IPv4Address] | type[IPv6Address], int]] = {
    SelectorType.IPV4_RANGE: (IPv4Address, 4),
    SelectorType.IPV6_RANGE: (IPv6Address, 16),
}
_TYPE_OF = {4: SelectorType.IPV4_RANGE, 6: SelectorType.IPV6_RANGE}
MAX_SELECTORS = 255  #: their number is one byte


@dataclass(frozen=True, slots=True)
class _TsPayload(TypedPayload):
    """``others`` are selectors of types that we do not know: (type, what follows its length).

    "An implementation that does not support a TS Type ignores it" in effect: narrowing
    never sees them. They are written behind the others.
    """

    selectors: tuple[TrafficSelector, ...]
    others: tuple[tuple[SelectorType, bytes], ...] = ()

    def __post_init__(self) -> None:
        if not 0 < len(self.selectors) + len(self.others) <= MAX_SELECTORS:
            raise ValueError(f"a TS payload has 1 to {MAX_SELECTORS} selectors")

    @classmethod
    def decode(cls, reader: Reader) -> Self:
        count = reader.u8()
        reader.take(3)  # RESERVED
        if not count:
            raise reader.error("no traffic selector")
        selectors: list[TrafficSelector] = []
        others: list[tuple[SelectorType, bytes]] = []
        for _ in range(count):
            kind, protocol, length = SelectorType(reader.u8()), reader.u8(), reader.u16()
            if length < 4:
                raise reader.error(f"traffic selector says it has {length} bytes")
            body = reader.sub(length - 4)
            if kind in _FAMILY:
                selectors.append(_decode_selector(body, kind, protocol))
            else:
                others.append((kind, bytes((protocol,)) + body.rest()))
        reader.done()
        return cls(tuple(selectors), tuple(others))

    def encode(self) -> bytes:
        parts = [bytes((len(self.selectors) + len(self.others), 0, 0, 0))]
        parts += [_encode_selector(s) for s in self.selectors]
        parts += [bytes((kind, raw[0])) + (len(raw) + 3).to_bytes(2) + raw[1:] for kind, raw in self.others]
        return b"".join(parts)


class TsIPayload(_TsPayload):
    __slots__ = ()
    TYPE: ClassVar = PayloadType.TS_I
    NAME: ClassVar = "TSi"


class TsRPayload(_TsPayload):
    __slots__ = ()
    TYPE: ClassVar = PayloadType.TS_R
    NAME: ClassVar = "TSr"


def _decode_selector(reader: Reader, kind: SelectorType, protocol: int) -> TrafficSelector:
    family, size = _FAMILY[kind]
    start_port, end_port = reader.u16(), reader.u16()
    start: Address = family(reader.take(size))
    end: Address = family(reader.take(size))
    reader.done()
    try:
        return TrafficSelector(start, end, protocol, start_port, end_port)
    except ValueError as error:
        raise reader.error(str(error)) from error


def _encode_selector(selector: TrafficSelector) -> bytes:
    _, size = _FAMILY[_TYPE_OF[selector.version]]
    return (
        bytes((_TYPE_OF[selector.version], selector.protocol))
        + (8 + 2 * size).to_bytes(2)
        + selector.start_port.to_bytes(2)
        + selector.end_port.to_bytes(2)
        + selector.start.packed
        + selector.end.packed
    )
