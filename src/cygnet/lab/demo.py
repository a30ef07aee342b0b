"""``make demo``: the oregon tunnel in its four auto modes, on a real network of namespaces.

Every step shows a command and its real output, and knows what has to be in it; the first step
that shows something else ends the demo with what was expected and exit status 1.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cygnet.lab import oregon, topology
from cygnet.lab.host import Host, stop
from cygnet.lab.lab import Lab
from cygnet.lab.topology import End

STEP_TIME = 30.0  #: seconds that one command may take
TUNNEL_TIME = 10.0  #: seconds within which a tunnel must stand on this network
ENDING = (signal.SIGTERM, signal.SIGINT)  #: the signals that end it, and its exit status is theirs


@dataclass(frozen=True, slots=True)
class Step:
    """One command on the gateway of oregon, and what its output must have.

    ``shows`` and ``lacks`` are regular expressions. A ``patient`` step is not run for everybody
    to see before its output has all that it should, or TUNNEL_TIME is over.
    """

    command: str
    shows: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    status: int = 0
    patient: bool = False


@dataclass(frozen=True, slots=True)
class Mode:
    """One value of auto= and its story."""

    auto: str
    title: str
    steps: tuple[Step, ...]


PING = "ping -c 3 10.77.1.210"
UP = r"Security Associations \(1 up, 0 connecting\):"
NONE_UP = r"Security Associations \(0 up, 0 connecting\):\n\s*none"
ENDS = r"10\.31\.1\.185\[10\.31\.1\.185\]\.\.\.198\.51\.100\.77\[10\.77\.1\.210\]"
ESTABLISHED = rf"oregon\[\d+\]: ESTABLISHED .* ago, {ENDS}"
INSTALLED = r"oregon\{\d+\}:\s+INSTALLED, TUNNEL, reqid \d+, ESP in UDP SPIs: \w+_i \w+_o"
ROUTED = r"Routed Connections:\n\s*oregon\{\d+\}:\s+ROUTED, TUNNEL, reqid \d+"
NETWORKS = r"oregon\{\d+\}:\s+10\.31\.0\.0/16 === 10\.77\.0\.0/16"
TUNNEL = (UP, ESTABLISHED, INSTALLED, NETWORKS)
ANSWERED = (r"icmp_seq=1 ", r"icmp_seq=2 ", r"icmp_seq=3 ", r"3 received, 0% packet loss")

MODES = (
    Mode(
        "start",
        "the tunnel comes up when the service starts",
        (
            Step("cygnet restart"),
            Step("cygnet status", TUNNEL, patient=True),
            Step(PING, ANSWERED),
        ),
    ),
    Mode(
        "route",
        "the tunnel comes up when traffic begins",
        (
            Step("cygnet restart"),
            Step("cygnet status", (ROUTED, NETWORKS, NONE_UP), patient=True),
            Step(PING, ANSWERED),
            Step("cygnet status", (ROUTED, *TUNNEL)),
        ),
    ),
    Mode(
        "add",
        "the configuration is loaded; the tunnel is brought up by hand",
        (
            Step("cygnet restart"),
            Step("cygnet status", (NONE_UP,), (r"oregon",)),
            Step("cygnet up oregon", (r"connection 'oregon' established successfully\n$",)),
            Step("cygnet status", TUNNEL),
            Step(PING, ANSWERED),
        ),
    ),
    Mode(
        "ignore",
        "the configuration is ignored: deliberately no tunnel",
        (
            Step("cygnet restart"),
            Step("cygnet status", (NONE_UP,), (r"oregon",)),
            Step("cygnet up oregon", (r"no config named 'oregon'",), status=3),
            Step("ping -c 1 -W 1 10.77.1.210", (r"100% packet loss",), status=1),
        ),
    ),
)


PINGS = sum(3 for mode in MODES for step in mode.steps if step.command == PING)


class NotAsExpected(Exception):
    """A step showed something else than it should have."""


class Stopped(KeyboardInterrupt):
    """A signal ends the demo; ``number`` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@dataclass(slots=True)
