"""A tunnel that is meant to be up is up, whatever happened: real daemons, and charon as the peer.

::

    10.31.0.1 - oregon (auto=start) -------------------- peer (auto=add) - 10.77.0.1
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest

from bench.storm import kill
from cygnet.lab import topology
from cygnet.lab.lab import Lab
from cygnet.lab.topology import End
from tests.peers import conf
from tests.peers.charon import Charon, missing
from tests.peers.cygnet import Cygnet
from tests.peers.gateway import Gateway
from tests.rooted import needs_lab

pytestmark = [*needs_lab, pytest.mark.interop]

TUNNEL = r"oregon\{\d+\}:\s+INSTALLED, TUNNEL"
DOWN = r"oregon:\s+auto=start, down for \d+"
KINDS = [Cygnet, pytest.param(Charon, marks=pytest.mark.skipif(bool(missing()), reason=missing() or "-"))]
peers = pytest.mark.parametrize("kind", KINDS, ids=["cygnet", "charon"])
versions = pytest.mark.parametrize("version", ["ikev1", "ikev2"])


@contextlib.contextmanager
def oregon_and(
    kind: type[Gateway], version: str, theirs: dict[str, str] | None = None, psk: str = conf.SECRET
) -> Iterator[tuple[Cygnet, Gateway, End]]:
    """``theirs``: the peer's conn at first, None: it has none; ``psk``: what it takes for the secret."""
    ike = {"keyexchange": version}
    with Lab() as lab:
        a, b = topology.direct(lab)
        text = "" if theirs is None else conf.conn(b, a, ike | theirs)
        with (
            kind(b, text, conf.secrets(a, b, psk)) as peer,
            Cygnet(a, conf.conn(a, b, ike | {"auto": "start"}), conf.secrets(a, b)) as oregon,
        ):
            yield oregon, peer, b


def right(oregon: Cygnet, peer: Gateway, version: str) -> str:
    return conf.conn(peer.end, oregon.end, {"keyexchange": version})


def traffic_within(oregon: Cygnet, to: End, seconds: float) -> None:
    """Pings, one after the other, until one is answered."""
    oregon.until(lambda: oregon.ping(to, count=1, patience=0.5) == 1, seconds, "answered ping")


@peers
@versions
def test_a_conn_that_the_peer_loads_late(kind: type[Gateway], version: str) -> None:
    with oregon_and(kind, version) as (oregon, peer, b):
        oregon.shows(DOWN)
        peer.configure(right(oregon, peer, version))
        peer.ask("update")
        oregon.shows(TUNNEL, 60)
        assert oregon.ping(b) == 3


@peers
@versions
def test_a_secret_that_the_peer_mends(kind: type[Gateway], version: str) -> None:
    with oregon_and(kind, version, {}, psk="not this one") as (oregon, peer, b):
        oregon.shows(DOWN, 30)
        peer.configure(right(oregon, peer, version), conf.secrets(oregon.end, peer.end))
        peer.ask("rereadsecrets")
        oregon.shows(TUNNEL, 90)
        assert oregon.ping(b) == 3


@peers
@versions
def test_a_subnet_that_the_peer_mends(kind: type[Gateway], version: str) -> None:
    with oregon_and(kind, version, {"leftsubnet": "10.99.0.0/16"}) as (oregon, peer, b):
        oregon.shows(DOWN, 30)
        peer.configure(right(oregon, peer, version))
        peer.ask("update")
        oregon.shows(TUNNEL, 60)
        assert oregon.ping(b) == 3


@peers
@versions
def test_a_peer_that_was_killed_is_found_by_traffic_without_dpd(kind: type[Gateway], version: str) -> None:
    with oregon_and(kind, version, {}) as (oregon, peer, b):
        oregon.shows(TUNNEL, 30)
        kill(peer)
        peer.start()
        traffic_within(oregon, b, 30)
        oregon.until(lambda: oregon.status().count("INSTALLED, TUNNEL") == 1, 60, "a single tunnel")


@versions
def test_the_own_link_that_comes_back(version: str) -> None:
    with oregon_and(Cygnet, version, {}) as (oregon, _, b):
        oregon.shows(TUNNEL, 30)
        link(oregon, "down")
        time.sleep(3)
        assert oregon.ping(b, count=1, patience=0.5) == 0
        link(oregon, "up")
        traffic_within(oregon, b, 20)


@versions
def test_both_ends_that_start_have_one_tunnel(version: str) -> None:
    with oregon_and(Cygnet, version, {"auto": "start"}) as (oregon, peer, b):
        for end in (oregon, peer):
            end.shows(TUNNEL, 30)
        for end in (oregon, peer):
            end.until(lambda end=end: end.status().count("INSTALLED, TUNNEL") == 1, 40, "a single tunnel")
        assert oregon.ping(b) == 3


def link(gateway: Gateway, state: str) -> None:
    with gateway.host.netlink() as ip:
        ip.link("set", index=ip.link_lookup(ifname="eth0")[0], state=state)
