"""RFC 7296 §3.3. Security Association payload: proposals and their transforms."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from struct import Struct
from typing import ClassVar

from cygnet.values.iana import TRANSFORM_IDS, Protocol, TransformType
from cygnet.values.proposal import Proposal, Transform
from cygnet.wire.ikev2.numbers import PayloadType
from cygnet.wire.ikev2.payload import TypedPayload
from cygnet.wire.reader import Reader

_PROPOSAL = Struct(">BxHBBBB")  # more (2) or last (0), length, number, protocol, SPI size, transforms
_TRANSFORM = Struct(">BxHBxH")  # more (3) or last (0), length, type, id
KEY_LENGTH_ATTRIBUTE = 0x800E  #: type 14 in the short (TV) form, §3.3.5

#: Added to the id of a transform with an attribute that we do not know: "it MUST NOT be
#: selected" (§3.3.6), and no id of ours has more than 16 bits, so it never is.
UNUSABLE = 0x10000


@dataclass(frozen=True, slots=True)
class SaPayload(TypedPayload):
    TYPE: ClassVar = PayloadType.SA
    NAME: ClassVar = "SA"

    proposals: tuple[Proposal, ...]

    @classmethod
    def decode(cls, reader: Reader) -> SaPayload:
        proposals = []
        more = True
        while more:
            more, proposal = _decode_proposal(reader)
            proposals.append(proposal)
        reader.done()
        return cls(tuple(proposals))

    def encode(self) -> bytes:
        last = len(self.proposals) - 1
        return b"".join(
            _encode_proposal(p, p.number or i + 1, more=i < last) for i, p in enumerate(self.proposals)
        )


def _decode_proposal(reader: Reader) -> tuple[bool, Proposal]:
    head = reader.take(_PROPOSAL.size)
    more, length, number, protocol, spi_size, count = _PROPOSAL.unpack(head)
    if more not in (0, 2):
        raise reader.error(f"proposal {number} says neither 'last' nor 'more' but {more}")
    if length < _PROPOSAL.size:
        raise reader.error(f"proposal {number} says it has {length} bytes")
    body = reader.sub(length - _PROPOSAL.size)
    spi = body.take(spi_size)
    transforms = []
    while body.left:
        transforms.append(_decode_transform(body))
    if len(transforms) != count:
        raise reader.error(f"proposal {number} announces {count} transforms and has {len(transforms)}")
    return more == 2, Proposal(Protocol(protocol), tuple(transforms), spi, number)


def _decode_transform(reader: Reader) -> Transform:
    more, length, kind, id = _TRANSFORM.unpack(reader.take(_TRANSFORM.size))
    if length < _TRANSFORM.size:
        raise reader.error(f"transform says it has {length} bytes")
    attributes = reader.take(length - _TRANSFORM.size)
    if more not in (0, 3) or (more == 0) != (reader.left == 0):
        raise reader.error("'last' stands at a transform that is not the last, or is missing at it")
    if not attributes:
        return _transform(kind, id, 0)
    if len(attributes) == 4 and int.from_bytes(attributes[:2]) == KEY_LENGTH_ATTRIBUTE:
        return _transform(kind, id, int.from_bytes(attributes[2:]))
    _check_attributes(Reader(attributes, "transform attributes"))
    return _transform(kind, id | UNUSABLE, 0)


def _check_attributes(reader: Reader) -> None:
    """Attributes in any form end where the transform ends (§3.3.5)."""
    while reader.left:
        short = reader.u16() & 0x8000
        value = reader.u16()
        if not short:
            reader.take(value)


@lru_cache(maxsize=512)
def _transform(kind: int, id: int, key_length: int) -> Transform:
    """One object per transform that is in use (the cache is bounded: a peer chooses the numbers)."""
    ids = TRANSFORM_IDS.get(kind)
    return Transform(TransformType(kind), ids(id) if ids else id, key_length)


def _encode_proposal(proposal: Proposal, number: int, more: bool) -> bytes:
    last = len(proposal.transforms) - 1
    body = proposal.spi + b"".join(
        _encode_transform(t, more=i < last) for i, t in enumerate(proposal.transforms)
    )
    head = _PROPOSAL.pack(
        2 if more else 0,
        _PROPOSAL.size + len(body),
        number,
        proposal.protocol,
        len(proposal.spi),
        len(proposal.transforms),
    )
    return head + body


def _encode_transform(transform: Transform, more: bool) -> bytes:
    attribute = b""
    if transform.key_length:
        attribute = KEY_LENGTH_ATTRIBUTE.to_bytes(2) + transform.key_length.to_bytes(2)
    length = _TRANSFORM.size + len(attribute)
    return _TRANSFORM.pack(3 if more else 0, length, transform.type, transform.id) + attribute
