"""RFC 7296 §2.7, §3.3.6, RFC 9370 §2.2.1. What IKEv2 adds to ``values.proposal``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cygnet.crypto.keywords import default_proposals, supported
from cygnet.model.config import Connection
from cygnet.values.iana import KeId, Protocol, TransformType
from cygnet.values.proposal import Proposal, Transform, select

_AKE = range(TransformType.AKE1, TransformType.AKE7 + 1)
#: types where a transform with id 0 says "none of this type" and may as well be left out
_NONE_ALLOWED = {TransformType.INTEG, TransformType.KE, *_AKE}


def ike_proposals(connection: Connection) -> tuple[Proposal, ...]:
    return connection.proposals or default_proposals(Protocol.IKE, 2)


def _explicit(proposal: Proposal) -> set[Transform]:
    return {t for t in proposal.transforms if t.id or t.type not in _NONE_ALLOWED}


def answered_with(offered: Sequence[Proposal], answer: Sequence[Proposal]) -> Proposal | None:
    """The responder's choice, None unless it is one proposal made of what was offered."""
    selected = select(offered, answer)
    if len(answer) != 1 or selected is None or _explicit(selected) != _explicit(answer[0]):
        return None
    return selected


def unusable_kes(theirs: Proposal) -> Proposal:
    """An offer without key exchange methods that cygnet has not, so that another one is chosen."""
    return replace(
        theirs,
        transforms=tuple(
            t
            for t in theirs.transforms
            if (t.type != TransformType.KE and t.type not in _AKE) or not t.id or supported(t)
        ),
    )


def with_none(selected: Proposal, theirs: Sequence[Proposal]) -> Proposal:
    """The choice as it is sent: RFC 9370 §2.2.1, "the responder MUST select one of the algorithms
    proposed using this type", and where that is NONE it says so."""
    offer = next((p for p in theirs if p.number == selected.number), None)
    if offer is None:
        return selected
    missing = tuple(
        Transform(TransformType(kind), KeId.NONE)
        for kind in _AKE
        if offer.of_type(TransformType(kind)) and selected.first(TransformType(kind)) is None
    )
    return replace(selected, transforms=selected.transforms + missing)
