"""The command lines ``cygnet lab up|down|shell HOST`` and ``cygnet demo``."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from cygnet.lab import keep, oregon, topology
from cygnet.lab.host import LabError
from cygnet.lab.lab import Lab

FAILED, USAGE, NOT_PERMITTED = 1, 2, 4  #: exit statuses, as every cygnet command has them


def up(options: argparse.Namespace) -> int:
    if keep.whole():
        return _already_up(options.ike)
    keep.remove()  # what an earlier one left
    ike = options.ike or 1
    with Lab(keep=True) as lab:
        ours, theirs = topology.oregon(lab)
        oregon.configure(ours, theirs, "start", ike)
        oregon.configure(theirs, ours, "add", ike)
        oregon.share_secret(ours, theirs)
        keep.remember(lab)
    print(_KEPT.format(ike=ike, cygnet=this_command()))
    return 0


def _already_up(ike: int | None) -> int:
    """0 where it is the lab that was asked for; its configuration is its user's, and left alone."""
    conf = keep.hosts()["oregon"].path("/etc/ipsec.conf").read_text()
    if ike is None or f"keyexchange=ikev{ike}" in conf:
        print(f"the lab is already up; '{this_command()} lab down' removes it")
        return 0
    print(f"the lab is already up, without IKEv{ike}: first '{this_command()} lab down'", file=sys.stderr)
    return FAILED


def this_command() -> str:
    """What to type for this cygnet, where it was called: installed, or the launcher of a clone."""
    sudo = "sudo " if "SUDO_USER" in os.environ else ""
    launcher = Path(__file__).parents[3] / "cygnet"
    if not launcher.is_file():
        return f"{sudo}cygnet"
    return sudo + ("./cygnet" if launcher.parent == Path.cwd() else shlex.quote(str(launcher)))


def down(options: argparse.Namespace) -> int:
    names = keep.remove()
    print(f"removed {', '.join(names)}" if names else "no lab is up")
    return 0


def shell(options: argparse.Namespace) -> int:
    """Become the command; this returns only where there is no such host."""
    hosts = keep.hosts()
    host = hosts.get(options.host)
    if host is not None:
        argv = host.inside(options.command or [os.environ.get("SHELL", "/bin/sh")])
        os.execvpe(argv[0], argv, host.environment())
    there = f"there are {', '.join(hosts)}" if hosts else f"no lab is up: {this_command()} lab up"
    print(f"no host '{options.host}'; {there}", file=sys.stderr)
    return USAGE if hosts else FAILED


def demo(options: argparse.Namespace) -> int:
    from cygnet.lab.demo import run

    return run(options.ike)


_KEPT = """\
Two clouds are up, as in the demo, for IKEv{ike}:

  oregon-host            oregon                                    peer             peer-host
  10.31.2.10 --- 10.31.1.185 --- 1:1 NAT === 100 ms === 1:1 NAT --- 10.77.1.210 --- 10.77.2.20
                             203.0.113.31            198.51.100.77

Each gateway has an /etc/ipsec.conf with the tunnel between them. Try:

  {cygnet} lab shell peer cygnet start
  {cygnet} lab shell oregon

and in the shell on oregon:

  cygnet start
  cygnet status
  ping -c 3 10.77.1.210
  exit

This removes everything:

  {cygnet} lab down"""


def lab_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``cygnet lab``."""
    verbs = parser.add_subparsers(dest="lab_verb", required=True, metavar="up|down|shell")
    build = verbs.add_parser("up", help="build the demo's network and leave it there")
    _ike(build, default=None)
    build.set_defaults(run_lab=up)
    verbs.add_parser("down", help="remove it").set_defaults(run_lab=down)
    enter = verbs.add_parser("shell", help="a shell, or a command, in one of its hosts")
    enter.add_argument("host")
    enter.add_argument("command", nargs=argparse.REMAINDER)
    enter.set_defaults(run_lab=shell)


def demo_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``cygnet demo``."""
    _ike(parser)
    parser.set_defaults(run_lab=demo)


def _ike(parser: argparse.ArgumentParser, default: int | None = 1) -> None:
    parser.add_argument("--ike", type=int, choices=(1, 2), default=default, help="IKE version (default 1)")


def run(options: argparse.Namespace) -> int:
    """Do what was parsed; errors as one sentence, for whoever called it."""
    action: Callable[[argparse.Namespace], int] = options.run_lab
    try:
        return action(options)
    except LabError as error:
        print(f"cygnet: {error}", file=sys.stderr)
        return NOT_PERMITTED if os.geteuid() != 0 else FAILED


def main(argv: Sequence[str] | None = None) -> int:
    """``python -m cygnet.lab.command lab|demo ...``"""
    parser = argparse.ArgumentParser(prog="cygnet")
    verbs = parser.add_subparsers(required=True)
    lab_arguments(verbs.add_parser("lab"))
    demo_arguments(verbs.add_parser("demo"))
    return run(parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
