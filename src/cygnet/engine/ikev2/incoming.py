"""What arrives for an IKE_SA: opened, joined from fragments, put in its place by the window.

A datagram has to pass, in this order: the direction flag, the keys, the window, the rules. Until
it has proved authentic it changes nothing and is answered by nothing. Then it is a response to
our request, a new request, or one that was answered before.
"""

from __future__ import annotations

from cygnet.boundary.events import Datagram
from cygnet.engine.ikev2 import crash, dispatch, ends, redirect, sync
from cygnet.engine.ikev2.arrived import Arrived
from cygnet.engine.ikev2.channel import IN_THE_CLEAR
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.tasks import mobike
from cygnet.engine.ikev2.tasks.task import error_reply
from cygnet.engine.ikev2.window import Arrival
from cygnet.engine.vigil import hint
from cygnet.engine.wants import CheckLiveness
from cygnet.values.endpoint import Endpoint
from cygnet.values.errors import PeerError
from cygnet.wire.header import Header
from cygnet.wire.ikev2.chain import first_type
from cygnet.wire.ikev2.encrypted import SkfPayload, SkPayload
from cygnet.wire.ikev2.message import Message, check_critical
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.rules import check_rules
from cygnet.wire.ikev2.sealing import Protector, opened, unseal, unseal_fragment


def receive(sa: IkeSaV2, event: Datagram, header: Header) -> None:
    """A datagram for this IKE_SA; nothing that is wrong with it is raised."""
    sa.receipts.arrived(event)
    try:
        _receive(sa, event, _decoded(sa, event, header))
    except PeerError as error:
        sa.receipts.unproven("NET", f"ignoring message from {event.remote}: {error.detail}")
    finally:
        sa.receipts.over()


def _decoded(sa: IkeSaV2, event: Datagram, header: Header) -> Message:
    """Read already, if it is the message that the IKE_SA was made for."""
    if sa.handshake is not None and sa.handshake.decoded is not None:
        message, sa.handshake.decoded = sa.handshake.decoded, None
        return message
    return Message.decode(event.data, header)


def _receive(sa: IkeSaV2, event: Datagram, message: Message) -> None:
    """Raises PeerError(0) for what is to be dropped."""
    if message.from_initiator == sa.initiator:
        raise PeerError(0, "message with our own initiator flag")
    if message.exchange in IN_THE_CLEAR:
        _receive_clear(sa, event, message)
        return
    opener = sa.exchanges.channel.opener(message)
    fragment = message.first(SkfPayload)
    if fragment is not None:
        _receive_fragment(sa, event, message, fragment, opener)
        return
    if message.first(SkPayload) is None:
        if crash.says_lost(sa, message):
            sa.receipts.taken()
            crash.peer_has_crashed(sa)
            return
        if message.response and message.notify(NotifyType.INVALID_IKE_SPI) is not None:
            hint(sa)
        raise PeerError(0, f"unprotected {message.title}")
    try:
        message, plain = unseal(message, event.data, opener)
    except PeerError as error:
        if not error.notify:
            raise
        _malformed(sa, event, message, error)  # authentic, and wrong inside
        return
    _authentic(sa, event, message, plain)


def _receive_clear(sa: IkeSaV2, event: Datagram, message: Message) -> None:
    sa.arrived = Arrived(event)
    if message.response:
        if not sa.exchanges.window.is_awaited(message.message_id, message.exchange):
            raise PeerError(0, f"{message.title} that nobody waits for")
        redirect.check_genuine(sa, message)
        check_critical(message)
        message = check_rules(message)
        sa.receipts.read(f"parsed {message}")
        dispatch.take_response(sa, message)
        return
    if sa.initiator:
        raise PeerError(0, f"{message.title} to the initiator")
    if event.data == sa.first_request:
        sa.receipts.taken()
        sa.log("IKE", "received retransmit of request with ID 0, retransmitting response")
        sa.exchanges.channel.send_to(event.local, event.remote, sa.exchanges.window.answer)
        return
    if sa.first_request or sa.exchanges.window.peer_next or message.message_id != 0:
        raise PeerError(0, f"another {message.title} for the same IKE_SA")
    sa.first_request = event.data
    _taken(sa, message)
    dispatch.take_request(sa, event, check_rules(message))


def _receive_fragment(
    sa: IkeSaV2, event: Datagram, message: Message, fragment: SkfPayload, opener: Protector
) -> None:
    window = sa.exchanges.window
    plain = unseal_fragment(message, event.data, opener)
    sa.exchanges.channel.fragmented = True
    if not message.response:
        arrival = window.classify(message.message_id)
        if arrival is not Arrival.NEW:
            # "only if it is the first fragment" (RFC 7383 §2.6.1): one answer, not one per fragment
            if arrival is Arrival.AGAIN and fragment.number == 1:
                _answer_again(sa, event, message)
            return
    elif not window.is_awaited(message.message_id, message.exchange):
        return
    _taken(sa, message)
    store = window.responses if message.response else window.requests
    whole = store.add(message.message_id, fragment, plain)
    if whole is None:
        sa.log(
            "ENC",
            f"received fragment #{fragment.number} of {fragment.total}, waiting for complete IKE message",
        )
        return
    sa.log(
        "ENC",
        f"received fragment #{fragment.number} of {fragment.total}, "
        f"reassembled fragmented IKE message ({len(whole)} bytes)",
    )
    try:
        message = opened(message, store.first, whole)
    except PeerError as error:
        _malformed(sa, event, message, error)
        return
    _authentic(sa, event, message, whole)


