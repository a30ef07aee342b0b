"""The daemon: `cygnet daemon`, and what `cygnet start` runs in the background.

Order of a start: take the pid file's lock, read the configuration, bind the sockets, bring the
data plane up (which removes what a crashed predecessor left), listen for commands, load the
connections, say that we are ready.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Sequence

from cygnet.config.load import Loaded
from cygnet.daemon import notify, options
from cygnet.daemon.clock import Loop
from cygnet.daemon.hardening import allow_many_files, harden
from cygnet.daemon.loading import check, diagnostics, load_files
from cygnet.daemon.options import Options
from cygnet.daemon.pidfile import AlreadyRunning, PidFile
from cygnet.daemon.planes import PLANES

OK, FAILED, CONFIG, NOT_PERMITTED = 0, 1, 2, 4  #: exit statuses, as the CLI's

#: What a daemon in the background writes to its stderr, a pipe of `cygnet start`, when it is up.
READY = b"\0"


def main(argv: Sequence[str] | None = None) -> int:
    chosen = options.parse(sys.argv[1:] if argv is None else argv)
    if chosen.check:
        text, status = check(chosen)
        print(text)
        return status
    if PLANES[chosen.plane].needs_root and os.geteuid() != 0:
        complain("permission denied (must be superuser)")
        return NOT_PERMITTED
    harden()
    allow_many_files()
    try:
        chosen.run_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
        pid_file = PidFile(chosen.pid_file)
    except AlreadyRunning:
        complain(f"cygnet is already running ({chosen.pid_file} is locked) -- skipping daemon start")
        return OK
    except OSError as error:
        complain(f"cannot write {chosen.pid_file}: {error.strerror}")
        return NOT_PERMITTED if isinstance(error, PermissionError) else FAILED
    try:
        return _start(chosen)
    finally:
        pid_file.remove()


def _start(chosen: Options) -> int:
    loaded = load_files(chosen)
    for line in diagnostics(loaded):
        complain(line)
    if loaded.fatal:
        complain("unable to start cygnet -- fatal errors in config")
        return CONFIG
    from cygnet.daemon.service import Service, StartFailed

    with contextlib.suppress(KeyboardInterrupt):
        try:
            with asyncio.Runner(loop_factory=Loop) as runner:
                runner.run(Service(chosen, loaded, lambda: _say_ready(chosen, loaded)).run())
        except StartFailed as error:
            complain(f"unable to start cygnet: {error}")
            return FAILED
    return OK


def _say_ready(chosen: Options, loaded: Loaded) -> None:
    count = len(loaded.config.connections)
    notify.ready(f"{count} connection{'' if count == 1 else 's'} loaded")
    if chosen.background:
        with contextlib.suppress(OSError):
            os.write(2, READY)
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        os.close(null)


def complain(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
