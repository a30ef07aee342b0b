"""What the stories of IKEv1 share: pairs that are up, and what "matching" means."""

from __future__ import annotations

from typing import Any

from cygnet.boundary.effects import Finish
from cygnet.model.config import IkeVersion
from cygnet.testing.builders import oregon
from cygnet.testing.network import NO_FAULTS, Faults
from cygnet.testing.pair import Host, Pair
from cygnet.testing.recorder import Recorder
from cygnet.values.endpoint import Endpoint
from cygnet.wire.header import ExchangeType, Header


def up(seed: int | str = 0, faults: Faults = NO_FAULTS, **changes: Any) -> Pair:
    """The oregon tunnel, established from the left."""
    pair = Pair(*oregon(IkeVersion.V1, **changes), seed=seed, faults=faults)
    ref = pair.left.up("oregon")
    assert pair.run(300, lambda: ref in pair.left.finished), "the tunnel did not come up"
    pair.run(2)
    return pair


def finish(host: Host, ref: int) -> Finish:
    return host.finished[ref]


def recorder(host: Host) -> Recorder:
    assert isinstance(host.plane, Recorder)
    return host.plane


def ike_spis(host: Host) -> set[tuple[bytes, bytes]]:
    return {(sa.spi_i, sa.spi_r) for sa in host.ike_sas}


def child_spis(host: Host) -> set[tuple[int, int]]:
    """(inbound, outbound) of every CHILD_SA that is installed both ways, rekeyed ones too."""
    return {(c.spi_in, c.spi_out) for sa in host.ike_sas for c in sa.children if c.sa_in and c.sa_out}


def current_spis(host: Host) -> set[tuple[int, int]]:
    """Those in use."""
    return {(c.spi_in, c.spi_out) for sa in host.ike_sas for c in sa.children if c.state == "INSTALLED"}


def mirrored(pairs: set[tuple[int, int]]) -> set[tuple[int, int]]:
    return {(outbound, inbound) for inbound, outbound in pairs}


def assert_matching(pair: Pair) -> None:
    """Both ends have the same IKE_SAs and mirrored CHILD_SAs, and nothing half installed."""
    left, right = pair.left, pair.right
    assert ike_spis(left) == ike_spis(right)
    assert child_spis(left) == mirrored(child_spis(right))
    for host in (left, right):
        spis = {c.spi_in for sa in host.ike_sas for c in sa.children} | {
            c.spi_out for sa in host.ike_sas for c in sa.children if c.sa_out
        }
        assert {s.spi for s in recorder(host).sas.values()} == spis, "the data plane has what status shows"


def assert_clean(host: Host) -> None:
    assert host.ike_sas == ()
    assert recorder(host).sas == {}
    assert recorder(host).policies == {}
    assert host.snapshot.half_open == 0


class Dropping:
    """A filter that loses chosen messages: the ``numbers``-th (from 1) of an exchange type and sender."""

    def __init__(self, pair: Pair, exchange: ExchangeType, sender: Host, *numbers: int) -> None:
        self._exchange, self._numbers, self._count = exchange, numbers, 0
        public = pair.network._public.get(sender.address, sender.address)
        self._sender = public
        self.lost: list[bytes] = []
        pair.network.filter = self

    def __call__(self, source: Endpoint, destination: Endpoint, data: bytes) -> bytes | None:
        if (
            source.address != self._sender
            or data == b"\xff"
            or Header.decode(data).exchange != self._exchange
        ):
            return data
        self._count += 1
        if self._numbers and self._count not in self._numbers:
            return data
        self.lost.append(data)
        return None


def deaf(pair: Pair, *hosts: Host) -> None:
    """Nothing that these hosts send arrives any more."""
    addresses = {pair.network._public.get(h.address, h.address) for h in hosts}
    pair.network.filter = lambda source, destination, data: None if source.address in addresses else data


def healed(pair: Pair) -> None:
    pair.network.filter = lambda source, destination, data: data
