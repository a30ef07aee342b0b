"""Setting tunnels up: tunnels a second, CPU time and memory of one, as responder and as initiator.

::

    load generator (bench.load) ------ veth ------ the daemon that is measured

The generator is the same program for both daemons. CPU is that of the daemon with its helpers
(user and system); tunnels a second is for both ends on this machine, so it says less. charon
runs with its userspace ESP plane, as cygnet does: a tunnel that carries nothing is none.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.accounting import cpu_seconds, memory_kilobytes
from bench.load import SECRET, identity, inner
from bench.report import Row
from cygnet.lab import topology
from cygnet.lab.host import Host, stop
from cygnet.lab.lab import Lab
from tests.peers.charon import Charon
from tests.peers.cygnet import Cygnet
from tests.peers.gateway import Gateway

TUNNELS = int(os.environ.get("TUNNELS", "400"))
WARM_UP = 20  #: tunnels before the measured ones, so that first-time costs are not counted
SECRETS = f': PSK "{SECRET.decode()}"\n'
INSTALLED = re.compile(r"CHILD_SA \S+\{\d+\} established with SPIs")
SETTINGS = {
    "dos_protection": "no",
    "block_threshold": "0",
    "cookie_threshold": "0",
    "retransmit_timeout": "4.0",
    "retransmit_tries": "5",
}


@dataclass(frozen=True, slots=True)
class Case:
    """One way of setting up. Targets are ratios to charon's CPU time per tunnel."""

    name: str
    version: str
    ike: str
    target: float | None = None


CASES = (
    Case("IKEv2 x25519", "ikev2", "aes128gcm16-prfsha256-x25519", 1.5),
    Case("IKEv2 ecp256", "ikev2", "aes128gcm16-prfsha256-ecp256"),
    Case("IKEv2 modp2048", "ikev2", "aes128-sha256-modp2048", 0.6),
    Case("IKEv1 modp2048", "ikev1", "aes128-sha256-modp2048", 0.6),
)
#: charon of Debian has no ML-KEM: cygnet's own figure only
ONLY_CYGNET = (Case("IKEv2 x25519 + ML-KEM-768", "ikev2", "aes128gcm16-prfsha256-x25519-ke1_mlkem768"),)


@dataclass(frozen=True, slots=True)
class Figures:
    cpu: float  #: milliseconds per tunnel
    rate: float  #: tunnels a second
    memory: float  #: kilobytes per tunnel


def conn_section(case: Case, own: str, name: str, keywords: dict[str, str]) -> str:
    settings = {
        "keyexchange": case.version,
        "authby": "secret",
        "forceencaps": "yes",
        "mobike": "no",
        "ike": f"{case.ike}!",
        "esp": "aes128gcm16!",
        "left": own,
        "leftid": own,
        "leftsubnet": "10.77.0.0/16",
        **keywords,
    }
    return "\n".join([f"conn {name}", *(f"    {k}={v}" for k, v in settings.items()), ""])


def start_load(host: Host, role: str, case: Case, count: int, *options: str) -> subprocess.Popen[str]:
    root = Path(__file__).parent.parent
    return host.popen(
        *(sys.executable, "-m", "bench.load", role, "--count", str(count), "--ike-version", case.version),
        *("--ike", case.ike, *options),
        env={"PYTHONPATH": f"{root}/src:{root}"},
    )


def load_result(load: subprocess.Popen[str], count: int, why: Callable[[], str] = str) -> float:
    """Seconds that ``count`` tunnels took; RuntimeError unless the load has them all."""
    out, err = load.communicate(timeout=180)
    if load.returncode != 0:
        raise RuntimeError(f"bench.load: {err.strip()[-2000:]}")
    result = json.loads(out.splitlines()[-1])
    if result["up"] < count:
        cause = why() or ", ".join(result["failed"])
        raise RuntimeError(f"only {result['up']} of {count} tunnels came up: {cause}")
    return float(result["seconds"])


def result_of(load: subprocess.Popen[str], gateway: Gateway, count: int, before: int = 0) -> float:
    """The same; and the measured daemon has them all, too."""
    seconds = load_result(load, count, lambda: _not_carried(gateway))
    _all_carried(gateway, before + count)
    return seconds


def _not_carried(gateway: Gateway) -> str:
    """What the daemon has refused to carry, though it is negotiated; empty: nothing."""
    refused = gateway.log().count("unable to install")
    return f"{gateway.name} could not install what was negotiated ({refused} times)" if refused else ""


def _all_carried(gateway: Gateway, count: int) -> None:
    """A tunnel that the peer has accepted, and the daemon not (yet) installed, is none."""
    deadline = time.monotonic() + 5.0
    while (up := len(INSTALLED.findall(gateway.log()))) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    if why := _not_carried(gateway):
        raise RuntimeError(why)
    if up < count:
        raise RuntimeError(f"{gateway.name} has installed only {up} of {count} tunnels")


