"""First messages in the names of addresses that do not exist, by the thousand a second."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

from cygnet.boundary.effects import Send
from cygnet.boundary.events import Configure, Initiate
from cygnet.engine.engine import Engine
from cygnet.lab.host import Host, stop
from cygnet.lab.topology import End
from cygnet.model.config import Config, IkeVersion
from cygnet.testing.builders import connection, psk
from cygnet.testing.entropy import SeededEntropy

NAMES = "11.0.0.0/8"  #: where they claim to be

_SENDER = """
import os, socket, struct, sys, time
address, rate, message = sys.argv[1], int(sys.argv[2]), bytes.fromhex(sys.argv[3])
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
there = socket.inet_aton(address)
udp = struct.pack("!HHHH", 500, 500, 8 + len(message), 0)
print("ready", flush=True)
sent, began = 0, time.monotonic()
while True:
    due = int((time.monotonic() - began) * rate)
    if due - sent > rate // 10:  # too slow for that: no burst to catch up
        began, sent, due = time.monotonic(), 0, rate // 100
    while sent < due:
        drawn = os.urandom(11)
        source = b"\\x0b" + drawn[:3]
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(message), 0, 0, 64, 17, 0, source, there)
        try:
            raw.sendto(ip + udp + drawn[3:] + message[8:], (address, 0))
        except OSError:
            pass
        sent += 1
    time.sleep(0.005)
"""


def first_message(end: End, version: IkeVersion, suite: str) -> bytes:
    ghost = connection(local="192.0.2.99", remote=end.public, version=version, ike=suite)
    config = Config((ghost,), (psk(),))
    engine = Engine(config, SeededEntropy("flood"))
    effects = engine.handle(Configure(config), 0.0) + engine.handle(Initiate(1, ghost.name), 0.0)
    return next(effect.data for effect in effects if isinstance(effect, Send))


@contextlib.contextmanager
def flood(host: Host, end: End, version: IkeVersion, suite: str, rate: int) -> Iterator[None]:
    """``rate`` a second from ``host`` to the gateway of ``end``, while the block runs."""
    message = first_message(end, version, suite).hex()
    process = host.popen(
        sys.executable, "-c", _SENDER, end.public, str(rate), message, stderr=subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        yield
    finally:
        stop(process)
