"""The userspace packet path: the offload engine alone, and the whole plane between two namespaces.

    python bench/fastpath.py                 # both, needs root for the second
    python bench/fastpath.py --engine        # functions only: no network, no root
    python bench/fastpath.py --plane --seconds 5 --json out.json

The plane is measured as it runs in the daemon (its worker process, its device, its routes), with
SAs installed by hand: no IKE. iperf3 sends through it. CPU time is that of both workers, from
/proc; the namespaces are this run's own and are removed at its end.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

from cygnet.boundary.specs import Direction, PolicyAction, PolicySpec, SaSpec  # noqa: E402
from cygnet.dataplane.esp.sa import InboundSa, OutboundSa  # noqa: E402
from cygnet.dataplane.ip.checksum import checksum  # noqa: E402
from cygnet.dataplane.tun.fast import vnet  # noqa: E402
from cygnet.dataplane.tun.fast.inbound import Opener  # noqa: E402
from cygnet.dataplane.tun.fast.outbound import Sealer  # noqa: E402
from cygnet.values.endpoint import Endpoint  # noqa: E402
from cygnet.values.iana import EncrId, TransformType  # noqa: E402
from cygnet.values.proposal import Transform  # noqa: E402
from cygnet.values.secret import Secret  # noqa: E402
from cygnet.values.selector import TrafficSelector  # noqa: E402

CIPHERS = {
    "aes128gcm16": (Transform(TransformType.ENCR, EncrId.AES_GCM_16, 128), 20),
    "aes256gcm16": (Transform(TransformType.ENCR, EncrId.AES_GCM_16, 256), 36),
    "chacha20poly1305": (Transform(TransformType.ENCR, EncrId.CHACHA20_POLY1305), 36),
}
NEAR, FAR = Endpoint.of("192.0.2.1", 4500), Endpoint.of("192.0.2.2", 4500)
NEAR_TS, FAR_TS = TrafficSelector.of("10.91.0.0/24"), TrafficSelector.of("10.92.0.0/24")


def sas(cipher: str, *, near: bool) -> tuple[SaSpec, SaSpec]:
    """The (outbound, inbound) SA of one end."""
    transform, length = CIPHERS[cipher]
    ends = (NEAR, FAR, (NEAR_TS,), (FAR_TS,)) if near else (FAR, NEAR, (FAR_TS,), (NEAR_TS,))

    def one(direction: Direction, from_near: bool) -> SaSpec:
        return SaSpec(
            direction,
            0x10001 if from_near else 0x10002,
            1,
            ends[0],
            ends[1],
            transform,
            Secret(bytes([1 + from_near]) * length),
            local_ts=ends[2],
            remote_ts=ends[3],
            encap=True,
            replay_window=1024,
        )

    return one(Direction.OUT, near), one(Direction.IN, not near)


# the engine alone ---------------------------------------------------------------------------


def best(action: Callable[[], Any], seconds: float = 0.4) -> float:
    """Microseconds a call: the best of many rounds, as other work on the machine only adds."""
    rounds, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        for _ in range(20):
            action()
        rounds.append((time.perf_counter() - start) / 20)
    return min(rounds) * 1e6


def tcp_read(payload: int, size: int) -> bytes:
    """A TUN read of a TSO packet: IPv4, TCP with timestamps."""
    head = bytearray(bytes.fromhex("4500 0000 0007 4000 40 06 0000 0a5b0001 0a5c0001"))
    head[2:4] = (52 + payload).to_bytes(2, "big")
    head[10:12] = checksum(bytes(head)).to_bytes(2, "big")
    tcp = bytes.fromhex("0fa0 0050 00000001 00000002 8018 0200 0000 0000 0101 080a 00000001 00000002")
    header = vnet.pack(vnet.NEEDS_CSUM, vnet.GSO_TCPV4, 52, size, 20, 16)
    return header + bytes(head) + tcp + os.urandom(payload)


def udp_read(payload: int) -> bytes:
    head = bytearray(bytes.fromhex("4500 0000 0007 4000 40 11 0000 0a5b0001 0a5c0001"))
    head[2:4] = (28 + payload).to_bytes(2, "big")
    head[10:12] = checksum(bytes(head)).to_bytes(2, "big")
    udp = bytes.fromhex("0fa00050") + (8 + payload).to_bytes(2, "big") + bytes(2)
    return bytes(vnet.VNET) + bytes(head) + udp + bytes(payload)


def engine(cipher: str) -> dict[str, float]:
    """Cost of sealing and opening: one 64 KB TSO read, and small packets alone and in bursts."""
    out_spec, _ = sas(cipher, near=True)
    _, in_spec = sas(cipher, near=False)
    out, into = OutboundSa(out_spec, 1500), InboundSa(in_spec)
    trains: list[tuple[Any, ...]] = []
    sealer, opener = Sealer(lambda *train: trains.append(train)), Opener({into.spi: into}.get)
    found: dict[str, float] = {}

    def measure(name: str, reads: list[bytes], unit: float) -> None:
        memory = [bytearray(read) for read in reads]
        views = [memoryview(each) for each in memory]

        def seal() -> Any:
            for each, read in zip(memory, reads):
                each[:80] = read[:80]
            trains.clear()
            for view in views:
                sealer.push(out, view)
            sealer.finish()
            return trains[-1]

        _, datagrams, size, *_ = seal()
        sealed = bytes(datagrams)

        def open() -> None:
            into.replay.highest = 0
            opener.room()[: len(sealed)] = sealed
            opener.receive(len(sealed), size)
            for _ in opener.flush():
                pass

        found[f"{name}_seal_us"] = best(seal) / unit
        found[f"{name}_open_us"] = best(open) / unit

    big = tcp_read(45 * 1348, 1348)
    measure("tso_60k", [big], 1)
    found["seal_mbit_s"] = 45 * 1348 * 8 / found["tso_60k_seal_us"]
    found["open_mbit_s"] = 45 * 1348 * 8 / found["tso_60k_open_us"]
    measure("small_alone", [udp_read(64)], 1)
    measure("small_in_32", [udp_read(64)] * 32, 32)
    return found


# the whole plane ----------------------------------------------------------------------------

TAG = f"cygbench{os.getpid()}"


def run(*command: str, check: bool = True) -> str:
    return subprocess.run(command, check=check, capture_output=True, text=True).stdout


@contextlib.contextmanager
def namespaces() -> Iterator[tuple[str, str]]:
    """Two hosts on one wire (veth, MTU 1500), an inner address on each one's loopback."""
    near, far = f"{TAG}n", f"{TAG}f"
    try:
        for name in (near, far):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "-n", near, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", far)
        for name, outer, inner in ((near, NEAR, "10.91.0.1"), (far, FAR, "10.92.0.1")):
            run("ip", "-n", name, "address", "add", f"{outer.address}/24", "dev", "eth0")
            run("ip", "-n", name, "address", "add", f"{inner}/32", "dev", "lo")
            run("ip", "-n", name, "link", "set", "eth0", "up")
        yield near, far
    finally:
        for name in (near, far):
            run("ip", "netns", "del", name, check=False)


