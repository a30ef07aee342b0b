"""The loop around the engine: events in, effects performed in order, one timer kept.

What docs/architecture.md §4 says: the effects of one event are performed one after the other
with nothing awaited in between; what they cause (a failed installation, an answer that is
there at once) waits in a queue until they are done. Everything here runs in the event loop's
thread; a data plane may report from any thread.
"""

from __future__ import annotations

import asyncio
import traceback
from collections import deque
from collections.abc import Callable
from typing import Protocol

from cygnet.boundary.effects import Effect, Finish, Outcome
from cygnet.boundary.events import (
    Event,
    Initiate,
    Rekey,
    Report,
    Route,
    Terminate,
    Tick,
    Unroute,
    Usage,
)
from cygnet.boundary.snapshot import Snapshot
from cygnet.boundary.specs import SaId
from cygnet.control.view import Usages
from cygnet.credentials.held import Held
from cygnet.daemon.log import Journal
from cygnet.daemon.perform import PERFORM, Hands
from cygnet.dataplane.base import DataPlane

USAGE_PATIENCE = 2.0  #: seconds that status waits for a data plane's counters

_OUR_FAULT = "failed for a bug in cygnet; the daemon's log has the trace"
_BY_USER = (Initiate, Terminate, Route, Unroute, Rekey)


class Engine(Protocol):
    """What the runner needs of the engine (engine/engine.py)."""

    def handle(self, event: Event, now: float) -> list[Effect]: ...

    def next_deadline(self) -> float | None: ...

    def snapshot(self, now: float) -> Snapshot: ...

    def held(self, now: float) -> Held: ...


class Runner:
    def __init__(
        self,
        engine: Engine,
        plane: DataPlane,
        hands: Hands,
        journal: Journal,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.engine, self._plane, self._hands, self._journal, self._loop = engine, plane, hands, journal, loop
        self._queue: deque[Event] = deque()
        self._handling = False
        self._timer: asyncio.TimerHandle | None = None
        self._counting: dict[int, Callable[[Usages], None]] = {}
        self._next_count = -1  #: refs of ours are negative, so that the engine's never meet them

    def now(self) -> float:
        """The engine's clock: monotonic seconds, the event loop's."""
        return self._loop.time()

    def snapshot(self) -> Snapshot:
        return self.engine.snapshot(self.now())

    def held(self) -> Held:
        return self.engine.held(self.now())

    def feed(self, event: Event) -> None:
        """Give the engine an event, and carry out what it wants before returning.

        Called while another event is being carried out, it waits for that.
        """
        self._queue.append(event)
        if self._handling:
            return
        self._handling = True
        try:
            while self._queue:
                self._handle(self._queue.popleft())
        finally:
            self._handling = False
        self._arm()

    def report(self, report: Report) -> None:
        """What a data plane calls, from any thread."""
        self._loop.call_soon_threadsafe(self._take_report, report)

    def count(self, ids: tuple[SaId, ...], then: Callable[[Usages], None]) -> None:
        """Ask the data plane for counters; ``then`` gets what came, or nothing after a while."""
        if ids:
            self._ask_plane(ids, then)
        else:
            then({})

    def barrier(self, then: Callable[[], None]) -> None:
        """Call ``then`` when the data plane has done everything it was told so far."""
        self._ask_plane((), lambda usages: then())

    def _ask_plane(self, ids: tuple[SaId, ...], then: Callable[[Usages], None]) -> None:
        ref, self._next_count = self._next_count, self._next_count - 1
        self._counting[ref] = then
        self._loop.call_later(USAGE_PATIENCE, self._counted, ref, {})
        self._plane.query(ref, ids)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def scheduled(self) -> int:
        """How many timers are kept: the one for the engine's next deadline."""
        return int(self._timer is not None)

    def _handle(self, event: Event) -> None:
        try:
            effects = self.engine.handle(event, self.now())
        except Exception:
            # The engine must not raise whatever a peer sends; that it did is a bug of ours, and
            # worth a trace, but not the other tunnels.
            self._bug(f"event {type(event).__name__}")
            if isinstance(event, _BY_USER):
                self._hands.requests.finish(Finish(event.ref, Outcome.FAILED, _OUR_FAULT))
            return
        self._hands.current = event.ref if isinstance(event, _BY_USER) else 0
        finished: list[Callable[[], None]] = []
        for effect in effects:
            try:
                if isinstance(effect, Finish) and effect.outcome is Outcome.OK:
                    self._hands.requests.finish(effect, finished.append)
                else:
                    PERFORM[type(effect)](self._hands, effect)
            except Exception:
                self._bug(f"effect {type(effect).__name__}")
        for tell in finished:
            # "established" is said when packets can pass: the plane works beside us, and a
            # request may be finished before what it asked for is installed
            self.barrier(tell)
        self._hands.current = 0

    def _bug(self, where: str) -> None:
        self._journal.say("dmn", f"BUG in {where}, please report it:", 0)
        for line in traceback.format_exc().splitlines():
            self._journal.say("dmn", f"  {line}", 0)

    def _take_report(self, report: Report) -> None:
        if isinstance(report, Usage) and report.ref < 0:
            self._counted(report.ref, {usage.id: usage for usage in report.usages})
        else:
            self.feed(report)

    def _counted(self, ref: int, usages: Usages) -> None:
        then = self._counting.pop(ref, None)
        if then is not None:
            then(usages)

    def _arm(self) -> None:
        """Keep one timer for the next deadline. One that fires early is harmless: it stays."""
        deadline = self.engine.next_deadline()
        if self._timer is not None:
            if deadline is not None and self._timer.when() <= deadline:
                return
            self._timer.cancel()
            self._timer = None
        if deadline is not None:
            self._timer = self._loop.call_at(deadline, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.feed(Tick())
