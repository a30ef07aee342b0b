"""Everything at once: thousands of ``auto=start`` tunnels to one peer, and the way back after trouble.

::

    tunnels 0..N ---- near ------ 50 ms each way ------ far ---- 10.77.0.0/16
                   192.0.2.1                         192.0.2.2

Both ends are the same daemon, each with a conn for every tunnel; near starts them, far answers. A
tunnel counts as up when near says so in its log. Both daemons and the wire share this machine: the
CPU row tells how much of a start is computing. charon runs with its userspace ESP plane as cygnet
does, and gets the inner addresses that it wants to see on its host.

STORM=1000,5000 in the environment says how many. The recoveries are measured with ``RECOVERING``
(0: they are left out).
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench.accounting import cpu_seconds, daemons
from bench.load import SECRET, inner
from bench.report import Row
from bench.tunnels import add_inner_addresses
from cygnet.lab import topology
from cygnet.lab.host import Host
from cygnet.lab.lab import Lab
from tests.peers.charon import Charon
from tests.peers.cygnet import Cygnet
from tests.peers.gateway import LOG, Gateway

COUNTS = tuple(int(n) for n in os.environ.get("STORM", "1000,5000").split(","))
RECOVERING = int(os.environ.get("RECOVERING", "100"))
ROUND_TRIP = 0.1  #: seconds
PATIENCE = 120.0  #: seconds for each of them
OUTAGE = 30.0  #: seconds without a link, longer than it takes to notice
SECRETS = f': PSK "{SECRET.decode()}"\n'
IDLE = "config setup\n    uniqueids=never\n\n"
SETTINGS = {"retransmit_timeout": "4.0", "retransmit_tries": "5", "threads": "16"}
#: what is up: tunnels by the name of their conn
UP = re.compile(r"CHILD_SA (c\d+)\{\d+\} established with SPIs")
TARGETS = {1000: 15.0, 5000: 90.0}
Ends = tuple[type[Gateway], type[Gateway]]  #: near and far
Figures = tuple[float | None, float | None]  #: seconds until all are up, and of CPU meanwhile


def conns(count: int, own: str, peer: str, near: bool, more: dict[str, str]) -> str:
    """``count`` conns as near has them, or far."""
    found = [IDLE]
    for n in range(count):
        ends = {"left": own, "right": peer}
        mine, theirs = (inner(n), "10.77.0.0/16") if near else ("10.77.0.0/16", inner(n))
        names = ("leftid", "rightid") if near else ("rightid", "leftid")
        ends |= {
            "leftsubnet": mine,
            "rightsubnet": theirs,
            names[0]: f"@c{n}.example",
            names[1]: "@far.example",
        }
        keywords = {
            "keyexchange": "ikev2", "authby": "secret", "ike": "aes128gcm16-prfsha256-x25519!",
            "esp": "aes128gcm16!", "mobike": "no", "dpddelay": "10s", "keyingtries": "%forever",
            **ends, **more,
        }  # fmt: skip
        found.append("\n".join([f"conn c{n}", *(f"    {k}={v}" for k, v in keywords.items()), ""]))
    return "".join(found)


class Storm:
    """Two gateways of one kind, and ``count`` tunnels between them."""

    def __init__(self, ends: Ends, count: int, lab: Lab) -> None:
        self.near_end, self.far_end = topology.direct(lab, ("near", "far"), ROUND_TRIP)
        self.count = count
        if ends[0] is Charon:
            add_inner_addresses(self.near_end.gateway, count)
        near, far = self.near_end.address, self.far_end.address
        self.starting = conns(count, near, far, True, {"auto": "start", "dpdaction": "restart"})
        self.answering = conns(count, far, near, False, {"auto": "add", "dpdaction": "clear"})
        self.near = ends[0](self.near_end, IDLE, SECRETS, SETTINGS)
        self.far = ends[1](self.far_end, self.answering, SECRETS, SETTINGS)

    def up(self, after: int = 0) -> int:
        """How many have come up since that place in near's log."""
        with self.near.host.path(LOG).open("rb") as file:
            file.seek(after)
            return len(set(UP.findall(file.read().decode(errors="replace"))))

    def place(self) -> int:
        return self.near.host.path(LOG).stat().st_size

    def wait(self, began: float, after: int = 0) -> float:
        """Seconds since ``began`` until all are up, since that place in the log. Raises RuntimeError."""
        while (up := self.up(after)) < self.count:
            if time.monotonic() - began > PATIENCE:
                raise RuntimeError(f"only {up} of {self.count} tunnels are up after {PATIENCE:g} s")
            time.sleep(0.1)
        return time.monotonic() - began

    def start(self) -> float:
        """Start near; seconds until all tunnels are up."""
        self.near.configure(self.starting)
        began = time.monotonic()
        self.near.start()
        return self.wait(began)

    def link(self, state: str) -> None:
        with self.far.host.netlink() as ip:
            ip.link("set", index=ip.link_lookup(ifname="eth0")[0], state=state)


