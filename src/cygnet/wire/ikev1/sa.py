"""RFC 2408 §3.4 to §3.6, RFC 2407 §4.6.1. SA payload: proposals, transforms, attributes.

Here they are only what stands on the wire. ``oakley`` (phase 1) and ``ipsec_doi`` (phase 2)
translate them from and to ``values.Proposal``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from cygnet.values.errors import PeerError
from cygnet.wire.ikev1.attribute import Attribute, decode_attributes
from cygnet.wire.ikev1.numbers import DOI_IPSEC, SITUATION_IDENTITY_ONLY, Notify, PayloadType
from cygnet.wire.reader import Reader
from cygnet.wire.writer import Writer

HEADER = 4
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WireTransform:
    number: int
    id: int
    attributes: tuple[Attribute, ...] = ()


@dataclass(frozen=True, slots=True)
class WireProposal:
    """Proposals with the same ``number`` belong together (AND), with different ones OR."""

    number: int
    protocol: int
    spi: bytes
    transforms: tuple[WireTransform, ...]


@dataclass(frozen=True, slots=True)
class Sa:
    """Only the IPsec DOI in the identity-only situation: another one is refused by its notify."""

    proposals: tuple[WireProposal, ...]
    type = PayloadType.SA

    @classmethod
    def decode(cls, reader: Reader) -> Sa:
        if (doi := reader.u32()) != DOI_IPSEC:
            raise PeerError(Notify.DOI_NOT_SUPPORTED, f"SA payload: DOI {doi} is not IPsec's")
        if (situation := reader.u32()) != SITUATION_IDENTITY_ONLY:
            raise PeerError(
                Notify.SITUATION_NOT_SUPPORTED, f"SA payload: situation {situation} is not identity-only"
            )
        proposals: list[WireProposal] = []
        more = int(PayloadType.PROPOSAL)
        while more:
            if more != PayloadType.PROPOSAL:
                raise PeerError(Notify.BAD_PROPOSAL_SYNTAX, f"SA payload: a proposal of type {more}")
            more, body = _element(reader, "proposal")
            with body:
                proposals.append(_decode_proposal(body))
        return cls(tuple(proposals))

    def encode(self, writer: Writer) -> None:
        writer.u32(DOI_IPSEC).u32(SITUATION_IDENTITY_ONLY)
        for left, proposal in _countdown(self.proposals):
            start = len(writer)
            writer.u8(PayloadType.PROPOSAL if left else 0).u8(0)
            with writer.sized(since=start):
                writer.u8(proposal.number).u8(proposal.protocol).u8(len(proposal.spi))
                writer.u8(len(proposal.transforms)).put(proposal.spi)
                for more, transform in _countdown(proposal.transforms):
                    _encode_transform(writer, transform, last=not more)


def _element(reader: Reader, what: str) -> tuple[int, Reader]:
    """The generic header inside an SA: the type of the next element and a reader of this body."""
    following = reader.u8()
    reader.u8()  # reserved
    length = reader.u16()
    if length < HEADER:
        raise reader.error(f"a {what} of {length} bytes")
    return following, reader.sub(length - HEADER, f"{reader.what} {what}")


def _decode_proposal(reader: Reader) -> WireProposal:
    number, protocol = reader.u8(), reader.u8()
    spi_size, count = reader.u8(), reader.u8()
    spi = reader.take(spi_size)
    transforms: list[WireTransform] = []
    more = int(PayloadType.TRANSFORM) if count else 0
    while more:
        if more != PayloadType.TRANSFORM:
            raise PeerError(Notify.BAD_PROPOSAL_SYNTAX, f"SA payload: a transform of type {more}")
        more, body = _element(reader, "transform")
        with body:
            transforms.append(_decode_transform(body))
    if len(transforms) != count:
        raise PeerError(
            Notify.BAD_PROPOSAL_SYNTAX, f"SA payload: {count} transforms said, {len(transforms)} there"
        )
    return WireProposal(number, protocol, spi, tuple(transforms))


def _decode_transform(reader: Reader) -> WireTransform:
    number, id = reader.u8(), reader.u8()
    reader.u16()  # reserved
    return WireTransform(number, id, decode_attributes(reader))


def _encode_transform(writer: Writer, transform: WireTransform, last: bool) -> None:
    start = len(writer)
    writer.u8(0 if last else PayloadType.TRANSFORM).u8(0)
    with writer.sized(since=start):
        writer.u8(transform.number).u8(transform.id).u16(0)
        for attribute in transform.attributes:
            attribute.encode(writer)


def _countdown(items: Sequence[T]) -> list[tuple[int, T]]:
    """Each item with the number of those behind it."""
    return [(len(items) - 1 - index, item) for index, item in enumerate(items)]