def as_responder(daemon: type[Gateway], case: Case, count: int) -> Figures:
    with Lab() as lab:
        far, end = topology.direct(lab)
        anybody = {"right": "%any", "rightid": "%any", "rightsubnet": "10.200.0.0/15", "auto": "add"}
        conf = "config setup\n    uniqueids=never\n\n" + conn_section(case, end.address, "load", anybody)
        with daemon(end, conf, SECRETS, SETTINGS) as gateway:
            to = ("--address", far.address, "--peer", end.address)
            result_of(start_load(far.gateway, "initiate", case, WARM_UP, *to), gateway, WARM_UP)
            cpu, memory = cpu_seconds(end.gateway), memory_kilobytes(end.gateway)
            load = start_load(far.gateway, "initiate", case, count, *to, "--first", str(WARM_UP))
            seconds = result_of(load, gateway, count, WARM_UP)
            return _figures(end.gateway, cpu, memory, seconds, count)


def as_initiator(daemon: type[Gateway], case: Case, count: int) -> Figures:
    with Lab() as lab:
        far, end = topology.direct(lab)
        idle = "config setup\n    uniqueids=never\n\n"
        conf = idle + "".join(
            conn_section(
                case, end.address, f"c{n}",
                {"leftid": f"@{identity(n)}", "leftsubnet": inner(n), "right": far.address,
                 "rightid": far.address, "rightsubnet": "10.77.0.0/16", "auto": "start"},
            )
            for n in range(count)
        )  # fmt: skip
        add_inner_addresses(end.gateway, count)
        with daemon(end, idle, SECRETS, SETTINGS) as gateway:
            load = start_load(far.gateway, "answer", case, count, "--address", far.address)
            assert load.stdout is not None
            try:
                if load.stdout.readline() != "ready\n":
                    raise RuntimeError(f"bench.load: {load.stderr.read() if load.stderr else ''}")
                cpu, memory = cpu_seconds(end.gateway), memory_kilobytes(end.gateway)
                gateway.configure(conf)
                started = time.monotonic()
                _update(gateway)
                result_of(load, gateway, count)
                return _figures(end.gateway, cpu, memory, time.monotonic() - started, count)
            finally:
                stop(load)


def add_inner_addresses(host: Host, count: int) -> None:
    """charon's userspace plane installs no tunnel whose inner address its host lacks."""
    host.run("ip", "-batch", "-", input="".join(f"addr add {inner(n)} dev lo\n" for n in range(count)))


def _update(gateway: Gateway) -> None:
    """Have it read its conns. charon's starter passes over a signal that comes while it still starts."""
    for _ in range(5):
        status, said = gateway.ask("update", timeout=120)
        if status != 0:
            raise RuntimeError(f"update: {said}")
        deadline = time.monotonic() + 2.0
        while time.monotonic() < deadline:
            if "c0" in gateway.status():
                return
            time.sleep(0.05)
    raise RuntimeError("its conns were not loaded")


def _figures(host: Host, cpu: float, memory: int, seconds: float, count: int) -> Figures:
    return Figures(
        (cpu_seconds(host) - cpu) * 1000 / count, count / seconds, (memory_kilobytes(host) - memory) / count
    )


def _if_it_can(
    measure: Callable[[type[Gateway], Case, int], Figures], daemon: type[Gateway], case: Case
) -> Figures | None:
    """A peer's failure costs its figure, not the run: it is said, and the table shows a dash."""
    try:
        return measure(daemon, case, TUNNELS)
    except RuntimeError as error:
        print(f"bench: {daemon.name}, {case.name}: {error}", file=sys.stderr)
        return None


def rows(seconds: float = 5.0) -> list[Row]:
    """``seconds`` is not used: a run is as long as its tunnels take (TUNNELS=400 in the environment)."""
    found: list[Row] = []
    for case in CASES:
        ours, theirs = as_responder(Cygnet, case, TUNNELS), as_responder(Charon, case, TUNNELS)
        found += [
            Row(f"{case.name}, responder: CPU per tunnel", "ms", ours.cpu, theirs.cpu, case.target),
            Row(f"{case.name}, responder: tunnels", "1/s", ours.rate, theirs.rate),
        ]
        if case is CASES[0]:
            found.append(Row("memory per tunnel", "KB", ours.memory, theirs.memory, 40, of_ratio=False))
        ours, other = as_initiator(Cygnet, case, TUNNELS), _if_it_can(as_initiator, Charon, case)
        found += [
            Row(f"{case.name}, initiator: CPU per tunnel", "ms", ours.cpu, other and other.cpu),
            Row(f"{case.name}, initiator: tunnels", "1/s", ours.rate, other and other.rate),
        ]
    for case in ONLY_CYGNET:
        ours = as_responder(Cygnet, case, TUNNELS)
        found.append(Row(f"{case.name}, responder: CPU per tunnel", "ms", ours.cpu, None))
    return found
