"""The requests of one IKE_SA: our tasks one after the other, each until its response is here.

``channel`` takes what leaves; requests are kept by the window for retransmission. Tasks that
are queued while a request of the peer's is being answered begin after the answer. What arrives
is taken in ``incoming``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from cygnet.engine.ikev2.channel import Channel
from cygnet.engine.ikev2.task import Draft, Step, Task
from cygnet.engine.ikev2.window import Pending, retransmit_delay
from cygnet.engine.timers import Deadline
from cygnet.engine.waiting import Missing
from cygnet.values.endpoint import Endpoint
from cygnet.values.errors import PeerError
from cygnet.wire.ikev2.message import Message

if TYPE_CHECKING:
    from cygnet.engine.ikev2.sa import IkeSaV2

T = TypeVar("T", bound=Task)
MOST_ROUNDS = 3  #: of retransmissions of one request to a peer that speaks and does not answer it


class Exchanges:
    def __init__(self, sa: IkeSaV2) -> None:
        self.sa = sa
        self.channel = Channel(sa)
        self.window = self.channel.window
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
        task = self.active
        assert task is not None
        try:
            draft = task.build()
        except Missing as missing:
            missing.wait(self.sa, lambda: self._build_again(task))
            return
        if self.sa.is_gone or self.active is None:
            return
        if draft is None:
            self.active = None
            return
        self._request(draft)

    def _build_again(self, task: Task) -> None:
        if self.active is task:
            self._build()
            self.go_on()

    def _request(self, draft: Draft) -> None:
        self._send_request(self.channel.message(draft.exchange, self.window.own_next, False, draft.payloads))

    def _send_request(self, message: Message) -> None:
        datagrams, inner = self.channel.encode(message)
        self.window.sent(message.exchange, datagrams).since = self.sa.services.now
        if self.sa.is_established and self.sa.silent_since is None:
            self.sa.silent_since = self.sa.services.now
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
        pending.last_sent_at = sa.services.now
        delay = retransmit_delay(sa.services.config.settings, pending.tries, sa.services.entropy)
        sa.services.timers.set(sa.uid, Deadline.RETRANSMIT, sa.services.now + sa.patience(delay))

    def retransmit(self, other_paths: Iterable[tuple[Endpoint, Endpoint]]) -> None:
        """The response is overdue: send the request again, over ``other_paths`` as well, or tell the
        task that none will come."""
        sa, pending, task = self.sa, self.window.pending, self.active
        if pending is None or task is None or not sa.may_repeat():
            return
        settings = sa.services.config.settings
        exhausted = pending.tries >= settings.retransmit_tries and not self._goes_on(pending)
        if exhausted or sa.is_forgotten(pending.tries):
            sa.log("IKE", f"giving up after {pending.tries} retransmits")
            self.active = None
            self.window.answered()
            task.dropped()
            task.unanswered()
            return
        pending.tries += 1
        sa.log("IKE", f"retransmit {pending.tries} of request with message ID {pending.message_id}")
        self.channel.send(pending.datagrams)
        for local, remote in other_paths:
            self.channel.send_to(local, remote, pending.datagrams)
        self._await_answer()

    def _goes_on(self, pending: Pending) -> bool:
        """The peer has spoken since we first asked, so it has not failed (§2.4); its answer does not
        come through, as where a NAT has moved it. It is asked anew, a bounded number of times."""
        alive = self.sa.is_established and self.sa.last_received > pending.since
        if not alive or pending.rounds >= MOST_ROUNDS:
            return False
        pending.tries, pending.since = 0, self.sa.services.now
        pending.rounds += 1
        return True

    def remind(self) -> None:
        """The peer has just asked for something, so it lives: a request that it has not answered for long
        was lost, or its answer, and goes again without waiting for its time, which may be minutes away."""
        pending, now = self.window.pending, self.sa.services.now
        settings = self.sa.services.config.settings
        if pending is not None and now - pending.last_sent_at >= settings.retransmit_timeout:
            pending.last_sent_at = now
            self.channel.send(pending.datagrams)

    def send_again(self) -> None:
        """The path is another one: what waits for a response goes there too, without waiting."""
        if self.window.pending is not None:
            self.channel.send(self.window.pending.datagrams)

    def describe(self) -> str:
        """What is waited for, for status."""
        pending = self.window.pending
        at = self.sa.services.timers.at(self.sa.uid, Deadline.RETRANSMIT)
        if pending is None or at is None:
            return ""
        left = at - self.sa.services.now
        return f"retransmit {pending.tries + 1} of request {pending.message_id} in {left:.1f}s"

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
        self.sa.services.timers.cancel(self.sa.uid, Deadline.RETRANSMIT)
        if active is not None:
            active.dropped()
        self.drop_queue()

    def close(self) -> None:
        """The IKE_SA goes: a last word that has not been said is, and nothing else."""
        parting = self.active.parting_word() if self.active is not None else None
        words = (parting, *(task.last_word() for task in self.queue))
        for draft in [word for word in words if word is not None]:
            self.send_once(draft)
        self.drop_all()

    def send_anew(self, message_id: int) -> None:
        """The request that is under way goes out under another message ID (RFC 6311)."""
        self.window.pending = None
        if self._requested is not None:
            self._send_request(replace(self._requested, message_id=message_id))

    # responses ------------------------------------------------------------------------

    def answered(self) -> Task | None:
        """The response to our request is here: it is no longer waited for. Whose it is."""
        self.window.answered()
        self.sa.silent_since = None
        self.sa.services.timers.cancel(self.sa.uid, Deadline.RETRANSMIT)
        return self.active

    def process(self, task: Task, message: Message) -> None:
        self.resume(task, lambda: task.process(message))

    def resume(self, task: Task, go_on: Callable[[], Step]) -> None:
        """The task has its response, or what it waited for beside that."""
        try:
            step = go_on()
        except PeerError as error:
            self.active = None
            task.refused(error)
            return
        if step is Step.MORE and not self.sa.is_gone:
            self._build()
        elif step is not Step.WAIT and self.active is task:
            self.active = None

    @contextmanager
    def answering(self) -> Iterator[None]:
        """A request of the peer's is being answered: tasks wait."""
        self._answering = True
        try:
            yield
        finally:
            self._answering = False
