"""The other end of many tunnels at once: an engine of cygnet's over two plain UDP sockets.

Run inside a host of the lab: ``python -m bench.load initiate|answer ...``. As initiator it keeps a
window of negotiations open towards one responder until all tunnels are up; as responder it
answers whoever comes. Every tunnel has its own identity and its own inner address. What it
needs itself (CPU, memory) is not part of any figure; the daemon at the other end is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import socket
import sys
import time
from ipaddress import ip_address

from cygnet.boundary.effects import Finish, Query, Send
from cygnet.boundary.events import Configure, Datagram, Event, Initiate, Tick, Usage
from cygnet.boundary.notices import ChildUpDown
from cygnet.crypto.keywords import parse_proposal
from cygnet.engine.engine import Engine
from cygnet.model.config import (
    AuthMethod,
    AuthRound,
    Child,
    Config,
    Connection,
    IkeVersion,
    Lifetime,
    SecretKind,
    Settings,
    SharedSecret,
    Unique,
)
from cygnet.values.endpoint import IKE_PORT, NATT_PORT, Endpoint
from cygnet.values.iana import IdType, Protocol
from cygnet.values.identity import ANY, Identity
from cygnet.values.secret import Secret
from cygnet.values.selector import TrafficSelector

SECRET = b"correct horse battery staple"
FIRST_INNER = int(ip_address("10.200.0.0"))
MARKER = bytes(4)
STANDSTILL = 20.0  #: seconds in which nothing comes up: nothing will


class SystemEntropy:
    def bytes(self, n: int) -> bytes:
        return os.urandom(n)

    def uniform(self, low: float, high: float) -> float:
        return random.uniform(low, high)


def identity(number: int) -> str:
    return f"c{number}.bench.example"


def inner(number: int) -> str:
    return f"{ip_address(FIRST_INNER + number)}/32"


class Load:
    """One engine, its sockets, and a count of what is up."""

    def __init__(self, connections: tuple[Connection, ...], address: str) -> None:
        settings = Settings(dos_protection=False, block_threshold=0, cookie_threshold=0, unique=Unique.NEVER)
        config = Config(connections, (SharedSecret(SecretKind.PSK, (), Secret(SECRET)),), settings=settings)
        self.address = ip_address(address)
        self.engine = Engine(config, SystemEntropy())
        self.sockets: dict[int, socket.socket] = {}
        for port in (IKE_PORT, NATT_PORT):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
            sock.bind((address, port))
            sock.setblocking(False)
            self.sockets[port] = sock
        self.up = 0
        self.failed: list[str] = []
        self.finished = 0
        self._progress = (0, time.monotonic())  #: how many were up or finished, and since when
        self.handle(Configure(config, start=False))

    def handle(self, event: Event) -> None:
        for effect in self.engine.handle(event, time.monotonic()):
            match effect:
                case Send(local, remote, data):
                    marker = MARKER if local.port != IKE_PORT else b""
                    self.sockets[local.port].sendto(marker + data, (str(remote.address), remote.port))
                case Finish():
                    self.finished += 1
                    if effect.outcome.value:
                        self.failed.append(f"{effect.text}: {effect.reason}")
                case ChildUpDown(up=True):
                    self.up += 1
                case Query(ref, _):
                    self.handle(Usage(ref, ()))
                case _:
                    pass

    def goes_on(self) -> bool:
        """Whether something has come up within ``STANDSTILL``; if not, that is a failure."""
        now, count = time.monotonic(), self.up + self.finished
        if count != self._progress[0]:
            self._progress = (count, now)
        if now - self._progress[1] < STANDSTILL:
            return True
        self.failed.insert(0, f"nothing more came up for {STANDSTILL:g} s")
        return False

    def result(self, started: float) -> dict[str, float | list[str]]:
        return {"up": self.up, "seconds": time.monotonic() - started, "failed": self.failed[:3]}

    def turn(self) -> None:
        """Wait for a datagram or the next deadline, and deal with it."""
        deadline = self.engine.next_deadline()
        wait = 0.2 if deadline is None else min(0.2, max(0.0, deadline - time.monotonic()))
        ready, _, _ = select.select(list(self.sockets.values()), [], [], wait)
        for sock in ready:
            port = sock.getsockname()[1]
            for _ in range(64):
                try:
                    data, (host, remote_port) = sock.recvfrom(65535)
                except BlockingIOError:
                    break
                data = data[4:] if port != IKE_PORT and data[:4] == MARKER else data
                if len(data) > 1:
                    self.handle(Datagram(Endpoint(self.address, port), Endpoint.of(host, remote_port), data))
        if deadline is not None and deadline <= time.monotonic():
            self.handle(Tick())


def connection(options: argparse.Namespace, name: str, number: int | None) -> Connection:
    """One of the many; ``number`` None: the one that answers them all."""
    mine, theirs = (
        (inner(number), "10.77.0.0/16") if number is not None else ("10.77.0.0/16", "10.200.0.0/15")
    )
    child = Child(
        name,
        proposals=(parse_proposal(options.esp, Protocol.ESP),),
        local_ts=(TrafficSelector.of(mine),),
        remote_ts=(TrafficSelector.of(theirs),),
        time=Lifetime(),
    )
    own = Identity(IdType.FQDN, identity(number).encode()) if number is not None else ANY
    return Connection(
        name,
        version=IkeVersion(options.ike_version),
        local_addrs=(options.address,),
        remote_addrs=(options.peer if number is not None else "%any",),
        proposals=(parse_proposal(options.ike, Protocol.IKE),),
        local=(AuthRound(AuthMethod.PSK, own),),
        remote=(AuthRound(AuthMethod.PSK, Identity.parse(options.peer) if number is not None else ANY),),
        children=(child,),
        mobike=False,
        force_encap=True,
        rekey_time=0,
        unique=Unique.NEVER,
    )


def initiate(options: argparse.Namespace) -> dict[str, float | list[str]]:
    """Bring ``count`` tunnels up, ``window`` at a time."""
    numbers = range(options.first, options.first + options.count)
    load = Load(tuple(connection(options, f"c{n}", n) for n in numbers), options.address)
    started = time.monotonic()
    asked = 0
    while load.finished < options.count and load.goes_on():
        while asked < options.count and asked - load.finished < options.window:
            load.handle(Initiate(asked + 1, f"c{options.first + asked}"))
            asked += 1
        load.turn()
    return load.result(started)


def answer(options: argparse.Namespace) -> dict[str, float | list[str]]:
    """Answer until ``count`` tunnels are up."""
    load = Load((connection(options, "load", None),), options.address)
    print("ready", flush=True)
    started = 0.0
    begun = time.monotonic()
    while load.up < options.count and load.goes_on():
        load.turn()
        if not started and load.engine.next_deadline() is not None:
            started = time.monotonic()
    return load.result(started or begun)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("role", choices=["initiate", "answer"])
    parser.add_argument("--address", required=True)
    parser.add_argument("--peer", default="%any")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--window", type=int, default=8)
    parser.add_argument("--ike-version", default="ikev2")
    parser.add_argument("--ike", default="aes128gcm16-prfsha256-x25519")
    parser.add_argument("--esp", default="aes128gcm16")
    options = parser.parse_args()
    result = initiate(options) if options.role == "initiate" else answer(options)
    print(json.dumps(result), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
