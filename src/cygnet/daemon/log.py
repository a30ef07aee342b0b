"""Log lines to where they belong: stderr, syslog, files; each with its own levels by group.

Not stdlib logging: a tunnel makes some thirty lines, and at 28 microseconds each logging would
cost more than the key exchange. A line that nobody wants costs one comparison a sink.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from cygnet.boundary.notices import Log
from cygnet.daemon.flood import GROUPS, Flood
from cygnet.model.config import FileLog, Settings

Format = Callable[[Log], str]

DEFAULT_LEVEL = 1


@dataclass(frozen=True, slots=True)
class Levels:
    """Up to which level each group is written; ``default`` for groups that are not named."""

    default: int = DEFAULT_LEVEL
    groups: Mapping[str, int] | None = None

    @classmethod
    def of(cls, pairs: tuple[tuple[str, int], ...]) -> Levels:
        """From (group, level) pairs; "default" and "any" stand for all the others."""
        named = {group.upper(): level for group, level in pairs}
        default = named.pop("DEFAULT", named.pop("ANY", DEFAULT_LEVEL))
        return cls(default, {**named, **{group.lower(): level for group, level in named.items()}})

    def want(self, log: Log) -> bool:
        return log.level <= (self.groups or {}).get(log.group, self.default)


def plain(log: Log) -> str:
    """As charon: ``00[IKE] text``. 00 is its main thread; the engine has no other."""
    return f"00[{log.group.upper()}] {log.text}"


def with_name(log: Log) -> str:
    """filelog's ike_name: ``00[IKE] <oregon|1> text``."""
    who = f"<{log.ike_name}|{log.ike_uid}> " if log.ike_uid is not None else ""
    return f"00[{log.group.upper()}] {who}{log.text}"


def as_json(log: Log) -> str:
    """One object a line; ``time`` is seconds since the epoch."""
    record: dict[str, object] = {
        "time": round(time.time(), 6),
        "group": log.group.lower(),
        "level": log.level,
    }
    if log.ike_uid is not None:
        record["ike"], record["ike_uid"] = log.ike_name, log.ike_uid
    record["text"] = log.text
    return json.dumps(record)


def timed(format: Format, time_format: str) -> Format:
    return lambda log: f"{time.strftime(time_format)} {format(log)}"


class Sink(Protocol):
    levels: Levels

    def write(self, log: Log) -> None: ...

    def close(self) -> None: ...


class StreamSink:
    """A file, or stderr. One write(2) a line, so that nothing is lost in a crash."""

    def __init__(self, fd: int, levels: Levels, format: Format = plain, *, journald: bool = False) -> None:
        self.levels = levels
        self._fd, self._format, self._journald = fd, format, journald

    def write(self, log: Log) -> None:
        prefix = f"<{priority(log)}>" if self._journald else ""
        data = f"{prefix}{self._format(log)}\n".encode("utf-8", "backslashreplace")
        with contextlib.suppress(OSError):  # a full disk or a closed terminal must not stop tunnels
            os.write(self._fd, data)

    def close(self) -> None:
        if self._fd > 2:
            os.close(self._fd)


class SyslogSink:
    """The local syslog, facility daemon, as charon uses it."""

    FACILITY_DAEMON = 3 << 3

    def __init__(self, levels: Levels, format: Format = plain, path: str = "/dev/log") -> None:
        """Raises OSError where there is no syslog."""
        self.levels, self._format, self._path = levels, format, path
        self._head = f"cygnet[{os.getpid()}]: "
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.connect(path)

    def write(self, log: Log) -> None:
        number = self.FACILITY_DAEMON | priority(log)
        data = f"<{number}>{self._head}{self._format(log)}".encode("utf-8", "backslashreplace")
        try:
            self._socket.send(data)
        except OSError:  # syslog was restarted, or cannot keep up: one more try, then without
            with contextlib.suppress(OSError):
                self._socket.connect(self._path)
                self._socket.send(data)

    def close(self) -> None:
        self._socket.close()


def priority(log: Log) -> int:
    """syslog's severity: info for what is shown by default, debug for the rest."""
    return 6 if log.level <= 1 else 7


class Journal:
    """Where the daemon writes log lines to."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._sinks: list[Sink] = []
        self._clock, self._flood = clock, Flood()

    def use(self, sinks: list[Sink]) -> None:
        """Write to these from now on, and close those before."""
        before, self._sinks = self._sinks, sinks
        for sink in before:
            if sink not in sinks:
                sink.close()

    def write(self, log: Log) -> None:
        if not any(sink.levels.want(log) for sink in self._sinks):
            return
        strange = log.stranger or (log.ike_uid is None and log.group in GROUPS)
        if not strange or self._admit():
            self._write(log)

    def _admit(self) -> bool:
        """Whether a line that strangers may have caused is written (flood.py)."""
        now = self._clock()
        left_out = self._flood.left_out(now)
        if left_out:
            self._write(Log("NET", 1, f"{left_out} more lines about strangers' packets were left out"))
        return self._flood.admits(now)

    def _write(self, log: Log) -> None:
        for sink in self._sinks:
            if sink.levels.want(log):
                sink.write(log)

    def say(self, group: str, text: str, level: int = 1) -> None:
        """A line of the daemon's own."""
        self.write(Log(group, level, text))


def file_sink(spec: FileLog) -> StreamSink:
    """One ``charon.filelog`` section. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (os.O_APPEND if spec.append else os.O_TRUNC)
    format: Format = with_name if spec.ike_name else plain
    if spec.time_format:
        format = timed(format, spec.time_format)
    if spec.path in ("stdout", "stderr"):
        return StreamSink(1 if spec.path == "stdout" else 2, Levels.of(spec.levels), format)
    return StreamSink(os.open(spec.path, flags, 0o640), Levels.of(spec.levels), format)


def main_sink(settings: Settings, where: str, in_json: bool) -> Sink:
    """The sink that is always there. ``where``: "stderr", "syslog" or a path.

    Under journald lines carry their priority; its own time stamp is enough. Raises OSError.
    """
    levels = Levels.of(settings.log_levels)
    format = as_json if in_json else plain
    if where == "syslog":
        try:
            return SyslogSink(levels, format)
        except OSError as error:
            raise OSError(error.errno, f"no syslog at /dev/log: {error.strerror}") from error
    if where == "stderr":
        return StreamSink(2, levels, format, journald=_in_journal())
    fd = os.open(where, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
    return StreamSink(fd, levels, format if in_json else timed(format, "%b %e %H:%M:%S"))


def _in_journal() -> bool:
    """systemd.exec(5): JOURNAL_STREAM holds device:inode of the stderr that it connected."""
    try:
        stat = os.fstat(2)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{stat.st_dev}:{stat.st_ino}"


def sinks(settings: Settings, where: str, in_json: bool, complain: Callable[[str], None]) -> list[Sink]:
    """Every sink that the settings ask for; one that cannot be opened is reported and left out."""
    found: list[Sink] = []
    makers: list[Callable[[], Sink]] = [lambda: main_sink(settings, where, in_json)]
    makers += [lambda spec=spec: file_sink(spec) for spec in settings.filelogs]  # type: ignore[misc]
    for make in makers:
        try:
            found.append(make())
        except OSError as error:
            complain(f"cannot write the log: {error}")
    return found
