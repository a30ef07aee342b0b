"""The control socket: vici over a Unix stream socket that only its owner may open.

What a client sends is untrusted in form (any bytes) though not in power (it is root). A client
that breaks the protocol, or does not read what it asked for, is disconnected; the others and
the tunnels notice nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

from cygnet.boundary.effects import Finish, Outcome
from cygnet.boundary.notices import Alert, ChildRekeyed, ChildUpDown, IkeRekeyed, IkeUpDown, Log, Notice
from cygnet.control.outcomes import Answer, Ask, Count, Decision, Reload
from cygnet.control.render.notices import EVENT_OF, as_event, control_log
from cygnet.control.vici.codec import Message, ViciError
from cygnet.control.vici.handlers.table import decide
from cygnet.control.vici.session import Command, Session
from cygnet.control.view import View
from cygnet.daemon.log import Journal
from cygnet.daemon.requests import Requests
from cygnet.daemon.runner import Runner

MOST_CLIENTS = 256
MOST_UNREAD = 4 << 20  #: bytes that a client may leave unread before it is disconnected

ReloadFunction = Callable[[Reload, Callable[[Message], None]], None]


class ViciServer:
    def __init__(
        self,
        path: Path,
        runner: Runner,
        requests: Requests,
        view: View,
        reload: ReloadFunction,
        journal: Journal,
    ) -> None:
        self.runner, self.requests, self.view, self.reload, self.journal = (
            runner,
            requests,
            view,
            reload,
            journal,
        )
        self._path = path
        self._server: asyncio.AbstractServer | None = None
        self.clients: set[Client] = set()

    async def start(self) -> None:
        """Listen. A socket left by a crashed daemon is removed: the pid file's lock is ours."""
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        before = os.umask(0o177)
        try:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_unix_server(lambda: Client(self), str(self._path))
        finally:
            os.umask(before)

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for client in tuple(self.clients):
            client.close()
        with contextlib.suppress(OSError):
            self._path.unlink()

    def announce(self, notice: Notice) -> None:
        """Tell every client that registered for what this is."""
        name = EVENT_OF[type(notice)]
        listening = [client for client in self.clients if client.session.wants(name)]
        if listening:
            message = as_event(notice, self.runner.snapshot if not isinstance(notice, Log) else None)
            for client in listening:
                client.event(name, message)


class Client(asyncio.Protocol):
    """One connection. Everything happens in callbacks of the event loop; nothing blocks."""

    def __init__(self, server: ViciServer) -> None:
        self._server = server
        self.session = Session()
        self._transport: asyncio.WriteTransport | None = None
        self._stream: Iterator[tuple[str, Message]] | None = None
        self._last: Message = {}
        self._full = False
        self._ref = 0  #: the open request, 0: none
        self._timer: asyncio.TimerHandle | None = None

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        if len(self._server.clients) >= MOST_CLIENTS:
            self._server.journal.say("cfg", f"refused a vici client: {MOST_CLIENTS} are connected")
            transport.close()
            return
        self._server.clients.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        """The client is gone; what it asked for goes on (as after ^C in `up`)."""
        self._server.clients.discard(self)
        self._server.requests.close(self._ref)
        self._cancel_timer()
        self._stream = None
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._guarded(lambda: self.session.receive(data))
        self._advance()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._pump()

    # commands

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _guarded(self, act: Callable[[], Any]) -> None:
        try:
            act()
        except ViciError as error:
            self._server.journal.say("cfg", f"vici client disconnected: {error}")
            self.close()

    def _advance(self) -> None:
        while self._transport is not None and not self._transport.is_closing():
            step: Command | bytes | None = None
            try:
                step = self.session.advance()
            except ViciError as error:
                self._server.journal.say("cfg", f"vici client disconnected: {error}")
                self.close()
            if step is None:
                return
            if isinstance(step, bytes):
                self._write(step)
            else:
                self._carry_out(step)

    def _carry_out(self, command: Command) -> None:
        try:
            decision = decide(command.name, command.message, self._server.view)
        except Exception as error:  # a bug of ours; the client gets an answer all the same
            self._server.journal.say("cfg", f"BUG in vici command {command.name!r}: {error!r}", 0)
            decision = Answer({"success": "no", "errmsg": f"internal error: {error}", "outcome": "1"})
        if decision is None:
            self._write(self.session.answer(None))
        else:
            DECISIONS[type(decision)](self, decision)

    def answer(self, answer: Answer) -> None:
        self._stream, self._last = iter(answer.events), answer.message
        self._pump()

    def count(self, count: Count) -> None:
        def counted(usages: Any) -> None:
            if self._transport is not None:
                self.answer(count.then(usages))

        self._server.runner.count(count.ids, counted)

    def reload(self, reload: Reload) -> None:
        self._server.reload(reload, self._answer_late)

    def ask(self, ask: Ask) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        self._ref = ref = self._server.requests.open(
            lambda log: self._log(log, ask.level), lambda finish: self._finished(ref, finish)
        )
        self._server.runner.feed(ask.event(ref))
        if self._ref != ref or self._transport is None:
            return  # it finished at once
        if ask.timeout == 0:
            self._detach({"success": "yes", "outcome": "0"})
        elif ask.timeout is not None:
            self._timer = loop.call_later(ask.timeout, self._overdue, ask, started)

    def _overdue(self, ask: Ask, started: float) -> None:
        milliseconds = round((asyncio.get_running_loop().time() - started) * 1000)
        reason = self._server.requests.trouble(self._ref, self._server.runner.snapshot())
        text = f"{ask.what} not {ask.done} after {milliseconds}ms, detaching"
        self._detach({"success": "no", "errmsg": text, "text": text, "reason": reason, "outcome": "1"})

    def _detach(self, message: Message) -> None:
        self._server.requests.close(self._ref)
        self._answer_late(message)

    def _finished(self, ref: int, finish: Finish) -> None:
        if self._ref != ref or self._transport is None:
            return  # answered as overdue meanwhile, or nobody is there any more
        message: Message = {"success": "yes" if finish.outcome is Outcome.OK else "no"}
        if finish.outcome is not Outcome.OK:
            message["errmsg"] = finish.text
        message["outcome"], message["text"] = str(finish.outcome.value), finish.text
        if finish.reason:
            message["reason"] = finish.reason
        self._answer_late(message)

    def _answer_late(self, message: Message) -> None:
        self._ref = 0
        self._cancel_timer()
        if self._transport is not None:
            self.answer(Answer(message))
            self._advance()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # output

    def _log(self, log: Log, level: int) -> None:
        if log.level <= level:
            self.event("control-log", control_log(log))

    def event(self, name: str, message: Message) -> None:
        self._guarded(lambda: self._write(self.session.event(name, message)))

    def _pump(self) -> None:
        """Go on with the streamed answer for as long as the client reads."""
        while self._stream is not None and not self._full and self._transport is not None:
            item = next(self._stream, None)
            if item is None:
                self._stream = None
                self._guarded(lambda: self._write(self.session.answer(self._last)))
                self._advance()
            else:
                self.event(*item)

    def _write(self, data: bytes) -> None:
        if self._transport is None or not data or self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > MOST_UNREAD:
            self._server.journal.say("cfg", "vici client disconnected: it does not read")
            self._transport.abort()


DECISIONS: dict[type[Decision], Callable[[Client, Any], None]] = {
    Answer: Client.answer,
    Ask: Client.ask,
    Count: Client.count,
    Reload: Client.reload,
}

#: every notice has an event name; see control/render/notices.py
assert set(EVENT_OF) == {Log, IkeUpDown, IkeRekeyed, ChildUpDown, ChildRekeyed, Alert}