def _authentic(sa: IkeSaV2, event: Datagram, message: Message, plain: bytes) -> None:
    if message.response and not sa.exchanges.window.is_awaited(message.message_id, message.exchange):
        raise PeerError(0, f"{message.title} that nobody waits for")
    asked = sync.asked(sa, message)
    if asked is not None:
        _synchronise(sa, event, message, asked)
        return
    arrival = Arrival.NEW if message.response else sa.exchanges.window.classify(message.message_id)
    if arrival is Arrival.STALE:
        text = f"{message.title} with invalid message ID, expected {sa.exchanges.window.peer_next}"
        raise PeerError(0, text)
    if arrival is Arrival.OWED:
        sa.receipts.taken()
        sa.log("IKE", f"received retransmit of request with ID {message.message_id}, still being answered")
        return
    if arrival is Arrival.AGAIN:  # perhaps recorded: it proves no life and moves nothing
        _answer_again(sa, event, message)
        return
    sa.last_received = sa.services.now
    _taken(sa, message)
    _follow(sa, event, message.response)
    sa.arrived = Arrived(event, plain, first_type(message.payloads))
    try:
        check_critical(message)
        message = check_rules(message)
    except PeerError as error:
        _malformed(sa, event, message, error)
        return
    if message.response:
        dispatch.take_response(sa, message)
    else:
        dispatch.take_request(sa, event, message)
        sa.exchanges.remind()


def _synchronise(sa: IkeSaV2, event: Datagram, message: Message, notify: NotifyPayload) -> None:
    """RFC 6311: another member of the peer's cluster has taken over."""
    agreed = sync.agree(sa.exchanges.window, notify)
    if agreed is None:
        raise PeerError(0, "request to synchronise message IDs that says nothing new")
    pending = sa.exchanges.window.pending
    sa.last_received = sa.services.now
    _taken(sa, message)
    going_on = f"our requests go on with message ID {agreed.send}, its own with {agreed.receive}"
    sa.log("IKE", f"{sa.remote.address} has failed over: {going_on}")
    response = sa.exchanges.channel.message(message.exchange, message.message_id, True, [agreed.notify()])
    sa.exchanges.channel.send_to(event.local, event.remote, sa.exchanges.channel.encode(response)[0])
    if pending is not None and pending.message_id < agreed.send:
        sa.exchanges.send_anew(agreed.send)


def _taken(sa: IkeSaV2, message: Message) -> None:
    sa.receipts.taken()
    sa.log("ENC", f"parsed {message}")


def _answer_again(sa: IkeSaV2, event: Datagram, message: Message) -> None:
    sa.receipts.taken()
    sa.log(
        "IKE",
        f"received retransmit of request with ID {message.message_id}, retransmitting response",
    )
    sa.exchanges.channel.send_to(event.local, event.remote, sa.exchanges.window.answer)


def _malformed(sa: IkeSaV2, event: Datagram, message: Message, error: PeerError) -> None:
    """An authentic message that cannot be taken (§2.21.3): say so; INVALID_SYNTAX ends the IKE_SA."""
    if message.response:
        if sa.exchanges.window.is_awaited(message.message_id, message.exchange):
            sa.receipts.taken()
            dispatch.refuse_response(sa, error)
        return
    if sa.exchanges.window.classify(message.message_id) is not Arrival.NEW:
        return
    sa.receipts.taken()
    sa.log("ENC", f"could not take {message.title}: {error.detail}")
    sa.exchanges.window.accept()
    dispatch.reply(sa, event, message, error_reply(error))
    if error.notify == NotifyType.INVALID_SYNTAX and not sa.is_gone:
        ends.malformed(sa, error.detail)


class Tried:
    """Where a request of ours went beside the place where the peer was last."""

    def __init__(self, sa: IkeSaV2) -> None:
        self.path: tuple[Endpoint, Endpoint] | None = None


def _try_path(sa: IkeSaV2, event: Datagram) -> None:
    """A request that nobody has answered goes there as well; if there is none, a liveness check does."""
    sa.do(CheckLiveness())
    pending = sa.exchanges.window.pending
    if pending is not None:
        sa.part(Tried).path = (event.local, event.remote)
        sa.exchanges.channel.send_to(event.local, event.remote, pending.datagrams)


def _follow(sa: IkeSaV2, event: Datagram, response: bool) -> None:
    """An authentic, new message came: RFC 7296 §2.23, follow a peer behind a NAT.

    "the host not behind a NAT SHOULD send all packets (including retransmission packets) to
    the IP address and port from the last valid authenticated packet from the other end".
    With MOBIKE only the initiator moves, and says so (RFC 4555 §3.8), and only to where it has
    sent something: a source address is not covered by the integrity check, so whoever carries
    the response could choose any.
    """
    if (event.local, event.remote) == (sa.local, sa.remote):
        return
    if sa.is_established and mobike.is_used(sa):
        if sa.is_client and response:
            mobike.answered_from(sa, event.local, event.remote)
        return
    if sa.is_established and not sa.remote_behind_nat:
        return
    if sa.is_established and sa.local_behind_nat:
        # "A host behind a NAT SHOULD NOT do this type of dynamic address update": whoever carries the
        # message could choose any. So we ask whether the peer can be reached there.
        path, sa.part(Tried).path = sa.part(Tried).path, None
        if not response:
            _try_path(sa, event)
            return
        if path != (event.local, event.remote):
            return
    sa.set_endpoints(event.local, event.remote)
    if not response:
        sa.exchanges.send_again()
