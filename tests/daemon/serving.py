"""The control socket with a scripted engine behind it, in a thread, for synchronous clients."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cygnet.boundary.snapshot import Snapshot
from cygnet.control.outcomes import Reload
from cygnet.control.vici.codec import Message
from cygnet.control.view import Facts
from cygnet.credentials.held import Held
from cygnet.daemon.vici_server import ViciServer
from tests.control.states import FACTS, UP
from tests.daemon.fakes import Rig, Script, rig


@dataclass
class View:
    rig: Rig

    def snapshot(self) -> Snapshot:
        return self.rig.runner.snapshot()

    def held(self) -> Held:
        return self.rig.runner.held()

    def facts(self) -> Facts:
        return FACTS


@dataclass
class Serving:
    path: str
    rig: Rig
    loop: asyncio.AbstractEventLoop
    server: ViciServer

    def soon(self, act: Callable[[], object]) -> None:
        """Have something done in the daemon's thread."""
        self.loop.call_soon_threadsafe(act)


def reload(kind: Reload, done: Callable[[Message], None]) -> None:
    done({"success": "yes", "text": repr(kind), "outcome": "0"})


@contextlib.contextmanager
def serving(directory: Path, script: Script = lambda event: []) -> Iterator[Serving]:
    started: list[Serving] = []
    ready, stop = threading.Event(), threading.Event()

    async def serve() -> None:
        r = rig(script)
        r.engine.state = UP
        path = directory / "cygnet.vici"
        server = ViciServer(path, r.runner, r.hands.requests, View(r), reload, r.hands.journal)
        r.hands.announce = server.announce
        await server.start()
        started.append(Serving(str(path), r, asyncio.get_running_loop(), server))
        ready.set()
        while not stop.is_set():
            await asyncio.sleep(0.01)
        server.stop()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(10)
        yield started[0]
    finally:
        stop.set()
        thread.join(10)
