"""The packet worker: a process of its own beside the daemon, started by ``TunPlane``.

    python -m cygnet.dataplane.tun.worker FD

FD is its end of the control channel. The first message says which descriptors it inherited and
the settings; then it is a ``PacketLoop``.

When the daemon is gone, however it went, the channel ends: routes, rules and addresses are
removed and the process exits. The device disappears with its last descriptor.
"""

from __future__ import annotations

import contextlib
import ctypes
import select
import signal
import socket
import sys

from cygnet.dataplane.tun.channel import Channel
from cygnet.dataplane.tun.loop import PacketLoop
from cygnet.dataplane.tun.settings import TunSettings
from cygnet.values.errors import DataPlaneError

_PR_SET_DUMPABLE, _PR_SET_NAME = 4, 15  #: linux/prctl.h


def _keep_keys_in() -> None:
    """No core dump, no ptrace by the same user; and a name to be found by in ``top``."""
    with contextlib.suppress(OSError, AttributeError):
        prctl = ctypes.CDLL(None).prctl
        prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        prctl(_PR_SET_NAME, b"cygnet-packets", 0, 0, 0)


def main(argv: list[str]) -> int:
    _keep_keys_in()
    # The daemon decides when we end, by closing the channel; a terminal's Ctrl-C reaches it too.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    control = socket.socket(fileno=int(argv[0]))
    channel = Channel(control)
    setup = _first_message(channel)
    if setup is None:
        return 0
    tun, fds, settings, adopt = setup
    sockets = [socket.socket(fileno=fd) for fd in fds]
    loop = PacketLoop(channel, tun, sockets, settings, adopt)
    try:
        loop.run()
    except DataPlaneError as error:
        channel.send("failed", str(error))
        return 1
    finally:
        for sock in sockets:
            sock.close()  # a new daemon may wait for the port
        loop.end()
    return 0


def _first_message(channel: Channel) -> tuple[int, list[int], TunSettings, bool] | None:
    """None: the daemon is gone before it said anything."""
    while True:
        select.select([channel.fileno()], [], [])
        alive = channel.read()
        message = channel.next()
        if message is not None:
            _, tun, fds, settings, adopt = message
            return tun, fds, settings, adopt
        if not alive:
            return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
