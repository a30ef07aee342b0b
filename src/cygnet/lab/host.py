"""A host of the lab: namespaces of its own (network, mounts, processes, host name).

One process holds them and is their init. When it ends, the kernel kills every process of the
host and takes its devices, routes and rules away, so that nothing can be left over: usually it
reads from a pipe whose other end is ours, and ends when we do, however we end.

Inside, /run is empty and /etc is a private copy-on-write view of the machine's, so that each
host has its own sockets, pid files and /etc/ipsec.conf. Everything else is the machine's.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from pyroute2 import IPRoute

NAMESPACES = ("--net", "--mount", "--uts", "--pid")

#: PATH is searched for these; which Debian package has each (tools/prepare installs them)
NEEDED = {"unshare": "util-linux", "nsenter": "util-linux", "nft": "nftables", "ping": "iputils-ping"}

_INIT = r"""
mount -t tmpfs tmpfs /run
mkdir -p /run/lock /run/.etc /run/.work /run/bin
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/.etc,workdir=/run/.work /etc
hostname "$1"
cd /proc/sys/net
echo 1 >ipv4/ip_forward
echo 1 >ipv4/conf/all/promote_secondaries # when an address goes, others of its network stay
if [ -d ipv6 ]; then
    echo 1 >ipv6/conf/all/forwarding
    echo 0 >ipv6/conf/default/accept_dad # addresses are ours alone: usable at once
fi
cd /
trap '' CHLD # whoever is orphaned here is reaped
echo ready
exec >/dev/null 2>&1
"""
_WHILE_WE_LIVE = "exec cat"
_UNTIL_KILLED = "exec sleep infinity </dev/null"


class LabError(Exception):
    """The lab could not be built, or a command in it failed; the text says which and how."""


def missing_programs() -> list[str]:
    """Debian packages to install before a lab can be built."""
    return sorted({package for program, package in NEEDED.items() if not shutil.which(program, path=_path())})


def _path() -> str:
    return os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"


class Host:
    """A running host. ``pid`` is its init as seen from outside."""

    def __init__(self, name: str, pid: int) -> None:
        self.name, self.pid = name, pid
        self.background: list[subprocess.Popen[str]] = []  #: end with the host
        self._holder: subprocess.Popen[str] | None = None

    @classmethod
    def start(cls, name: str, keep: bool = False) -> Host:
        """Make a host; ``keep``: it outlives this process (until ``kill``)."""
        script = _INIT + (_UNTIL_KILLED if keep else _WHILE_WE_LIVE)
        holder = subprocess.Popen(
            [
                "unshare",
                *NAMESPACES,
                "--fork",
                "--kill-child",
                "--mount-proc",
                "sh",
                "-ec",
                script,
                "init",
                name,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert holder.stdout is not None and holder.stderr is not None
        if holder.stdout.readline() != "ready\n":
            holder.kill()
            raise LabError(f"cannot make the namespaces of {name}: {holder.stderr.read().strip()}")
        host = cls(name, _only_child(holder.pid))
        host._holder = holder
        host._install_cygnet()
        with host.netlink() as ip:
            ip.link("set", index=ip.link_lookup(ifname="lo")[0], state="up")
        return host

    def _install_cygnet(self) -> None:
        """``cygnet`` inside is the one that runs here."""
        program = self.path("/run/bin/cygnet")
        source = Path(__file__).parent.parent.parent
        program.write_text(f'#!/bin/sh\nPYTHONPATH={source} exec {sys.executable} -m cygnet "$@"\n')
        program.chmod(0o755)

    # ------------------------------------------------------------ files and commands

    def path(self, path: str) -> Path:
        """Where a file of the host is found from outside."""
        return Path(f"/proc/{self.pid}/root{path}")

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        file = self.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def inside(self, argv: Sequence[str]) -> list[str]:
        """The command line that runs ``argv`` in this host."""
        return ["nsenter", "-t", str(self.pid), "-n", "-m", "-u", "-p", "--", *argv]

    @staticmethod
    def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
        path = f"/run/bin:{_path()}"
        return {**os.environ, "PATH": path, "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1", **(extra or {})}

    def run(
        self,
        *argv: str,
        check: bool = True,
        timeout: float = 60.0,
        input: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run to the end and return status, stdout and stderr. ``check``: LabError unless it exits 0."""
        process = self.popen(
            *argv, stdin=subprocess.PIPE if input is not None else subprocess.DEVNULL, env=env
        )
        try:
            out, err = process.communicate(input, timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            raise LabError(
                f"{self.name}: {' '.join(argv)}: still running after {timeout:g} s\n{out}{err}".rstrip()
            ) from None
        except BaseException:
            stop(process)
            raise
        if check and process.returncode != 0:
            raise LabError(
                f"{self.name}: {' '.join(argv)}: exit status {process.returncode}\n{out}{err}".rstrip()
            )
        return subprocess.CompletedProcess(argv, process.returncode, out, err)

    def popen(
        self,
        *argv: str,
        stdin: int | IO[str] = subprocess.DEVNULL,
        stdout: int | IO[str] = subprocess.PIPE,
        stderr: int | IO[str] = subprocess.PIPE,
        env: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> subprocess.Popen[str]:
        """Start a command. It ends with the host at the latest; before that, ``stop(process)``."""
        return subprocess.Popen(
            self.inside(argv),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=self.environment(env),
            text=True,
            start_new_session=True,
            pass_fds=pass_fds,
        )

    # ------------------------------------------------------------ network

    @contextlib.contextmanager
    def netlink(self) -> Iterator[IPRoute]:
        """A netlink socket in the host's network namespace."""
        from pyroute2 import IPRoute

        with IPRoute(netns=f"/proc/{self.pid}/ns/net") as ip:
            yield ip

    def add_address(self, device: str, address: str) -> None:
        """``add_address("eth0", "10.31.1.185/24")``; the device is brought up."""
        ip_text, _, prefix = address.partition("/")
        with self.netlink() as ip:
            index = ip.link_lookup(ifname=device)[0]
            ip.addr("add", index=index, address=ip_text, prefixlen=int(prefix))
            ip.link("set", index=index, state="up")

    def remove_address(self, device: str, address: str) -> None:
        ip_text, _, prefix = address.partition("/")
        with self.netlink() as ip:
            index = ip.link_lookup(ifname=device)[0]
            ip.addr("del", index=index, address=ip_text, prefixlen=int(prefix))

    def add_route(self, network: str, via: str) -> None:
        """``network`` in CIDR form; ``0.0.0.0/0`` and ``::/0`` are the default routes."""
        with self.netlink() as ip:
            ip.route("add", dst=network, gateway=via)

    # ------------------------------------------------------------ end

    def doom(self) -> None:
        """Begin to end: ``kill`` of several hosts is soon done when all of them are doomed before."""
        for process in self.background:
            stop(process)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def kill(self) -> None:
        """End the host: all its processes, its devices, everything. Idempotent."""
        self.doom()
        if self._holder is not None:
            for stream in (self._holder.stdin, self._holder.stdout, self._holder.stderr):
                if stream is not None:
                    stream.close()
            self._holder.wait(10)
            self._holder = None


def stop(process: subprocess.Popen[str], timeout: float = 5.0) -> None:
    """End a process started by ``Host.popen``: asked first, then killed. Idempotent."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            break
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _only_child(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