@contextmanager
def storm(ends: Ends, count: int) -> Iterator[Storm]:
    with Lab() as lab:
        one = Storm(ends, count, lab)
        try:
            one.far.start()
            yield one
        finally:
            one.near.stop()
            one.far.stop()


def all_at_once(ends: Ends, count: int) -> Figures:
    """Seconds until all are up, and CPU seconds of both ends meanwhile."""
    with storm(ends, count) as one:
        hosts: tuple[Host, Host] = (one.near.host, one.far.host)
        before = cpu_seconds(*hosts)
        took = one.start()
        return took, cpu_seconds(*hosts) - before


def peer_killed(ends: Ends) -> Figures:
    """The far daemon is killed and started again at once; seconds until all tunnels are new."""
    with storm(ends, RECOVERING) as one:
        one.start()
        after = one.place()
        began = time.monotonic()
        kill(one.far)
        one.far.start()
        return one.wait(began, after), None


def kill(gateway: Gateway) -> None:
    """kill -9 of the daemon and its helpers. charon's ports are free when it returns: it does without
    them, should it find them in use."""
    gateway.host.run("kill", "-9", *(folder.name for folder in daemons(gateway.host)), check=False)
    if isinstance(gateway, Charon):
        gateway.stop()
    gateway.until(lambda: ":4500 " not in gateway.host.run("ss", "-lun").stdout, 10, "free ports")
    if isinstance(gateway, Charon):
        # its starter takes what it left for a daemon that runs
        gateway.host.run("rm", "-f", "/var/run/charon.pid", "/var/run/starter.charon.pid")


def link_back(ends: Ends) -> Figures:
    """No link for ``OUTAGE`` seconds during the start; seconds from its return until all are up."""
    with storm(ends, RECOVERING) as one:
        one.link("down")
        one.near.configure(one.starting)
        one.near.start()
        time.sleep(OUTAGE)
        one.link("up")
        return one.wait(time.monotonic()), None


def loaded_late(ends: Ends) -> Figures:
    """The far end knows no conn for ``OUTAGE`` seconds; seconds from their loading until all are up."""
    with storm(ends, RECOVERING) as one:
        one.far.configure(IDLE)
        one.far.ask("update", timeout=120)
        one.near.configure(one.starting)
        one.near.start()
        time.sleep(OUTAGE)
        one.far.configure(one.answering)
        began = time.monotonic()
        one.far.ask("update", timeout=120)
        return one.wait(began), None


RECOVERIES: dict[str, Callable[[Ends], Figures]] = {
    "peer killed and started": peer_killed,
    "link back": link_back,
    "peer's conns loaded late": loaded_late,
}


def _if_it_can(measure: Callable[..., Figures], ends: Ends, *how: int) -> Figures:
    """What does not come up costs its figure, not the run: it is said, and the table shows a dash."""
    try:
        return measure(ends, *how)
    except RuntimeError as error:
        print(f"bench: {ends[0].name} and {ends[1].name}: {error}", file=sys.stderr)
        return None, None


def rows(seconds: float = 5.0) -> list[Row]:
    """``seconds`` is not used."""
    ours, theirs, mixed = (Cygnet, Cygnet), (Charon, Charon), (Cygnet, Charon)
    found: list[Row] = []
    for count in COUNTS:
        what, target = f"{count:,} tunnels at once", TARGETS.get(count)
        (took, cpu), (took_theirs, cpu_theirs) = (_if_it_can(all_at_once, e, count) for e in (ours, theirs))
        found += [
            Row(f"{what}: all up", "s", took, took_theirs, target, of_ratio=False),
            Row(f"{what}: CPU of both ends", "s", cpu, cpu_theirs),
            Row(f"{what}, charon answers: all up", "s", _if_it_can(all_at_once, mixed, count)[0], None),
        ]
    for name, measure in RECOVERIES.items() if RECOVERING else ():
        took, took_theirs = (_if_it_can(measure, e)[0] for e in (ours, theirs))
        found.append(Row(f"{RECOVERING} tunnels, {name}: all up", "s", took, took_theirs))
    return found
