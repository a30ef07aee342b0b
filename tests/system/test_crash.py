"""kill -9 and start again: nothing is left behind, and the tunnel returns.

::

    oregon ---- 1:1 NAT ======== 1:1 NAT ---- peer
    10.31.1.185                          10.77.1.210
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from cygnet.lab import topology
from cygnet.lab.host import Host
from cygnet.lab.lab import Lab
from tests.peers import conf
from tests.peers.cygnet import Cygnet
from tests.rooted import needs_lab

pytestmark = needs_lab

TUNNEL = r"oregon\{\d+\}:\s+INSTALLED"


def devices(host: Host) -> set[str]:
    return {link["ifname"] for link in json.loads(host.run("ip", "-j", "link").stdout)}


def rules(host: Host) -> list[str]:
    return sorted(host.run("ip", *family, "rule").stdout for family in (("-4",), ("-6",)))


def routes(host: Host) -> list[str]:
    found = []
    for family in ("-4", "-6"):
        found += host.run("ip", family, "route", "show", "table", "all").stdout.splitlines()
    return sorted(line for line in found if "fe80" not in line and "ff00" not in line)


def sockets(host: Host) -> list[str]:
    """Unix sockets and bound UDP ports."""
    files = host.run("find", "/run", "-type", "s").stdout.splitlines()
    udp = host.run("cat", "/proc/net/udp", "/proc/net/udp6", "/proc/net/raw", "/proc/net/raw6").stdout
    bound = [line.split()[1] for line in udp.splitlines() if ":" in line.split()[0]]
    return sorted(files) + sorted(bound)


def processes(host: Host) -> dict[str, str]:
    """Command lines of cygnet's processes by pid, as the host sees them."""
    found = {}
    for folder in host.path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode().split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if any(word.startswith("cygnet.") for word in words):  # python -m cygnet.daemon, ...
            found[folder.name] = " ".join(words)
    return found


def command_lines(host: Host) -> list[str]:
    return sorted(re.sub(r"\d+", "N", line) for line in processes(host).values())


LEFTOVERS: list[Callable[[Host], object]] = [devices, rules, routes, sockets, command_lines]


def state(host: Host) -> dict[str, object]:
    return {look.__name__: look(host) for look in LEFTOVERS}


def kill_all(host: Host) -> None:
    """kill -9 of the daemon and whatever it started, at once."""
    host.run("kill", "-9", *processes(host))


@pytest.mark.parametrize("version", ["ikev1", "ikev2"])
@pytest.mark.parametrize("victim", ["daemon alone", "daemon and its workers"])
def test_a_killed_daemon_starts_again_with_its_tunnel_and_leaves_nothing(version: str, victim: str) -> None:
    ike = {"keyexchange": version}
    with Lab() as lab:
        a, b = topology.oregon(lab, round_trip=0.0, hosts=False)
        host = a.gateway
        untouched = state(host)
        with Cygnet(b, conf.conn(b, a, ike), conf.secrets(a, b)) as peer:
            oregon = Cygnet(a, conf.conn(a, b, {**ike, "auto": "start"}), conf.secrets(a, b))
            assert oregon.ask("start")[0] == 0
            oregon.shows(TUNNEL)
            assert oregon.ping(b) == 3
            running = state(host)
            if victim == "daemon alone":
                pid = host.path("/run/cygnet/cygnet.pid").read_text().strip()
                host.run("kill", "-9", pid)
            else:
                kill_all(host)
            assert oregon.ask("status")[0] == 7
            assert oregon.ask("start")[0] == 0
            oregon.shows(TUNNEL)
            assert oregon.ping(b) == 3
            assert peer.ping(a) == 3
            oregon.until(lambda: state(host) == running, 10, "state as before the crash")
            assert oregon.ask("stop")[0] == 0
            oregon.until(lambda: not processes(host), 5, "end of all its processes")
            assert state(host) == untouched


def test_a_daemon_that_is_killed_while_idle_leaves_nothing_after_stop_either() -> None:
    with Lab() as lab:
        a, b = topology.direct(lab)
        host = a.gateway
        untouched = state(host)
        oregon = Cygnet(a, conf.conn(a, b, {"auto": "route"}), conf.secrets(a, b))
        for _ in range(2):
            assert oregon.ask("start")[0] == 0
            assert "ROUTED" in oregon.status()
            kill_all(host)
        assert oregon.ask("start")[0] == 0
        assert oregon.ask("stop")[0] == 0
        oregon.until(lambda: not processes(host), 5, "end of all its processes")
        assert state(host) == untouched


@pytest.mark.parametrize("version", ["ikev1", "ikev2"])
def test_a_killed_packet_worker_is_replaced_and_the_tunnel_rekeyed(version: str) -> None:
    ike = {"keyexchange": version}
    with Lab() as lab:
        a, b = topology.oregon(lab, round_trip=0.0, hosts=False)
        with (
            Cygnet(b, conf.conn(b, a, ike), conf.secrets(a, b)) as peer,
            Cygnet(a, conf.conn(a, b, {**ike, "auto": "start"}), conf.secrets(a, b)) as oregon,
        ):
            before = oregon.shows(TUNNEL).group()
            (worker,) = [pid for pid, line in processes(a.gateway).items() if "tun.worker" in line]
            a.gateway.run("kill", "-9", worker)
            oregon.until(lambda: oregon.shows(TUNNEL).group() != before, 10, "another CHILD_SA")
            assert oregon.ping(b) == 3
            assert peer.ping(a) == 3
