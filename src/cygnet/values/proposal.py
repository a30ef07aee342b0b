"""Proposals: what algorithms one side offers, and which of them both can do.

One shape for IKEv1 and IKEv2, numbered as in IKEv2 (RFC 7296 §3.3). What IKEv1 carries
beside them in its transform attributes (authentication method, lifetimes) is not here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from cygnet.values.iana import TRANSFORM_IDS, IntegId, KeId, OpenEnum, Protocol, TransformType


@dataclass(frozen=True, slots=True)
class Transform:
    """One algorithm: its transform type, its id, and its key length in bits (0: no attribute)."""

    type: TransformType
    id: int
    key_length: int = 0

    @property
    def name(self) -> str:
        """As strongSwan's status prints it: ``AES_CBC_128``, ``HMAC_SHA2_256_128``."""
        ids: type[OpenEnum] | None = TRANSFORM_IDS.get(self.type)
        name = ids(self.id).name if ids else f"{self.type}_{self.id}"
        return f"{name}_{self.key_length}" if self.key_length else name

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Proposal:
    """Transforms offered together for one protocol, in the order of preference.

    ``spi`` is 0, 4 or 8 bytes; ``number`` the proposal's number on the wire (0: not yet given).
    """

    protocol: Protocol
    transforms: tuple[Transform, ...]
    spi: bytes = b""
    number: int = 0

    def of_type(self, kind: TransformType) -> tuple[Transform, ...]:
        return tuple(t for t in self.transforms if t.type == kind)

    def first(self, kind: TransformType) -> Transform | None:
        """The only transform of that type in a selected proposal; None where it has none."""
        return next((t for t in self.transforms if t.type == kind), None)

    @property
    def types(self) -> frozenset[TransformType]:
        return frozenset(t.type for t in self.transforms)

    def without(self, *kinds: TransformType) -> Proposal:
        return replace(self, transforms=tuple(t for t in self.transforms if t.type not in kinds))


def _optional(proposal: Proposal, kind: TransformType) -> bool:
    """Whether a missing transform of this type may meet "NONE" of the other side (RFC 7296 §3.3.3)."""
    none = {TransformType.INTEG: IntegId.NONE}.get(kind, KeId.NONE)
    offered = proposal.of_type(kind)
    if kind in (TransformType.ENCR, TransformType.PRF, TransformType.ESN):
        return not offered
    return not offered or any(t.id == none for t in offered)


def match(ours: Proposal, theirs: Proposal, prefer_theirs: bool = False) -> Proposal | None:
    """The one transform per type that both offer, with the SPI and number of ``theirs``; or None.

    Every type that either offers must be agreed on, but for types where the other side may do
    without (no transform of that type, or NONE among them).
    """
    if ours.protocol != theirs.protocol:
        return None
    chosen: list[Transform] = []
    first, second = (theirs, ours) if prefer_theirs else (ours, theirs)
    for kind in sorted(ours.types | theirs.types):
        others = set(second.of_type(kind))
        common = next((t for t in first.of_type(kind) if t in others), None)
        if common is not None:
            chosen.append(common)
        elif not (_optional(ours, kind) and _optional(theirs, kind)):
            return None
    return Proposal(ours.protocol, tuple(chosen), theirs.spi, theirs.number)


def select(
    ours: Sequence[Proposal], theirs: Sequence[Proposal], prefer_theirs: bool = False
) -> Proposal | None:
    """The first match in the order of ``ours`` (or of ``theirs``); None: NO_PROPOSAL_CHOSEN."""
    pairs: Iterable[tuple[Proposal, Proposal]] = (
        ((o, t) for t in theirs for o in ours) if prefer_theirs else ((o, t) for o in ours for t in theirs)
    )
    return next((m for o, t in pairs if (m := match(o, t, prefer_theirs))), None)
