"""The exchanges of one IKE_SA: our tasks one after the other, the peer's requests as they come.

``incoming`` brings what has arrived: a response goes to the active task, a request to
``dispatch``. ``channel`` takes what leaves; requests are kept by the window for retransmission.
Tasks that are queued while a request is being answered begin after the answer.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from cygnet.boundary.events import Datagram
from cygnet.engine.ikev2 import dispatch
from cygnet.engine.ikev2.channel import IN_THE_CLEAR, Channel
from cygnet.engine.ikev2.incoming import Incoming
from cygnet.engine.ikev2.tasks import child_delete, ike_rekey, mobike
from cygnet.engine.ikev2.tasks.task import Draft, Reply, Step, Task, error_reply
from cygnet.engine.ikev2.window import retransmit_delay
from cygnet.engine.timers import Deadline
from cygnet.values.errors import PeerError
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify_types import NotifyType

if TYPE_CHECKING:
    from cygnet.engine.ikev2.sa import IkeSaV2

T = TypeVar("T", bound=Task)


class Exchanges:
    def __init__(self, sa: IkeSaV2) -> None:
        self.sa = sa
        self.channel = Channel(sa)
        self.window = self.channel.window
        self.incoming = Incoming(self)
        self.queue: deque[Task] = deque()
        self.active: Task | None = None
        self._answering = False
        self._requested: Message | None = None  #: our last request

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
        self._send_request(self.channel.message(draft.exchange, self.window.own_next, False, draft.payloads))

    def _send_request(self, message: Message) -> None:
        datagrams, inner = self.channel.encode(message)
        self.window.sent(message.exchange, datagrams)
        self._requested = message
        assert self.active is not None
        self.active.sent(message, datagrams, inner)
        self.channel.send(datagrams)
        self._await_answer()

    def send_once(self, draft: Draft) -> None:
        """A request for whose answer nobody stays: the IKE_SA goes right after it."""
        message = self.channel.message(draft.exchange, self.window.own_next, False, draft.payloads)
        self.window.own_next += 1
        self.channel.send(self.channel.encode(message)[0])

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
        self.channel.send(pending.datagrams)
        for local, remote in mobike.other_paths(sa):
            self.channel.send_to(local, remote, pending.datagrams)
        self._await_answer()

    def send_again(self) -> None:
        """The path is another one: what waits for a response goes there too, without waiting."""
        if self.window.pending is not None:
            self.channel.send(self.window.pending.datagrams)

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

    def send_anew(self, message_id: int) -> None:
        """The request that is under way goes out under another message ID (RFC 6311)."""
        self.window.pending = None
        if self._requested is not None:
            self._send_request(replace(self._requested, message_id=message_id))

    # what arrives ---------------------------------------------------------------------

    def take_response(self, message: Message) -> None:
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

    def refuse_response(self, error: PeerError) -> None:
        task, self.active = self.active, None
        self.window.answered()
        self.sa.ctx.timers.cancel(self.sa.uid, Deadline.RETRANSMIT)
        if task is not None:
            task.refused(error)
        self.go_on()

    def take_request(self, event: Datagram, message: Message) -> None:
        self.window.accept()
        self.channel.inbound_before = None
        if self.sa.contested is not None and not ike_rekey.deletes_ike(message):
            ike_rekey.used_by_peer(self.sa)
        self._answering = True
        fatal = ""
        try:
            reply = dispatch.answer(self.sa, message)
        except PeerError as error:
            self.sa.log("IKE", error.detail)
            reply = error_reply(error)
            fatal = error.detail if error.notify == NotifyType.INVALID_SYNTAX else ""
        finally:
            self._answering = False
        self.reply(event, message, reply)
        if fatal and not self.sa.is_gone:
            self.sa.malformed(fatal)
        self.go_on()

    def reply(self, event: Datagram, message: Message, reply: Reply) -> None:
        response = self.channel.message(message.exchange, message.message_id, True, reply.payloads)
        datagrams, inner = self.channel.encode(response)
        self.window.answer = datagrams
        self.sa.replied(response, datagrams, inner)
        self.channel.send_to(event.local, event.remote, datagrams)
        if reply.after is not None and not self.sa.is_gone:
            self._answering = True
            try:
                reply.after()
            finally:
                self._answering = False
