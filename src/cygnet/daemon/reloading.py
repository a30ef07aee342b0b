"""`update`, `reload`, `rereadsecrets`: reads the files again and hands the engine the result.

Files are parsed in a thread, so that a long configuration does not hold packets of tunnels up.
Only one reload runs at a time; those asked for meanwhile follow, each with its own answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import replace

from cygnet.boundary.events import Configure, Terminate
from cygnet.config.load import Loaded
from cygnet.control.outcomes import Reload
from cygnet.control.vici.codec import Message
from cygnet.daemon.keeping import keep_last_good
from cygnet.daemon.loading import diagnostics, load_files
from cygnet.daemon.options import Options
from cygnet.daemon.runner import Runner
from cygnet.daemon.signing import Signers
from cygnet.engine.configure import Change, changes
from cygnet.model.config import Config, Settings

Done = Callable[[Message], None]

#: settings that are only read when sockets and devices are made
_SAID = {
    Change.ADDED: "added '{}'",
    Change.REMOVED: "removed '{}'",
    Change.IN_PLACE: "changed '{}' in place",
    Change.REPLACED: "changed '{}': what is up of it is closed and negotiated anew",
}

FIXED = ("port", "port_nat_t", "install_routes", "drop_unprotected", "routing_table", "routing_table_prio")


class Reloader:
    def __init__(
        self,
        options: Options,
        runner: Runner,
        loaded: Loaded,
        use: Callable[[Loaded], None],
        signers: Signers,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._options, self._runner, self._use, self._loop = options, runner, use, loop
        self._config = loaded.config
        self._signers = signers
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def reload(self, kind: Reload, done: Done) -> None:
        task = self._loop.create_task(self._reload(kind, done))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reload(self, kind: Reload, done: Done) -> None:
        async with self._lock:
            loaded = await asyncio.to_thread(load_files, self._options)
            done(self._take(kind, loaded))

    def _take(self, kind: Reload, loaded: Loaded) -> Message:
        """Put it into force, and the answer: what a person sees is in ``text``."""
        if not kind.connections:
            loaded = _credentials_of(loaded)
        config, kept = keep_last_good(self._config, loaded.config, loaded.ignored)
        lines = diagnostics(loaded, kept)
        if loaded.fatal:
            lines.append("the configuration was not loaded; what ran before runs on")
            return _message(lines, "2")
        if kind.connections:
            lines += _unchangeable(self._config.settings, config.settings)
            lines += [_SAID[change].format(name) for name, change in changes(self._config, config)]
            self._use(loaded)
        else:
            config = with_credentials(self._config, loaded.config, kind.parts)
        self._config = config
        if config.keys == loaded.config.keys:  # else those from before stay in force
            self._signers.use(loaded.private)
        fresh = frozenset(c.name for c in config.connections) if kind.fresh else frozenset[str]()
        self._runner.feed(Configure(config, fresh, start=kind.connections))
        if kind.connections:
            lines += self._orphans(kind.apply)
        return _message(lines, "2" if loaded.errors else "0")

    def _orphans(self, close: bool) -> list[str]:
        """What still runs without a configuration (and is closed on request)."""
        lines = []
        for sa in self._runner.snapshot().ike_sas:
            if not sa.orphan:
                continue
            who = f"{sa.name}[{sa.uid}] to {sa.remote.address}"
            if close:
                self._runner.feed(Terminate(0, f"[{sa.uid}]"))
                lines.append(f"closed {who}: its configuration is gone")
            else:
                lines.append(
                    f"{who} still runs although its configuration is gone; "
                    f"close it with 'cygnet down [{sa.uid}]', or all such with --apply"
                )
        return lines


def _credentials_of(loaded: Loaded) -> Loaded:
    """With complaints about credentials only."""
    errors, warnings = (
        tuple(one for one in found if one in loaded.of_credentials)
        for found in (loaded.errors, loaded.warnings)
    )
    return replace(loaded, errors=errors, warnings=warnings, ignored=())


def with_credentials(before: Config, after: Config, parts: Collection[str] = ()) -> Config:
    """``before`` with the credentials of ``after``: of those ``parts`` (control.outcomes.Reload), or all."""

    def read(part: str) -> bool:
        return not parts or part in parts

    return replace(
        before,
        secrets=after.secrets if read("secrets") else before.secrets,
        keys=after.keys if read("secrets") else before.keys,
        certificates=(
            *(file for file in after.certificates if read(file.use.value)),
            *(file for file in before.certificates if not read(file.use.value)),
        ),
        crls=after.crls if read("crls") else before.crls,
    )


def _unchangeable(before: Settings, after: Settings) -> list[str]:
    changed = [name for name in FIXED if getattr(before, name) != getattr(after, name)]
    return [f"{name} changes with the next restart" for name in changed]


def _message(lines: list[str], outcome: str) -> Message:
    message: Message = {"success": "yes" if outcome == "0" else "no"}
    if outcome != "0":
        message["errmsg"] = lines[0] if lines else "the configuration has errors"
    text = "\n".join(lines)
    message["text"] = text if len(text) < 16000 else text[:16000] + "\n(more in the log)"
    message["outcome"] = outcome
    return message
