"""A scripted engine, a transport that keeps what is sent, and a runner around both."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cygnet.boundary.effects import Effect, Send
from cygnet.boundary.events import Event
from cygnet.boundary.notices import Log, Notice
from cygnet.boundary.snapshot import Snapshot
from cygnet.credentials.held import Held
from cygnet.daemon.log import Journal, Levels
from cygnet.daemon.perform import Hands
from cygnet.daemon.requests import Requests
from cygnet.daemon.runner import Runner
from cygnet.daemon.updown import Updown
from cygnet.dataplane.memory import MemoryPlane

Script = Callable[[Event], list[Effect]]


class ScriptedEngine:
    """``script`` says what each event leads to; ``deadline`` is what next_deadline answers."""

    def __init__(self, script: Script = lambda event: []) -> None:
        self.script = script
        self.events: list[Event] = []
        self.deadline: float | None = None
        self.state = Snapshot(0.0, (), (), ())

    def handle(self, event: Event, now: float) -> list[Effect]:
        self.events.append(event)
        return self.script(event)

    def next_deadline(self) -> float | None:
        return self.deadline

    def held(self, now: float) -> Held:
        return Held()

    def snapshot(self, now: float) -> Snapshot:
        return self.state


class ListSink:
    def __init__(self, levels: Levels = Levels(default=4)) -> None:  # noqa: B008 - an immutable value
        self.levels = levels
        self.lines: list[Log] = []

    def write(self, log: Log) -> None:
        self.lines.append(log)

    def close(self) -> None: ...

    @property
    def text(self) -> str:
        return "\n".join(log.text for log in self.lines)


@dataclass
class Sent:
    effects: list[Send] = field(default_factory=list)

    def send(self, effect: Send) -> None:
        self.effects.append(effect)


@dataclass
class Rig:
    """A runner with everything around it that can be looked at."""

    engine: ScriptedEngine
    plane: MemoryPlane
    runner: Runner
    hands: Hands
    sink: ListSink
    sent: Sent
    announced: list[Notice]


def rig(script: Script = lambda event: []) -> Rig:
    """To be called in a running event loop."""
    loop = asyncio.get_running_loop()
    sink, sent, journal = ListSink(), Sent(), Journal()
    journal.use([sink])
    announced: list[Notice] = []
    plane = MemoryPlane(time.monotonic)
    engine = ScriptedEngine(script)
    hands = Hands(
        plane=plane,
        transport=sent,
        journal=journal,
        requests=Requests(),
        updown=Updown(journal),
        loop=loop,
        feed=lambda event: runner.feed(event),
        announce=announced.append,
    )
    runner = Runner(engine, plane, hands, journal, loop)
    plane.start(runner.report)
    return Rig(engine, plane, runner, hands, sink, sent, announced)


async def until(condition: Callable[[], object], patience: float = 10.0) -> None:
    """Wait for something that the event loop will make true."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it never became true"
        await asyncio.sleep(0.005)
