"""Connect two hosts: by a veth pair, or by a wire with a delay."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from cygnet.lab.host import Host, LabError


@dataclass(frozen=True, slots=True)
class Plug:
    """One end of a cable: the device's name in its host, and the addresses it gets (CIDR)."""

    host: Host
    device: str
    addresses: tuple[str, ...] = field(default=())


def connect(a: Plug, b: Plug, delay: float = 0.0, mtu: int = 1500) -> None:
    """``delay``: seconds each way, 0 for a veth pair. The cable goes with its hosts."""
    if delay:
        _wire(a, b, delay)
    else:
        with a.host.netlink() as ip:
            ip.link(
                "add",
                ifname=a.device,
                kind="veth",
                peer={"ifname": b.device, "net_ns_pid": b.host.pid},
            )
    for plug in (a, b):
        with plug.host.netlink() as ip:
            index = ip.link_lookup(ifname=plug.device)[0]
            ip.link("set", index=index, mtu=mtu, state="up")
        for address in plug.addresses:
            plug.host.add_address(plug.device, address)


def _wire(a: Plug, b: Plug, delay: float) -> None:
    """Run cygnet.lab.wire between the two; it lives in a's host and ends with it."""
    other = os.open(f"/proc/{b.host.pid}/ns/net", os.O_RDONLY)
    try:
        process = a.host.popen(
            sys.executable,
            "-m",
            "cygnet.lab.wire",
            a.device,
            b.device,
            str(other),
            str(delay),
            pass_fds=(other,),
            env={"PYTHONPATH": str(Path(__file__).parent.parent.parent)},
        )
    finally:
        os.close(other)
    a.host.background.append(process)
    assert process.stdout is not None and process.stderr is not None
    if process.stdout.readline() != "ready\n":
        reason = process.stderr.read().strip()
        raise LabError(f"no wire between {a.host.name} and {b.host.name}: {reason}")
