"""What is done with a message that is known to be the peer's: a response goes to the task that waits
for it, a request to the function that answers it, by exchange and by what it carries."""

from __future__ import annotations

from collections.abc import Callable

from cygnet.boundary.events import Datagram
from cygnet.engine.ikev2 import ends
from cygnet.engine.ikev2.channel import IN_THE_CLEAR
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.task import Later, Reply
from cygnet.engine.ikev2.tasks import (
    child_create,
    child_delete,
    child_rekey,
    followup,
    ike_auth_answer,
    ike_init,
    ike_intermediate,
    ike_rekey,
    informational,
    resume,
)
from cygnet.engine.ikev2.tasks.task import error_reply
from cygnet.engine.sa import IkeState
from cygnet.values.errors import PeerError
from cygnet.values.iana import Protocol
from cygnet.wire.header import ExchangeType
from cygnet.wire.ikev2.chain import first_type
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.sa import SaPayload

Answer = Callable[[IkeSaV2, Message], Reply | Later]


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


def answer(sa: IkeSaV2, message: Message) -> Reply | Later:
    """Raises PeerError: its notify is the answer."""
    function = ANSWERS.get(message.exchange)
    if function is None:
        raise PeerError(NotifyType.INVALID_SYNTAX, f"{message.exchange} is not supported here")
    return function(sa, message)


# messages ---------------------------------------------------------------------------


def take_response(sa: IkeSaV2, message: Message) -> None:
    exchanges, task = sa.exchanges, sa.exchanges.active
    assert task is not None
    if not task.believes(message):
        return
    sa.receipts.taken()
    exchanges.answered()
    if message.notify(NotifyType.INVALID_SYNTAX) is not None and message.exchange not in IN_THE_CLEAR:
        # §2.21.3: "considered fatal in both peers, meaning that the IKE SA is deleted without
        # needing an explicit INFORMATIONAL exchange"
        exchanges.active = None
        task.dropped()
        ends.rejected(sa)
        return
    exchanges.process(task, message)
    if exchanges.active is None:
        child_delete.delete_overtaken(sa)
    exchanges.go_on()


def refuse_response(sa: IkeSaV2, error: PeerError) -> None:
    task = sa.exchanges.answered()
    sa.exchanges.active = None
    if task is not None:
        task.refused(error)
    sa.exchanges.go_on()


def take_request(sa: IkeSaV2, event: Datagram, message: Message) -> None:
    exchanges = sa.exchanges
    exchanges.window.accept()
    exchanges.channel.inbound_before = None
    if sa.contested is not None and not ike_rekey.deletes_ike(message):
        ike_rekey.used_by_peer(sa)
    _respond(sa, event, message, lambda: answer(sa, message))


def _respond(sa: IkeSaV2, event: Datagram, message: Message, make: Callable[[], Reply | Later]) -> None:
    exchanges = sa.exchanges
    fatal = ""
    with exchanges.answering():
        try:
            answered = make()
        except PeerError as error:
            sa.log("IKE", error.detail)
            answered = error_reply(error)
            fatal = error.detail if error.notify == NotifyType.INVALID_SYNTAX else ""
    if isinstance(answered, Later):
        exchanges.window.owed, again = True, answered.again
        answered.missing.wait(sa, lambda: _respond(sa, event, message, again))
        return
    exchanges.window.owed = False
    reply(sa, event, message, answered)
    if fatal and not sa.is_gone:
        ends.malformed(sa, fatal)
    exchanges.go_on()


def reply(sa: IkeSaV2, event: Datagram, message: Message, answered: Reply) -> None:
    channel = sa.exchanges.channel
    response = channel.message(message.exchange, message.message_id, True, answered.payloads)
    datagrams, inner = channel.encode(response)
    sa.exchanges.window.answer = datagrams
    _cover(sa, response, datagrams, inner)
    channel.send_to(event.local, event.remote, datagrams)
    if answered.after is not None and not sa.is_gone:
        with sa.exchanges.answering():
            answered.after()


def _cover(sa: IkeSaV2, message: Message, datagrams: list[bytes], inner: bytes) -> None:
    """AUTH will cover our responses of IKE_SA_INIT and IKE_INTERMEDIATE."""
    if sa.handshake is None or sa.initiator or sa.keys is None:
        return
    if message.exchange in IN_THE_CLEAR:
        sa.handshake.response = datagrams[0]
    elif message.exchange == ExchangeType.IKE_INTERMEDIATE and message.error() is None:
        ike_intermediate.cover(sa, message, first_type(message.payloads), inner, by_initiator=False)
