"""Userspace ESP between two namespaces: TCP throughput, CPU per gigabyte, small packets, latency.

::

    10.31.0.1 - gateway ------ veth, MTU 1500 ------ gateway - 10.77.0.1

IKEv2, aes128gcm16, ESP in UDP, the same daemon on both ends; iperf3 through the tunnel. CPU time
is that of both daemons (the kernel's work on their behalf included, iperf3's not).
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.accounting import cpu_seconds
from bench.report import Row
from cygnet.lab import topology
from cygnet.lab.host import stop
from cygnet.lab.lab import Lab
from cygnet.lab.topology import End
from tests.peers import conf
from tests.peers.charon import Charon
from tests.peers.cygnet import Cygnet
from tests.peers.gateway import Gateway

SUITE = {"keyexchange": "ikev2", "ike": "aes128-sha256-x25519!", "esp": "aes128gcm16!"}
SMALL = 64  #: bytes of UDP payload
SMALL_RATE = 8_000  #: small packets a second: well below what either can do, each wakes both daemons
PINGS = 300


@dataclass(frozen=True, slots=True)
class Figures:
    tcp: float  #: Mbit/s, one stream
    tcp4: float  #: Mbit/s, four streams
    cpu_per_gb: float  #: seconds of both daemons
    cpu_per_packet: float  #: microseconds of both daemons for one small packet, at SMALL_RATE
    cpu_per_packet_full: float  #: the same where they come as fast as they can
    ping: float  #: milliseconds there and back


@contextlib.contextmanager
def tunnel(daemon: type[Gateway]) -> Iterator[tuple[End, End]]:
    with Lab() as lab:
        a, b = topology.direct(lab)
        force = {**SUITE, "forceencaps": "yes"}
        secrets = conf.secrets(a, b)
        with daemon(b, conf.conn(b, a, force), secrets), daemon(a, conf.conn(a, b, force), secrets) as ours:
            said = ours.up(conf.NAME)
            if "established successfully" not in said:
                ours.fail(said)
            yield a, b


@contextlib.contextmanager
def plain() -> Iterator[tuple[End, End]]:
    """The same without a tunnel: what the link itself does."""
    with Lab() as lab:
        a, b = topology.direct(lab)
        a.gateway.add_route(f"{b.inner}/32", b.address)
        b.gateway.add_route(f"{a.inner}/32", a.address)
        yield a, b


def measure(a: End, b: End, seconds: float) -> Figures:
    server = b.gateway.popen("iperf3", "-s", "--forceflush", "-B", b.inner)
    try:
        assert server.stdout is not None
        while "listening" not in (line := server.stdout.readline()):
            assert line, "iperf3 did not start"
        before = cpu_seconds(a.gateway, b.gateway)
        one, sent = _tcp(a, b, seconds, streams=1)
        cpu = cpu_seconds(a.gateway, b.gateway) - before
        four, _ = _tcp(a, b, seconds, streams=4)
        per_packet = _small_packets(a, b, seconds, SMALL_RATE)
        per_packet_full = _small_packets(a, b, seconds, 0)
    finally:
        stop(server)
    return Figures(one, four, cpu / (sent / 1e9), per_packet, per_packet_full, _ping(a, b))


def _iperf(a: End, b: End, *options: str, seconds: float, total: str) -> dict[str, float]:
    """What iperf3 says in ``total``. On a busy machine it may give up in the middle: once more, then."""
    command = ("iperf3", "-J", "-c", b.inner, "-B", a.inner, "-t", f"{seconds:g}", *options)
    for _ in range(2):
        said = json.loads(a.gateway.run(*command, check=False, timeout=seconds + 30).stdout)
        if total in said["end"]:
            found: dict[str, float] = said["end"][total]
            return found
    raise SystemExit(f"iperf3: {said.get('error', 'no totals in its report')}")


def _tcp(a: End, b: End, seconds: float, streams: int) -> tuple[float, float]:
    """(Mbit/s, bytes) as received."""
    received = _iperf(a, b, "-P", str(streams), seconds=seconds, total="sum_received")
    return received["bits_per_second"] / 1e6, received["bytes"]


def _small_packets(a: End, b: End, seconds: float, rate: int) -> float:
    """Microseconds of both daemons for each one that arrived. ``rate`` a second, 0: as fast as they go."""
    before = cpu_seconds(a.gateway, b.gateway)
    paced = ("-u", "-l", str(SMALL), "-b", str(rate * SMALL * 8))
    total = _iperf(a, b, *paced, seconds=seconds, total="sum")
    used = cpu_seconds(a.gateway, b.gateway) - before
    return used / max(1.0, total["packets"] - total["lost_packets"]) * 1e6


def _ping(a: End, b: End) -> float:
    """The median-like middle of many: ping's own average, after a warm-up."""
    time.sleep(0.2)
    out = a.gateway.run(
        *("ping", "-q", "-c", str(PINGS), "-i", "0.01", "-I", a.inner, b.inner), timeout=60
    ).stdout
    found = re.search(r"= [\d.]+/([\d.]+)/", out)
    assert found, out
    return float(found.group(1))


def rows(seconds: float = 5.0) -> list[Row]:
    with plain() as ends:
        bare = measure(*ends, seconds=min(seconds, 2.0))
    with tunnel(Charon) as ends:
        theirs = measure(*ends, seconds=seconds)
    with tunnel(Cygnet) as ends:
        ours = measure(*ends, seconds=seconds)
    return [
        Row("TCP, one stream", "Mbit/s", ours.tcp, theirs.tcp, 4, at_least=True),
        Row("TCP, four streams", "Mbit/s", ours.tcp4, theirs.tcp4, 4, at_least=True),
        Row("CPU per GB, both ends", "s", ours.cpu_per_gb, theirs.cpu_per_gb),
        Row(f"CPU per small packet, {SMALL_RATE}/s", "µs", ours.cpu_per_packet, theirs.cpu_per_packet),
        Row(
            "the same, as fast as they go", "µs", ours.cpu_per_packet_full, theirs.cpu_per_packet_full, 1 / 3
        ),
        Row("ping, beyond plain veth", "ms", ours.ping - bare.ping, theirs.ping - bare.ping, 1),
    ]
