"""Whether traffic delays negotiations, and negotiations delay traffic.

::

    10.31.0.1 - oregon ====== tunnel with traffic ====== peer - 10.77.0.1
                                                          |
                                              load generator (bench.load)

The same gateway carries the tunnel's packets and answers the generator. A negotiation is IKEv1
Main and Quick Mode with modp2048, one after the other: its length is what a user waits. Traffic
is one TCP stream as fast as it goes, or pings of which the slowest in a hundred tells most. Both
cores are busy then, so some delay is the processor's, not the daemon's: compare with charon's.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.load import SECRET
from bench.report import Row
from bench.throughput import SUITE
from bench.tunnels import SETTINGS, Case, conn_section, load_result, start_load
from cygnet.lab import topology
from cygnet.lab.cable import Plug
from cygnet.lab.host import Host, stop
from cygnet.lab.lab import Lab
from cygnet.lab.topology import End
from tests.peers import conf
from tests.peers.charon import Charon
from tests.peers.cygnet import Cygnet
from tests.peers.gateway import Gateway

CASE = Case("IKEv1 modp2048", "ikev1", "aes128-sha256-modp2048")
SECRETS = f': PSK "{SECRET.decode()}"\n'
GENERATOR, ANSWERING = "198.51.100.9", "198.51.100.1"
NEGOTIATIONS = 60
STORM = 8  #: negotiations at a time while traffic is measured
PINGS = 400


@dataclass(frozen=True, slots=True)
class Figures:
    """Milliseconds, and Mbit/s."""

    alone: float  #: a negotiation
    under_traffic: float
    ping: float  #: the slowest in a hundred round trips
    ping_in_storm: float
    tcp: float
    tcp_in_storm: float


@contextlib.contextmanager
def gateways(daemon: type[Gateway]) -> Iterator[tuple[End, End, Host]]:
    with Lab() as lab:
        a, b = topology.direct(lab)
        generator = lab.host("generator")
        lab.cable(
            Plug(b.gateway, "eth1", (f"{ANSWERING}/24",)), Plug(generator, "eth0", (f"{GENERATOR}/24",))
        )
        anybody = {"right": "%any", "rightid": "%any", "rightsubnet": "10.200.0.0/15", "auto": "add"}
        head = "config setup\n    uniqueids=never\n\n"
        force = {**SUITE, "forceencaps": "yes"}
        answering = head + conn_section(CASE, ANSWERING, "load", anybody) + "\n" + conf.conn(b, a, force)
        with (
            daemon(b, answering, SECRETS, SETTINGS),
            daemon(a, head + conf.conn(a, b, force), SECRETS, SETTINGS) as ours,
        ):
            said = ours.up(conf.NAME)
            if "established successfully" not in said:
                ours.fail(said)
            yield a, b, generator


def measure(a: End, b: End, generator: Host, seconds: float) -> Figures:
    negotiations = Negotiations(generator)
    negotiations.one_by_one(20)  # first times cost more
    ping, tcp = _ping(a, b), _tcp(a, b, seconds)
    alone = negotiations.one_by_one(NEGOTIATIONS)
    with _traffic(a, b):
        under_traffic = negotiations.one_by_one(NEGOTIATIONS)
    with negotiations.storm():
        ping_in_storm = _ping(a, b)
        tcp_in_storm = _tcp(a, b, seconds)
    return Figures(alone, under_traffic, ping, ping_in_storm, tcp, tcp_in_storm)


class Negotiations:
    """The generator's; each tunnel has a number of its own."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._next = 0

    def _start(self, count: int, window: int) -> subprocess.Popen[str]:
        first, self._next = self._next, self._next + count
        where = ("--address", GENERATOR, "--peer", ANSWERING, "--first", str(first), "--window", str(window))
        return start_load(self._host, "initiate", CASE, count, *where)

    def _packets(self) -> int:
        """Sent by the generator's host so far."""
        table = self._host.run("cat", "/proc/net/dev").stdout
        return next(int(line.split()[10]) for line in table.splitlines() if "eth0:" in line)

    def one_by_one(self, count: int) -> float:
        """Milliseconds for one."""
        return load_result(self._start(count, 1), count) / count * 1000

    @contextlib.contextmanager
    def storm(self) -> Iterator[None]:
        """Several at a time, all the while."""
        before = self._packets()
        process = self._start(5_000, STORM)
        try:
            until = time.monotonic() + 30
            while self._packets() < before + 20 * STORM:  # it is well under way
                if time.monotonic() > until or process.poll() is not None:
                    raise RuntimeError("the storm of negotiations did not begin")
                time.sleep(0.05)
            yield
            if process.poll() is not None:
                raise RuntimeError("the storm of negotiations was over too soon")
        finally:
            stop(process)


@contextlib.contextmanager
def _server(b: End) -> Iterator[None]:
    server = b.gateway.popen("iperf3", "-s", "--forceflush", "-B", b.inner)
    try:
        assert server.stdout is not None
        while "listening" not in (line := server.stdout.readline()):
            assert line, "iperf3 did not start"
        yield
    finally:
        stop(server)


def _client(a: End, b: End, seconds: float) -> tuple[str, ...]:
    return "iperf3", "-J", "-c", b.inner, "-B", a.inner, "-t", f"{seconds:g}"


@contextlib.contextmanager
def _traffic(a: End, b: End) -> Iterator[None]:
    with _server(b):
        client = a.gateway.popen(*_client(a, b, 120))
        try:
            time.sleep(0.5)  # slow start
            yield
            if client.poll() is not None:
                raise RuntimeError("the traffic was over too soon")
        finally:
            stop(client)


def _tcp(a: End, b: End, seconds: float) -> float:
    with _server(b):
        said = a.gateway.run(*_client(a, b, seconds), timeout=seconds + 30).stdout
    return float(json.loads(said)["end"]["sum_received"]["bits_per_second"]) / 1e6


def _ping(a: End, b: End) -> float:
    command = ("ping", "-c", str(PINGS), "-i", "0.01", "-I", a.inner, b.inner)
    text = a.gateway.run(*command, check=False, timeout=60).stdout
    times = sorted(float(line.split("time=")[1].split()[0]) for line in text.splitlines() if "time=" in line)
    return times[int(len(times) * 0.99)]


def rows(seconds: float = 5.0) -> list[Row]:
    found: list[Figures] = []
    for daemon in (Cygnet, Charon):
        with gateways(daemon) as (a, b, generator):
            found.append(measure(a, b, generator, seconds))
    ours, theirs = found
    return [
        Row("negotiation, no traffic", "ms", ours.alone, theirs.alone),
        Row("negotiation, full traffic", "ms", ours.under_traffic, theirs.under_traffic),
        Row("ping's slowest 1 %, quiet", "ms", ours.ping, theirs.ping),
        Row(f"ping's slowest 1 %, {STORM} negotiating", "ms", ours.ping_in_storm, theirs.ping_in_storm),
        Row("TCP, quiet", "Mbit/s", ours.tcp, theirs.tcp),
        Row(f"TCP, {STORM} negotiating", "Mbit/s", ours.tcp_in_storm, theirs.tcp_in_storm),
    ]
