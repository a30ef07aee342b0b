"""What arrives for an IKE_SA: opened, joined from fragments, put in its place by the window.

A datagram has to pass, in this order: the direction flag, the keys, the window, the rules. Until
it has proved authentic it changes nothing and is answered by nothing. Then it is a response to
our request, a new request, or one that was answered before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cygnet.boundary.events import Datagram
from cygnet.engine.ikev2 import crash, redirect, sync
from cygnet.engine.ikev2.channel import IN_THE_CLEAR
from cygnet.engine.ikev2.tasks.task import error_reply
from cygnet.engine.ikev2.window import Arrival
from cygnet.values.errors import PeerError
from cygnet.wire.header import Header
from cygnet.wire.ikev2.chain import first_type
from cygnet.wire.ikev2.encrypted import SkfPayload, SkPayload
from cygnet.wire.ikev2.message import Message, check_critical
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.numbers import PayloadType
from cygnet.wire.ikev2.rules import check_rules
from cygnet.wire.ikev2.sealing import Protector, opened, unseal, unseal_fragment

if TYPE_CHECKING:
    from cygnet.engine.ikev2.exchanges import Exchanges


@dataclass(frozen=True, slots=True)
class Arrived:
    """The message that is being acted on, as it came: ``plain`` is what was inside SK, beginning
    with a payload of type ``first``."""

    event: Datagram
    plain: bytes = b""
    first: PayloadType = PayloadType.NONE


class Incoming:
    def __init__(self, exchanges: Exchanges) -> None:
        self.exchanges = exchanges
        self.sa = exchanges.sa
        self.channel = exchanges.channel
        self.window = exchanges.window
        self.decoded: Message | None = None  #: the first request, which ``responder`` has read already

    def receive(self, event: Datagram, header: Header) -> None:
        """A datagram for this IKE_SA. Raises PeerError(0) for what is to be dropped."""
        message, self.decoded = self.decoded or Message.decode(event.data, header), None
        if message.from_initiator == self.sa.initiator:
            raise PeerError(0, "message with our own initiator flag")
        if message.exchange in IN_THE_CLEAR:
            self._receive_clear(event, message)
            return
        opener = self.channel.opener(message)
        fragment = message.first(SkfPayload)
        if fragment is not None:
            self._receive_fragment(event, message, fragment, opener)
            return
        if message.first(SkPayload) is None:
            if crash.says_lost(self.sa, message):
                self.sa.receipts.taken()
                crash.peer_has_crashed(self.sa)
                return
            raise PeerError(0, f"unprotected {message.title}")
        try:
            message, plain = unseal(message, event.data, opener)
        except PeerError as error:
            if not error.notify:
                raise
            self._malformed(event, message, error)  # authentic, and wrong inside
            return
        self._authentic(event, message, plain)

    def _receive_clear(self, event: Datagram, message: Message) -> None:
        sa = self.sa
        sa.arrived = Arrived(event)
        if message.response:
            if not self.window.is_awaited(message.message_id, message.exchange):
                raise PeerError(0, f"{message.title} that nobody waits for")
            self._taken(message)
            redirect.check_genuine(sa, message)
            check_critical(message)
            self.exchanges.take_response(check_rules(message))
            return
        if sa.initiator:
            raise PeerError(0, f"{message.title} to the initiator")
        if event.data == sa.first_request:
            sa.receipts.taken()
            sa.log("IKE", "received retransmit of request with ID 0, retransmitting response")
            self.channel.send_to(event.local, event.remote, self.window.answer)
            return
        if sa.first_request or self.window.peer_next or message.message_id != 0:
            raise PeerError(0, f"another {message.title} for the same IKE_SA")
        sa.first_request = event.data
        self._taken(message)
        self.exchanges.take_request(event, check_rules(message))

    def _receive_fragment(
        self, event: Datagram, message: Message, fragment: SkfPayload, opener: Protector
    ) -> None:
        sa, window = self.sa, self.window
        plain = unseal_fragment(message, event.data, opener)
        self.channel.fragmented = True
        if not message.response:
            arrival = window.classify(message.message_id)
            if arrival is not Arrival.NEW:
                # "only if it is the first fragment" (RFC 7383 §2.6.1): one answer, not one per fragment
                if arrival is Arrival.AGAIN and fragment.number == 1:
                    self._answer_again(event, message)
                return
        elif not window.is_awaited(message.message_id, message.exchange):
            return
        self._taken(message)
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
            self._malformed(event, message, error)
            return
        self._authentic(event, message, whole)

    def _authentic(self, event: Datagram, message: Message, plain: bytes) -> None:
        sa = self.sa
        if message.response and not self.window.is_awaited(message.message_id, message.exchange):
            raise PeerError(0, f"{message.title} that nobody waits for")
        asked = sync.asked(sa, message)
        if asked is not None:
            self._synchronise(event, message, asked)
            return
        arrival = Arrival.NEW if message.response else self.window.classify(message.message_id)
        if arrival is Arrival.STALE:
            text = f"{message.title} with invalid message ID, expected {self.window.peer_next}"
            raise PeerError(0, text)
        if arrival is Arrival.AGAIN:  # perhaps recorded: it proves no life and moves nothing
            self._answer_again(event, message)
            return
        sa.last_received = sa.ctx.now
        self._taken(message)
        sa.heard_from(event, message.response)
        sa.arrived = Arrived(event, plain, first_type(message.payloads))
        try:
            check_critical(message)
            message = check_rules(message)
        except PeerError as error:
            self._malformed(event, message, error)
            return
        if message.response:
            self.exchanges.take_response(message)
        else:
            self.exchanges.take_request(event, message)

    def _synchronise(self, event: Datagram, message: Message, notify: NotifyPayload) -> None:
        """RFC 6311: another member of the peer's cluster has taken over."""
        agreed = sync.agree(self.window, notify)
        if agreed is None:
            raise PeerError(0, "request to synchronise message IDs that says nothing new")
        sa, pending = self.sa, self.window.pending
        sa.last_received = sa.ctx.now
        self._taken(message)
        going_on = f"our requests go on with message ID {agreed.send}, its own with {agreed.receive}"
        sa.log("IKE", f"{sa.remote.address} has failed over: {going_on}")
        response = self.channel.message(message.exchange, message.message_id, True, [agreed.notify()])
        self.channel.send_to(event.local, event.remote, self.channel.encode(response)[0])
        if pending is not None and pending.message_id < agreed.send:
            self.exchanges.send_anew(agreed.send)

    def _taken(self, message: Message) -> None:
        self.sa.receipts.taken()
        self.sa.log("ENC", f"parsed {message}")

    def _answer_again(self, event: Datagram, message: Message) -> None:
        self.sa.receipts.taken()
        self.sa.log(
            "IKE",
            f"received retransmit of request with ID {message.message_id}, retransmitting response",
        )
        self.channel.send_to(event.local, event.remote, self.window.answer)

    def _malformed(self, event: Datagram, message: Message, error: PeerError) -> None:
        """An authentic message that cannot be taken (§2.21.3): say so; INVALID_SYNTAX ends the IKE_SA."""
        sa = self.sa
        if message.response:
            if self.window.is_awaited(message.message_id, message.exchange):
                sa.receipts.taken()
                self.exchanges.refuse_response(error)
            return
        if self.window.classify(message.message_id) is not Arrival.NEW:
            return
        sa.receipts.taken()
        sa.log("ENC", f"could not take {message.title}: {error.detail}")
        self.window.accept()
        self.exchanges.reply(event, message, error_reply(error))
        if error.notify == NotifyType.INVALID_SYNTAX and not sa.is_gone:
            sa.malformed(error.detail)
