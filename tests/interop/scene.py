"""One tunnel between cygnet and charon: how it is set up, and what must be true of it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from cygnet.lab import topology
from cygnet.lab.lab import Lab
from cygnet.lab.topology import End
from tests.peers import conf
from tests.peers.charon import Charon
from tests.peers.cygnet import Cygnet

Network = Callable[[Lab, tuple[str, str]], tuple[End, End]]


def behind_nats(lab: Lab, names: tuple[str, str]) -> tuple[End, End]:
    """oregon's network without its distance."""
    return topology.oregon(lab, names, round_trip=0.0, hosts=False)


@dataclass(frozen=True, slots=True)
class Scene:
    """``both``, ``ours``, ``theirs``: keywords of the conn on both ends, only ours, only charon's."""

    name: str
    both: Mapping[str, str] = field(default_factory=dict)
    ours: Mapping[str, str] = field(default_factory=dict)
    theirs: Mapping[str, str] = field(default_factory=dict)
    network: Network = topology.direct
    settings: Mapping[str, str] = field(default_factory=dict)  #: strongswan.conf, both ends
    psk: str = conf.SECRET  #: what we think the secret is

    def __str__(self) -> str:
        return self.name


@contextlib.contextmanager
def played(scene: Scene) -> Iterator[tuple[Cygnet, Charon]]:
    """Both daemons, running, with the conn loaded."""
    with Lab() as lab:
        a, b = scene.network(lab, ("cygnet", "charon"))
        ours = conf.conn(a, b, {**scene.both, **scene.ours})
        theirs = conf.conn(b, a, {**scene.both, **scene.theirs})
        with (
            Charon(b, theirs, conf.secrets(a, b), scene.settings) as charon,
            Cygnet(a, ours, conf.secrets(a, b, scene.psk), scene.settings) as cygnet,
        ):
            yield cygnet, charon


INSTALLED = r"oregon\{\d+\}:\s+INSTALLED, TUNNEL, reqid \d+, ESP in UDP SPIs: (\w+)_i (\w+)_o"


def tunnel_stands(cygnet: Cygnet, charon: Charon) -> None:
    """Both sides say so, about the same SAs, and packets pass in both directions."""
    ours, theirs = cygnet.shows(INSTALLED), charon.shows(INSTALLED)
    assert (ours[1], ours[2]) == (theirs[2], theirs[1]), "the ends have different SAs"
    assert cygnet.ping(charon.end) == 3
    assert charon.ping(cygnet.end) == 3


def nothing_left(*gateways: Cygnet | Charon) -> None:
    for gateway in gateways:
        gateway.shows(r"\(0 up, 0 connecting\)")


def child_ids(status: str) -> list[int]:
    return [int(n) for n in re.findall(r"oregon\{(\d+)\}:\s+INSTALLED", status)]


def ike_ids(status: str) -> list[int]:
    return [int(n) for n in re.findall(r"oregon\[(\d+)\]: ESTABLISHED", status)]
