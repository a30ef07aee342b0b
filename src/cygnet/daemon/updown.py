"""Runs updown scripts (leftupdown=), one after the other in the order in which they were due.

In order, because "down" of an old tunnel and "up" of its successor touch the same firewall
rules. What a script prints goes to the log; one that does not end is killed, so that the
others get their turn.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable

from cygnet.boundary.effects import RunUpdown
from cygnet.daemon.log import Journal

PATIENCE = 30.0  #: seconds a script may take
LONGEST_LINE = 1024
SCRIPT_UMASK = 0o022  #: not ours, which keeps everybody out: scripts write files for others too
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Updown:
    def __init__(self, journal: Journal, interface_of: Callable[[str], str] = lambda address: "") -> None:
        """``interface_of`` names the interface of a local address, for PLUTO_INTERFACE."""
        self._journal, self._interface_of = journal, interface_of
        self._waiting: asyncio.Queue[RunUpdown] = asyncio.Queue()
        self._worker: asyncio.Task[None] | None = None

    def run(self, effect: RunUpdown) -> None:
        """Returns at once; the script runs when those before it are done."""
        self._waiting.put_nowait(effect)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.get_running_loop().create_task(self._work())

    async def drain(self, patience: float) -> None:
        """Let what is due finish, at most ``patience`` seconds (for a clean stop)."""
        if self._worker is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._worker, patience)

    async def _work(self) -> None:
        while not self._waiting.empty():
            await self._run(self._waiting.get_nowait())

    async def _run(self, effect: RunUpdown) -> None:
        environment = {"PATH": os.environ.get("PATH", PATH), **dict(effect.environment)}
        environment["PLUTO_INTERFACE"] = self._interface_of(environment.get("PLUTO_ME", ""))
        try:
            process = await asyncio.create_subprocess_shell(
                effect.command,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
                umask=SCRIPT_UMASK,
            )
        except (OSError, ValueError) as error:
            self._journal.say("chd", f"could not execute updown script '{effect.command}': {error}")
            return
        try:
            await asyncio.wait_for(self._follow(process, effect), PATIENCE)
        except TimeoutError:
            self._journal.say("chd", f"updown script '{effect.command}' killed after {PATIENCE:.0f}s")
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()

    async def _follow(self, process: asyncio.subprocess.Process, effect: RunUpdown) -> None:
        assert process.stdout is not None
        while data := await process.stdout.read(LONGEST_LINE):
            for line in data.decode("utf-8", "replace").splitlines():
                text = "".join(c if c.isprintable() else "?" for c in line)
                self._journal.say("chd", f"updown: {text}")
        status = await process.wait()
        if status:
            self._journal.say("chd", f"updown script '{effect.command}' exited with status {status}")
