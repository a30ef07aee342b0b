"""Two daemons on the loopback, each with its own files, driven as a user drives them.

    west 127.0.0.1  ----- IKE over lo -----  east 127.0.0.2     (memory planes: no root needed)

Both addresses are this machine's, so what is written as ``right`` is taken for the own end.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SOURCE = str(Path(__file__).parents[2] / "src")

CONF = """\
config setup

conn %default
    keyexchange=ikev2
    authby=secret
    right={own}
    rightid=@{name}
    rightsubnet={net}
    rightikeport={port}
    left={peer}
    leftid=@{peer_name}
    leftsubnet={peer_net}
    leftikeport={peer_port}

conn tunnel
    auto={auto}
"""


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    for sock in sockets:
        sock.bind(("127.0.0.1", 0))
    ports = [int(sock.getsockname()[1]) for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


@dataclass
class Gateway:
    name: str
    own: str
    net: str
    directory: Path
    port: int
    natt: int

    def write(self, peer: Gateway, auto: str = "add", secret: str = "shared") -> None:
        values = {"own": self.own, "name": self.name, "net": self.net, "port": self.port, "auto": auto}
        text = CONF.format(
            **values, peer=peer.own, peer_name=peer.name, peer_net=peer.net, peer_port=peer.port
        )
        self.conf.write_text(text)
        (self.directory / "ipsec.secrets").write_text(f'@west @east : PSK "{secret}"\n')
        (self.directory / "strongswan.conf").write_text(
            f"charon {{\n  port = {self.port}\n  port_nat_t = {self.natt}\n}}\n"
        )

    @property
    def conf(self) -> Path:
        return self.directory / "ipsec.conf"

    @property
    def log(self) -> str:
        return (self.directory / "run" / "cygnet.log").read_text()

    def begin(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "cygnet", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": SOURCE, "CYGNET_RUN_DIR": str(self.directory / "run")},
        )

    def cygnet(self, *words: str, patience: float = 30) -> subprocess.CompletedProcess[str]:
        with self.begin(*words) as process:
            out, err = process.communicate(timeout=patience)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def start(self, *more: str) -> subprocess.CompletedProcess[str]:
        return self.cygnet("start", *self.options, *more)

    @property
    def options(self) -> list[str]:
        files = {"config": "ipsec.conf", "secrets": "ipsec.secrets", "strongswan-conf": "strongswan.conf"}
        words = [w for option, name in files.items() for w in (f"--{option}", str(self.directory / name))]
        return [*words, "--plane", "memory"]


def two_gateways(directory: Path) -> tuple[Gateway, Gateway]:
    """With their files written, not started."""
    ports = free_ports(4)
    found = []
    for name, own, net in (("west", "127.0.0.1", "10.1.0.0/16"), ("east", "127.0.0.2", "10.2.0.0/16")):
        (directory / name).mkdir()
        found.append(Gateway(name, own, net, directory / name, ports.pop(), ports.pop()))
    west, east = found
    west.write(east)
    east.write(west)
    return west, east
