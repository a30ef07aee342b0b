"""The exchanges of one IKE_SA: our tasks one after the other, the peer's requests as they come.

What arrives is opened, put in its place by the window, and handed to the active task (a
response) or to ``dispatch`` (a request). What leaves is sealed, kept for retransmission and
sent. Tasks that are queued while a request is being answered begin after the answer.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from cygnet.boundary.effects import Send
from cygnet.boundary.events import Datagram
from cygnet.engine.ikev2 import crash, dispatch, redirect, sync
from cygnet.engine.ikev2.tasks import child_delete, ike_rekey, mobike
from cygnet.engine.ikev2.tasks.task import Draft, Reply, Step, Task, error_reply
from cygnet.engine.ikev2.window import Arrival, Window, retransmit_delay
from cygnet.engine.timers import Deadline
from cygnet.model.config import Fragmentation
from cygnet.values.endpoint import Endpoint
from cygnet.values.errors import PeerError
from cygnet.wire.header import ExchangeType, Header
from cygnet.wire.ikev2.chain import first_type
from cygnet.wire.ikev2.encrypted import SkfPayload, SkPayload
from cygnet.wire.ikev2.message import Message, check_critical
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.numbers import PayloadType
from cygnet.wire.ikev2.payload import Payload
from cygnet.wire.ikev2.rules import check_rules
from cygnet.wire.ikev2.sealing import Protector, opened, seal_message, unseal, unseal_fragment

if TYPE_CHECKING:
    from cygnet.engine.ikev2.sa import IkeSaV2

T = TypeVar("T", bound=Task)

#: exchanges whose messages are not encrypted
IN_THE_CLEAR = (ExchangeType.IKE_SA_INIT, ExchangeType.IKE_SESSION_RESUME)


@dataclass(frozen=True, slots=True)
class Arrived:
    """The message that is being acted on, as it came: ``plain`` is what was inside SK, beginning
    with a payload of type ``first``."""

    event: Datagram
    plain: bytes = b""
    first: PayloadType = PayloadType.NONE


class Exchanges:
    def __init__(self, sa: IkeSaV2) -> None:
        self.sa = sa
        self.window = Window()
        self.queue: deque[Task] = deque()
        self.active: Task | None = None
        self.outbound: Protector | None = None
        self.inbound: Protector | None = None
        self._inbound_before: Protector | None = None  #: of the keys before IKE_INTERMEDIATE renewed them
        self.decoded: Message | None = None  #: the first request, which ``responder`` has read already
        self._answering = False
        self._requested: Message | None = None  #: our last request
        self._fragmented = False  #: the peer sent us fragments, so it takes them (and needs them)

    # our tasks ------------------------------------------------------------------------

    def add(self, task: Task, first: bool = False) -> None:
        """Queue a task and begin it when nothing else is under way; ``first``: before the others."""
        if first:
            self.queue.appendleft(task)
        else:
            self.queue.append(task)
        self.go_on()

    def go_on(self) -> None:
        """Begin the next task, if none is active."""
        while self.active is None and self.queue and not self._answering and not self.sa.is_gone:
            self.active = self.queue.popleft()
            self._build()

    def _build(self) -> None:
        assert self.active is not None
        draft = self.active.build()
        if self.sa.is_gone or self.active is None:
            return
        if draft is None:
            self.active = None
            return
        self._request(draft)

    def _request(self, draft: Draft) -> None:
        self._send_request(self._message(draft.exchange, self.window.own_next, False, draft.payloads))

    def _send_request(self, message: Message) -> None:
        datagrams, inner = self._encode(message)
        self.window.sent(message.exchange, datagrams)
        self._requested = message
        assert self.active is not None
        self.active.sent(message, datagrams, inner)
        self._send(datagrams)
        self._await_answer()

    def send_once(self, draft: Draft) -> None:
        """A request for whose answer nobody stays: the IKE_SA goes right after it."""
        message = self._message(draft.exchange, self.window.own_next, False, draft.payloads)
        self.window.own_next += 1
        self._send(self._encode(message)[0])

    def _await_answer(self) -> None:
        sa, pending = self.sa, self.window.pending
        assert pending is not None
        delay = retransmit_delay(sa.ctx.config.settings, pending.tries, sa.ctx.entropy)
        sa.ctx.timers.set(sa.uid, Deadline.RETRANSMIT, sa.ctx.now + delay)

    def retransmit(self) -> None:
        """The response is overdue: send the request again, or tell the task that none will come."""
        sa, pending, task = self.sa, self.window.pending, self.active
        if pending is None or task is None:
            return
        settings = sa.ctx.config.settings
        if pending.tries >= settings.retransmit_tries:
            sa.log("IKE", f"giving up after {pending.tries} retransmits")
            self.active = None
            self.window.answered()
            task.dropped()
            task.unanswered()
            return
        pending.tries += 1
        sa.log("IKE", f"retransmit {pending.tries} of request with message ID {pending.message_id}")
        self._send(pending.datagrams)
        for local, remote in mobike.other_paths(sa):
            self._send_to(local, remote, pending.datagrams)
        self._await_answer()

    def send_again(self) -> None:
        """The path is another one: what waits for a response goes there too, without waiting."""
        if self.window.pending is not None:
            self._send(self.window.pending.datagrams)

    def describe(self) -> str:
        """What is waited for, for status."""
        pending = self.window.pending
        at = self.sa.ctx.timers.at(self.sa.uid, Deadline.RETRANSMIT)
        if pending is None or at is None:
            return ""
        return (
            f"retransmit {pending.tries + 1} of request {pending.message_id} in {at - self.sa.ctx.now:.1f}s"
        )

    def unsent(self, kind: type[T]) -> T | None:
        """A task of that kind that is queued and has not begun."""
        return next((t for t in self.queue if isinstance(t, kind)), None)

    def drop_queue(self) -> None:
        """What has not begun does not begin."""
        tasks, self.queue = self.queue, deque()
        for task in tasks:
            task.dropped()

    def drop_all(self) -> None:
        """The IKE_SA closes: no task goes on."""
        active, self.active = self.active, None
        self.window.pending = None
        self.sa.ctx.timers.cancel(self.sa.uid, Deadline.RETRANSMIT)
        if active is not None:
            active.dropped()
        self.drop_queue()

    def protect(self, outbound: Protector, inbound: Protector) -> None:
        """Use these keys from the next message on."""
        self._inbound_before = self.inbound
        self.outbound, self.inbound = outbound, inbound

    def _opener(self, message: Message) -> Protector:
        """What opens a message: the last request, sent again, is still under the keys it had."""
        if self.inbound is None:
            raise PeerError(0, f"{message.title} before there are keys")
        again = not message.response and message.message_id == self.window.peer_next - 1
        return self._inbound_before if again and self._inbound_before is not None else self.inbound

    # sending --------------------------------------------------------------------------

    def _message(
        self, exchange: ExchangeType, message_id: int, response: bool, payloads: list[Payload]
    ) -> Message:
        sa = self.sa
        return Message(sa.spi_i, sa.spi_r, exchange, message_id, sa.initiator, response, tuple(payloads))

    def _encode(self, message: Message) -> tuple[list[bytes], bytes]:
        """Datagrams of a message, and its plaintext where it is encrypted."""
        sa = self.sa
        sa.log("ENC", f"generating {message}")
        if message.exchange in IN_THE_CLEAR:
            return [message.encode()], b""
        assert self.outbound is not None
        datagrams, plain = seal_message(message, self.outbound, self._fragment_limit())
        if len(datagrams) > 1:
            total = sum(map(len, datagrams))
            sa.log("ENC", f"splitting IKE message ({total} bytes) into {len(datagrams)} fragments")
            for n in range(1, len(datagrams) + 1):
                sa.log("ENC", f"generating {message.title} [ EF({n}/{len(datagrams)}) ]")
        return datagrams, plain

    def _fragment_limit(self) -> int:
        """Bytes of an IKE message that still go out whole (RFC 7383 §2.5.1)."""
        sa, settings = self.sa, self.sa.ctx.config.settings
        mode = sa.connection.fragmentation
        allowed = mode in (Fragmentation.YES, Fragmentation.FORCE) or (
            mode is Fragmentation.ACCEPT and self._fragmented
        )
        if not allowed or not sa.peer.fragmentation:
            return 1 << 30
        six = sa.remote.address.version == 6
        packet = settings.fragment_size or (1280 if six else 576)
        return packet - (40 if six else 20) - 8 - 4  # IP, UDP, the non-ESP marker

    def _send(self, datagrams: list[bytes]) -> None:
        for data in datagrams:
            self.sa.send(data)

    def _send_to(self, local: Endpoint, remote: Endpoint, datagrams: list[bytes]) -> None:
        """A response goes back where its request came from (RFC 7296 §2.11)."""
        sa = self.sa
        sa.last_sent = sa.ctx.now
        for data in datagrams:
            sa.log("NET", f"sending packet: from {local} to {remote} ({len(data)} bytes)")
            sa.ctx.emit(Send(local, remote, data))

    # receiving ------------------------------------------------------------------------

    def receive(self, event: Datagram, header: Header) -> None:
        """A datagram for this IKE_SA. Raises PeerError(0) for what is to be dropped."""
        message, self.decoded = self.decoded or Message.decode(event.data, header), None
        if message.from_initiator == self.sa.initiator:
            raise PeerError(0, "message with our own initiator flag")
        if message.exchange in IN_THE_CLEAR:
            self._receive_clear(event, message)
            return
        opener = self._opener(message)
        fragment = message.first(SkfPayload)
        if fragment is not None:
            self._receive_fragment(event, message, fragment, opener)
            return
        if message.first(SkPayload) is None:
            if crash.says_lost(self.sa, message):
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
            sa.log("ENC", f"parsed {message}")
            redirect.check_genuine(sa, message)
            check_critical(message)
            self._response(check_rules(message))
            return
        if sa.initiator:
            raise PeerError(0, f"{message.title} to the initiator")
        if event.data == sa.first_request:
            sa.log("IKE", "received retransmit of request with ID 0, retransmitting response")
            self._send_to(event.local, event.remote, self.window.answer)
            return
        if sa.first_request or message.message_id != 0:
            raise PeerError(0, f"another {message.title} for the same IKE_SA")
        sa.first_request = event.data
        sa.log("ENC", f"parsed {message}")
        self._request_in(event, check_rules(message))

    def _receive_fragment(
        self, event: Datagram, message: Message, fragment: SkfPayload, opener: Protector
    ) -> None:
        sa, window = self.sa, self.window
        plain = unseal_fragment(message, event.data, opener)
        self._fragmented = True
        sa.log("ENC", f"parsed {message}")
        if not message.response:
            arrival = window.classify(message.message_id)
            if arrival is not Arrival.NEW:
                # "only if it is the first fragment" (RFC 7383 §2.6.1): one answer, not one per fragment
                if arrival is Arrival.AGAIN and fragment.number == 1:
                    self._answer_again(event, message)
                return
        elif not window.is_awaited(message.message_id, message.exchange):
            return
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
        sa.last_received = sa.ctx.now
        if arrival is Arrival.AGAIN:
            self._answer_again(event, message)
            return
        sa.log("ENC", f"parsed {message}")
        sa.heard_from(event, message.response)
        sa.arrived = Arrived(event, plain, first_type(message.payloads))
        try:
            check_critical(message)
            message = check_rules(message)
        except PeerError as error:
            self._malformed(event, message, error)
            return
        if message.response:
            self._response(message)
        else:
            self._request_in(event, message)

    def _synchronise(self, event: Datagram, message: Message, notify: NotifyPayload) -> None:
        """RFC 6311: another member of the peer's cluster has taken over."""
        agreed = sync.agree(self.window, notify)
        if agreed is None:
            raise PeerError(0, "request to synchronise message IDs that says nothing new")
        sa, pending = self.sa, self.window.pending
        sa.last_received = sa.ctx.now
        sa.log("ENC", f"parsed {message}")
        going_on = f"our requests go on with message ID {agreed.send}, its own with {agreed.receive}"
        sa.log("IKE", f"{sa.remote.address} has failed over: {going_on}")
        response = self._message(message.exchange, message.message_id, True, [agreed.notify()])
        self._send_to(event.local, event.remote, self._encode(response)[0])
        if pending is not None and pending.message_id < agreed.send and self._requested is not None:
            self.window.pending = None
            self._send_request(replace(self._requested, message_id=agreed.send))

    def _answer_again(self, event: Datagram, message: Message) -> None:
        self.sa.log(
            "IKE",
            f"received retransmit of request with ID {message.message_id}, retransmitting response",
        )
        self._send_to(event.local, event.remote, self.window.answer)

    def _malformed(self, event: Datagram, message: Message, error: PeerError) -> None:
        """An authentic message that cannot be taken (§2.21.3): say so; INVALID_SYNTAX ends the IKE_SA."""
        sa = self.sa
        if message.response:
            if self.window.is_awaited(message.message_id, message.exchange):
                self._finish_active(error)
            return
        if self.window.classify(message.message_id) is not Arrival.NEW:
            return
        sa.log("ENC", f"could not take {message.title}: {error.detail}")
        self.window.accept()
        self._reply(event, message, error_reply(error))
        if error.notify == NotifyType.INVALID_SYNTAX and not sa.is_gone:
            sa.failure = error.detail
            sa.destroy()

    def _response(self, message: Message) -> None:
        task = self.active
        assert task is not None
        self.window.answered()
        self.sa.ctx.timers.cancel(self.sa.uid, Deadline.RETRANSMIT)
        if message.notify(NotifyType.INVALID_SYNTAX) is not None and message.exchange not in IN_THE_CLEAR:
            # §2.21.3: "considered fatal in both peers, meaning that the IKE SA is deleted without
            # needing an explicit INFORMATIONAL exchange"
            self.active = None
            task.dropped()
            self.sa.rejected()
            return
        try:
            step = task.process(message)
        except PeerError as error:
            self.active = None
            task.refused(error)
        else:
            if step is Step.MORE and not self.sa.is_gone:
                self._build()
            elif self.active is task:
                self.active = None
        if self.active is None:
            child_delete.delete_overtaken(self.sa)
        self.go_on()

    def _finish_active(self, error: PeerError) -> None:
        task, self.active = self.active, None
        self.window.answered()
        self.sa.ctx.timers.cancel(self.sa.uid, Deadline.RETRANSMIT)
        if task is not None:
            task.refused(error)
        self.go_on()

    def _request_in(self, event: Datagram, message: Message) -> None:
        self.window.accept()
        self._inbound_before = None
        if self.sa.contested is not None and not ike_rekey.deletes_ike(message):
            ike_rekey.used_by_peer(self.sa)
        self._answering = True
        try:
            reply = dispatch.answer(self.sa, message)
        except PeerError as error:
            self.sa.log("IKE", error.detail)
            reply = error_reply(error)
        finally:
            self._answering = False
        self._reply(event, message, reply)
        self.go_on()

    def _reply(self, event: Datagram, message: Message, reply: Reply) -> None:
        response = self._message(message.exchange, message.message_id, True, reply.payloads)
        datagrams, inner = self._encode(response)
        self.window.answer = datagrams
        self.sa.replied(response, datagrams, inner)
        self._send_to(event.local, event.remote, datagrams)
        if reply.after is not None and not self.sa.is_gone:
            self._answering = True
            try:
                reply.after()
            finally:
                self._answering = False
