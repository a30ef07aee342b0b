"""sd_notify(3): tells systemd that the daemon is ready, reloading or stopping."""

from __future__ import annotations

import contextlib
import os
import socket
import time


def notify(state: str) -> None:
    """Send ``READY=1``, ``STOPPING=1``, ... Without systemd (no NOTIFY_SOCKET) nothing happens."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path or path[0] not in "@/":
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.connect("\0" + path[1:] if path[0] == "@" else path)
        sock.sendall(state.encode())


def ready(text: str) -> None:
    notify(f"READY=1\nSTATUS={text}")


def reloading() -> None:
    """systemd wants the monotonic time with it (Type=notify-reload, sd_notify(3))."""
    notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")


def stopping() -> None:
    notify("STOPPING=1")
