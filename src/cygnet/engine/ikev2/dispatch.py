"""Which function answers a request of the peer: by exchange, then by what it carries."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cygnet.engine.ikev2.tasks import (
    child_create,
    child_rekey,
    followup,
    ike_auth_answer,
    ike_init,
    ike_intermediate,
    ike_rekey,
    informational,
    resume,
)
from cygnet.engine.ikev2.tasks.task import Reply
from cygnet.engine.sa import IkeState
from cygnet.values.errors import PeerError
from cygnet.values.iana import Protocol
from cygnet.wire.header import ExchangeType
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.sa import SaPayload

if TYPE_CHECKING:
    from cygnet.engine.ikev2.sa import IkeSaV2

Answer = Callable[["IkeSaV2", Message], Reply]


def create_child(sa: IkeSaV2, message: Message) -> Reply:
    """CREATE_CHILD_SA is three exchanges under one name (RFC 7296 §1.3)."""
    if not sa.is_established:
        refuse_by_state(sa, message)
    if message.notify(NotifyType.REKEY_SA) is not None:
        return child_rekey.answer(sa, message)
    proposals = message.need(SaPayload).proposals
    if proposals[0].protocol == Protocol.IKE:
        return ike_rekey.answer(sa, message)
    return child_create.answer(sa, message)


def refuse_by_state(sa: IkeSaV2, message: Message) -> None:
    """§2.25.2: what cannot be done while the IKE_SA is closing; before it is established: a fault."""
    if sa.state in (IkeState.DELETING, IkeState.REKEYED):
        raise PeerError(
            NotifyType.TEMPORARY_FAILURE, f"refusing {message.title}: the IKE_SA is {sa.state.value}"
        )
    if sa.initiator:  # our IKE_AUTH response is on its way, the peer is ahead of us
        raise PeerError(NotifyType.TEMPORARY_FAILURE, f"refusing {message.title}: not yet established")
    raise PeerError(NotifyType.INVALID_SYNTAX, f"{message.title} before the IKE_SA is established")


ANSWERS: dict[ExchangeType, Answer] = {
    ExchangeType.IKE_SA_INIT: ike_init.answer,
    ExchangeType.IKE_SESSION_RESUME: resume.answer,
    ExchangeType.IKE_INTERMEDIATE: ike_intermediate.answer,
    ExchangeType.IKE_AUTH: ike_auth_answer.answer,
    ExchangeType.CREATE_CHILD_SA: create_child,
    ExchangeType.IKE_FOLLOWUP_KE: followup.answer,
    ExchangeType.INFORMATIONAL: informational.answer,
}


def answer(sa: IkeSaV2, message: Message) -> Reply:
    """Raises PeerError: its notify is the answer."""
    function = ANSWERS.get(message.exchange)
    if function is None:
        raise PeerError(NotifyType.INVALID_SYNTAX, f"{message.exchange} is not supported here")
    return function(sa, message)