class Screen:
    """What the audience sees; ``pings`` are counted from what it saw."""

    color: bool = field(default_factory=lambda: sys.stdout.isatty() and "NO_COLOR" not in os.environ)
    pings: int = 0

    def _style(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.color else text

    def say(self, text: str = "") -> None:
        print(text, flush=True)

    def heading(self, text: str) -> None:
        self.say("\n" + self._style("1;36", text) + "\n")

    def command(self, host: Host, command: str) -> None:
        self.say(self._style("1", f"{host.name}# {command}"))

    def output(self, line: str) -> None:
        self.say(f"  {line}" if line else "")
        self.pings += "bytes from" in line


def perform(screen: Screen, host: Host, step: Step) -> None:
    """Run a step for everybody to see and check it. Raises NotAsExpected."""
    if step.patient:
        wait_for(host, step)
    screen.command(host, step.command)
    status, output = stream(host, step.command, screen.output)
    screen.say()
    if problem := differs(step, status, output):
        raise NotAsExpected(f"'{step.command}' on {host.name}: {problem}")


def differs(step: Step, status: int, output: str) -> str:
    """What is not as the step says; empty where all is well."""
    for pattern in step.shows:
        if not re.search(pattern, output):
            return f"its output should have had  {pattern}"
    for pattern in step.lacks:
        if re.search(pattern, output):
            return f"its output should not have had  {pattern}"
    return "" if status == step.status else f"exit status {status}, not {step.status}"


def wait_for(host: Host, step: Step) -> None:
    """Until the step would show what it should, or TUNNEL_TIME is over; both are shown alike."""
    deadline = time.monotonic() + TUNNEL_TIME
    while time.monotonic() < deadline:
        result = host.run(*step.command.split(), check=False)
        if not differs(step, result.returncode, result.stdout + result.stderr):
            return
        time.sleep(0.1)


def stream(host: Host, command: str, show: Callable[[str], None]) -> tuple[int, str]:
    """Run ``command``; each line is shown as it is printed. (exit status, everything printed)"""
    process = host.popen(*command.split(), stderr=subprocess.STDOUT)
    assert process.stdout is not None
    lines = []
    limit = threading.Timer(STEP_TIME, stop, (process,))
    limit.start()
    try:
        for line in process.stdout:
            lines.append(line)
            show(line.rstrip("\n"))
        status = process.wait()
    finally:
        limit.cancel()
        stop(process)
    return status, "".join(lines)


def count_on_the_wire(router: Host) -> None:
    """Let the router count what it sends to the internet: IKE and ESP in UDP, and readable pings."""
    router.run("nft", "-f", "-", input=_COUNTERS)


_COUNTERS = """
table ip seen {
    chain forward {
        type filter hook forward priority 0;
        oifname "core" udp dport { 500, 4500 } counter comment "tunnel"
        oifname "core" icmp type { echo-request, echo-reply } counter comment "ping"
    }
}
"""


def seen_on_the_wire(router: Host) -> tuple[int, int]:
    """(datagrams to ports 500 and 4500, pings in the clear) that left for the internet."""
    listing = router.run("nft", "list", "table", "ip", "seen").stdout
    counts = {name: int(n) for n, name in re.findall(r'packets (\d+) .*comment "(\w+)"', listing)}
    return counts["tunnel"], counts["ping"]


_DRAWING = """\
  oregon                                                                  peer
  10.31.1.185 --- 1:1 NAT 203.0.113.31 === 100 ms === 198.51.100.77 1:1 NAT --- 10.77.1.210
  network 10.31.0.0/16                                              network 10.77.0.0/16"""


def show(screen: Screen, lab: Lab, ike: int) -> None:
    started = time.monotonic()
    screen.heading(f"The oregon tunnel over IKEv{ike}: two gateways behind NAT, cygnet on both")
    ours, theirs = topology.oregon(lab, hosts=False)
    router = lab[f"{ours.gateway.name}-nat"]
    count_on_the_wire(router)
    screen.say(_DRAWING)
    prepare(screen, ours, theirs, ike)
    for mode in MODES:
        play(screen, mode, ours, theirs, ike)
    tunnel, pings = seen_on_the_wire(router)
    if pings:
        raise NotAsExpected(f"{pings} pings left {router.name} unencrypted")
    screen.say(
        f"Shown in {time.monotonic() - started:.0f} s: the oregon tunnel over IKEv{ike} with auto=start,"
        f" route, add and ignore;\n{screen.pings} of {PINGS} pings answered through it;"
        f" the internet saw {tunnel} datagrams of IKE and ESP from oregon, and no ping."
    )


def prepare(screen: Screen, ours: End, theirs: End, ike: int) -> None:
    oregon.share_secret(ours, theirs)
    oregon.configure(theirs, ours, "add", ike)
    screen.heading("The other end waits (auto=add)")
    perform(screen, theirs.gateway, Step("cygnet start"))


def play(screen: Screen, mode: Mode, ours: End, theirs: End, ike: int) -> None:
    oregon.configure(ours, theirs, mode.auto, ike)
    screen.heading(f"auto={mode.auto}: {mode.title}")
    if mode is MODES[0]:
        perform(screen, ours.gateway, Step("cat /etc/ipsec.conf", (f"auto={mode.auto}",)))
    else:
        perform(screen, ours.gateway, Step("grep auto= /etc/ipsec.conf", (f"auto={mode.auto}",)))
    for step in mode.steps:
        perform(screen, ours.gateway, step)


def run(ike: int = 1) -> int:
    """Show it all; the exit status. Whatever happens, nothing of it is left afterwards."""
    screen = Screen()
    owner = os.getpid()

    def stop_here(number: int, frame: object) -> None:
        # pyroute2 forks for a namespace's socket, and ends that child by a signal: it must not clean up
        if os.getpid() != owner:
            os._exit(128 + number)
        for each in ENDING:
            signal.signal(each, signal.SIG_IGN)  # once is enough: the next one would disturb the removal
        raise Stopped(number)

    previous = {number: signal.signal(number, stop_here) for number in ENDING}
    try:
        with Lab() as lab:
            show(screen, lab, ike)
    except Stopped as stopped:
        screen.say(f"\nStopped by {signal.Signals(stopped.number).name}; everything is removed.")
        return 128 + stopped.number
    except NotAsExpected as error:
        print(f"\ncygnet: this is not what the demo should show: {error}", file=sys.stderr)
        return 1
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return 0