def end(near: bool, cipher: str) -> None:
    """One gateway, until its standard input ends. Runs inside of its namespace."""
    from cygnet.dataplane.tun.plane import TunPlane
    from cygnet.dataplane.tun.settings import TunSettings
    from cygnet.dataplane.tun.sockets import open_pair

    settings = TunSettings()
    _, esp = open_pair(socket.AF_INET, 4500, mark=settings.mark)
    plane = TunPlane([esp], settings, log=lambda text: print(text, file=sys.stderr, flush=True))
    plane.start(lambda report: print(report, file=sys.stderr, flush=True))
    out, into = sas(cipher, near=near)
    plane.install_sa(into)
    plane.install_sa(out)
    plane.install_policy(
        PolicySpec(
            1, PolicyAction.PROTECT, out.local_ts, out.remote_ts, 1, 1, local=out.local, remote=out.remote
        )
    )
    told = False
    while True:
        ready, _, _ = select.select([sys.stdin, plane.fileno()], [], [])
        plane.process_reports()
        if plane.ready and not told:
            told = True
            assert plane._process is not None
            print(plane._process.pid, flush=True)
        if sys.stdin in ready and not sys.stdin.readline():
            break
    plane.stop()


@contextlib.contextmanager
def gateways(cipher: str) -> Iterator[tuple[tuple[str, str], list[int]]]:
    """Both namespaces with their planes up, and the workers' process ids."""
    with namespaces() as names, contextlib.ExitStack() as stack:
        pids = []
        for name, side in zip(names, ("near", "far")):
            process = stack.enter_context(
                subprocess.Popen(
                    [
                        "ip",
                        "netns",
                        "exec",
                        name,
                        sys.executable,
                        __file__,
                        "--end",
                        side,
                        "--cipher",
                        cipher,
                    ],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            stack.callback(process.stdin.close)  # type: ignore[union-attr]
            pids.append(int(process.stdout.readline()))  # type: ignore[union-attr]
        yield names, pids


def cpu(pids: list[int]) -> float:
    """Seconds of processor that the processes have used."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def iperf(names: tuple[str, str], *arguments: str) -> dict[str, Any]:
    server = subprocess.Popen(
        ["ip", "netns", "exec", names[1], "iperf3", "-s", "-1", "-B", "10.92.0.1"],
        stdout=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 5
        while time.monotonic() < until:
            listening = run("ip", "netns", "exec", names[1], "ss", "-Htln", "sport = :5201")
            if listening:
                break
        command = ["ip", "netns", "exec", names[0], "iperf3", "-J", "-c", "10.92.0.1", "-B", "10.91.0.1"]
        result: dict[str, Any] = json.loads(run(*command, *arguments, check=False))
        if "error" in result:
            raise SystemExit(f"iperf3: {result['error']}")
        return result
    finally:
        server.terminate()
        server.wait()


def tcp(names: tuple[str, str], pids: list[int], seconds: int, streams: int) -> dict[str, float]:
    before = cpu(pids)
    result = iperf(names, "-t", str(seconds), "-P", str(streams))["end"]
    used = cpu(pids) - before
    received = result["sum_received"]["bytes"]
    return {
        "mbit_s": received * 8 / result["sum_received"]["seconds"] / 1e6,
        "cpu_s_per_gb": used / received * 1e9,
        "retransmits": result["sum_sent"]["retransmits"],
    }


def small(names: tuple[str, str], pids: list[int], seconds: int, size: int = 64) -> dict[str, float]:
    """UDP packets of ``size`` bytes as fast as they go."""
    before = cpu(pids)
    result = iperf(names, "-u", "-b", "0", "-l", str(size), "-t", str(seconds))["end"]["sum"]
    used = cpu(pids) - before
    arrived = result["packets"] - result["lost_packets"]
    return {
        "packets_s": arrived / result["seconds"],
        "lost_percent": result["lost_percent"],
        "us_per_packet": used / arrived * 1e6,
    }


def until_reachable(names: tuple[str, str]) -> None:
    until = time.monotonic() + 10
    command = ["ip", "netns", "exec", names[0], "ping", "-c", "1", "-W", "1", "10.92.0.1"]
    while subprocess.run(command, capture_output=True).returncode:
        if time.monotonic() > until:
            raise SystemExit("no ping through the tunnel")


def ping(names: tuple[str, str], count: int = 200) -> dict[str, float]:
    """Round trips through the tunnel and on the wire, one at a time: medians in microseconds."""
    found = {}
    for name, target in (("tunnel", "10.92.0.1"), ("wire", str(FAR.address))):
        text = run("ip", "netns", "exec", names[0], "ping", "-c", str(count), "-i", "0.01", target)
        times = [float(line.split("time=")[1].split()[0]) for line in text.splitlines() if "time=" in line]
        found[f"{name}_us"] = statistics.median(times) * 1000
    return found


def plane(cipher: str, seconds: int) -> dict[str, Any]:
    with gateways(cipher) as (names, pids):
        until_reachable(names)
        return {
            "ping": ping(names),
            "tcp_1": tcp(names, pids, seconds, 1),
            "tcp_4": tcp(names, pids, seconds, 4),
            "udp_64": small(names, pids, seconds),
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--engine", action="store_true", help="the engine alone")
    parser.add_argument("--plane", action="store_true", help="the whole plane")
    parser.add_argument("--cipher", choices=CIPHERS, default="aes128gcm16")
    parser.add_argument("--seconds", type=int, default=4, help="of each iperf3 run")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--end", choices=("near", "far"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.end:
        end(options.end == "near", options.cipher)
        return 0
    both = options.engine == options.plane
    found: dict[str, Any] = {"cipher": options.cipher, "cores": os.cpu_count()}
    if options.engine or both:
        found["engine"] = engine(options.cipher)
    if options.plane or both:
        if os.geteuid() or not shutil.which("iperf3"):
            print("the plane needs root and iperf3 (apt install iperf3): left out", file=sys.stderr)
        else:
            found["plane"] = plane(options.cipher, options.seconds)
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0


def show(found: dict[str, Any], indent: str = "") -> None:
    for name, value in found.items():
        if isinstance(value, dict):
            print(f"{indent}{name}")
            show(value, indent + "  ")
        else:
            print(
                f"{indent}{name:24}{value:>14,.1f}"
                if isinstance(value, float)
                else f"{indent}{name:24}{value:>14}"
            )


if __name__ == "__main__":
    sys.exit(main())
