"""Traffic that finds no answer, and hints, make an end ask whether its peer lives. No DPD is configured."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from cygnet.boundary.effects import Send
from cygnet.boundary.events import Datagram
from cygnet.boundary.specs import Direction
from cygnet.dataplane.memory import MemoryPlane
from cygnet.engine.ikev1.sa import IkeSaV1
from cygnet.engine.ikev1.succession import take_over
from cygnet.engine.life import destroy
from cygnet.engine.timers import Deadline
from cygnet.engine.wants import CheckLiveness, RekeyChild
from cygnet.model.config import Config, StartAction
from cygnet.testing.builders import oregon
from cygnet.testing.network import Faults
from cygnet.testing.pair import Host, Pair
from cygnet.values.endpoint import Endpoint
from cygnet.values.secret import Secret
from cygnet.wire.header import ExchangeType, Header
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from tests.dataplane.packets import udp
from tests.exchange.ikev2.story import tunnel

SUITE = {"ike": "aes128-sha256-curve25519", "esp": "aes128gcm16"}
VERSIONS = pytest.mark.parametrize("make", [oregon, tunnel], ids=["ikev1", "ikev2"])
INSIDE = {"left": "10.31.5.5", "right": "10.77.5.5"}


class Lab:
    """Oregon's tunnel with traffic in it. ``link`` False: nothing passes, neither IKE nor ESP."""

    def __init__(self, make, passive_right: bool = True, **how) -> None:  # type: ignore[no-untyped-def]
        left, right = make(**SUITE, child={"start_action": StartAction.START}, **how)
        if passive_right:
            children = tuple(replace(c, start_action=StartAction.NONE) for c in right.connections[0].children)
            right = Config((replace(right.connections[0], children=children),), right.secrets)
        self.link = True
        planes = [MemoryPlane(lambda: self.pair.now, self.cable(n)) for n in (0, 1)]
        secrets = (Secret(b"L" * 32), Secret(b"R" * 32))
        self.pair = Pair.__new__(Pair)
        self.pair.now = 0.0
        self.pair.__init__(  # type: ignore[misc]
            left, right, faults=Faults(delay=0.05), planes=(planes[0], planes[1]), lasting=secrets, start=True
        )
        self.pair.network.filter = lambda source, destination, data: data if self.link else None
        self.pair.run(5)

    def cable(self, owner: int):  # type: ignore[no-untyped-def]
        """From that host to the other one, which sees it as its NAT shows it."""

        def carry(local: Endpoint, remote: Endpoint, packet: bytes, encap: bool) -> None:
            near, far = self.pair.hosts[owner], self.pair.hosts[1 - owner]
            if self.link:
                source = Endpoint(self.pair.network.public(near.address), local.port)
                cast(MemoryPlane, far.plane).receive(Endpoint(far.address, 4500), source, packet, encap)

        return carry

    def passes(self, host: Host) -> bool:
        """Send a packet from ``host`` through the tunnel: whether it comes out at the other end."""
        here, there = (INSIDE[h.name] for h in (host, *[h for h in self.pair.hosts if h is not host]))
        far = next(cast(MemoryPlane, h.plane) for h in self.pair.hosts if h is not host)
        before = len(far.delivered)
        cast(MemoryPlane, host.plane).send(udp(b"hello", here, there))
        return len(far.delivered) > before

    def traffic(self, seconds: float, both: bool = True) -> float | None:
        """One packet a second each way; when packets passed (each way) for the first time."""
        hosts = self.pair.hosts if both else self.pair.hosts[:1]
        began = self.pair.now
        first = None
        while self.pair.now < began + seconds:
            passed = [self.passes(host) for host in hosts]
            if all(passed) and first is None:
                first = self.pair.now - began
            self.pair.run(1.0)
        return first


@VERSIONS
def test_the_lab_carries_traffic(make) -> None:  # type: ignore[no-untyped-def]
    lab = Lab(make)
    assert lab.traffic(10) == 0


@VERSIONS
@pytest.mark.parametrize("outage", [3, 20, 60, 300, 7200])
def test_after_an_outage_of_any_length_traffic_flows_within_12_seconds(make, outage: int) -> None:  # type: ignore[no-untyped-def]
    lab = Lab(make)
    lab.traffic(5)
    lab.link = False
    assert lab.traffic(outage) is None
    lab.link = True
    back = lab.traffic(30)
    assert back is not None and back <= 12
    lab.traffic(60)
    assert [len(h.established()) for h in lab.pair.hosts] == [1, 1]
    assert [len(h.installed()) for h in lab.pair.hosts] == [1, 1]


@pytest.mark.parametrize(("make", "within"), [(oregon, 12), (tunnel, 3)], ids=["ikev1", "ikev2"])
@pytest.mark.parametrize("after", [0, 5, 300])
def test_a_peer_that_was_restarted_is_found_by_the_traffic_for_it(make, within: int, after: int) -> None:  # type: ignore[no-untyped-def]
    """It waits to be called, and knows nothing; IKEv2 has its crash token."""
    lab = Lab(make)
    lab.traffic(5)
    lab.link = False
    if after:
        lab.traffic(after)
    lab.pair.right.restart()
    lab.link = True
    back = lab.traffic(30)
    assert back is not None and back <= within, back
    lab.traffic(60)
    assert [len(h.installed()) for h in lab.pair.hosts] == [1, 1]


@pytest.mark.parametrize(
    ("make", "exchange", "loses"),
    [(oregon, ExchangeType.QUICK_MODE, 0), (oregon, ExchangeType.QUICK_MODE, 1),
     (tunnel, ExchangeType.CREATE_CHILD_SA, 0), (tunnel, ExchangeType.CREATE_CHILD_SA, 1)],
    ids=["ikev1 third", "ikev1 second", "ikev2 request", "ikev2 response"],
)  # fmt: skip
def test_a_peer_that_speaks_is_asked_again_at_once(make, exchange: ExchangeType, loses: int) -> None:  # type: ignore[no-untyped-def]
    """Of a rekeying one end's messages are lost for half a minute, but for the first one. As soon as the
    waiting end hears anything of its peer, it says again what has not been answered."""
    pair = Pair(*make(**SUITE), faults=Faults(delay=0.05))
    pair.left.up("oregon")
    pair.run(5)
    engine = pair.left.engine
    pair.left.tick()  # its clock
    (sa,) = engine._registry.ike_sas.values()
    passed = 1 if make is oregon and loses == 0 else 0
    loser = pair.network.public(pair.hosts[loses].address)

    def lossy(source: Endpoint, destination: Endpoint, data: bytes) -> bytes | None:
        nonlocal passed
        if source.address != loser or len(data) < 28 or Header.decode(data).exchange != exchange:
            return data
        passed -= 1
        return data if passed >= 0 else None

    pair.network.filter = lossy
    sa.do(RekeyChild(next(iter(sa.children.values()))))
    pair.left.tick()
    pair.run(30)
    pair.network.filter = lambda source, destination, data: data
    waiting = pair.right if exchange == ExchangeType.QUICK_MODE and loses == 0 else pair.left
    (asking,) = (host for host in pair.hosts if host is not waiting)
    assert any(s.tasks_active for s in waiting.ike_sas)
    asking.tick()
    next(iter(asking.engine._registry.ike_sas.values())).do(CheckLiveness())
    asking.tick()
    assert pair.run(1, lambda: not any(s.tasks_active for h in pair.hosts for s in h.ike_sas))
    for host in pair.hosts:
        assert any(line.startswith("CHILD_SA oregon{2} established") for line in host.lines())


@VERSIONS
def test_one_way_traffic_costs_a_check_now_and_then_and_no_tunnel(make) -> None:  # type: ignore[no-untyped-def]
    lab = Lab(make)
    before = [s.uid for s in lab.pair.left.ike_sas]
    lab.traffic(600, both=False)
    assert [s.uid for s in lab.pair.left.ike_sas] == before
    checks = [
        line for line in lab.pair.left.lines() + lab.pair.right.lines() if line == "sending DPD request"
    ]
    assert 30 <= len(checks) <= 300


@VERSIONS
def test_a_forged_invalid_spi_is_a_reason_to_ask_and_nothing_more(make) -> None:  # type: ignore[no-untyped-def]
    lab = Lab(make)
    left = lab.pair.left
    (sa,) = left.established()
    spi = sa.children[0].spi_out.to_bytes(4)
    message = Message(
        b"x" * 8, b"y" * 8, ExchangeType.INFORMATIONAL, 0, True, False,
        (NotifyPayload(NotifyType.INVALID_SPI, spi),),
    )  # fmt: skip
    before = len([e for e in left.effects if isinstance(e, Send)])
    for _ in range(1000):
        left.handle(Datagram(sa.local, sa.remote, message.encode()))
    assert len([e for e in left.effects if isinstance(e, Send)]) == before + 1
    lab.pair.run(60)
    assert [s.uid for s in left.ike_sas] == [sa.uid]
    assert lab.traffic(3) == 0


def test_what_an_attempt_has_inherited_may_be_asked_about_and_closed_before_it_begins() -> None:
    """IKEv1: the old IKE_SA is gone, the one that has its CHILD_SA waits for its next try."""
    lab = Lab(oregon, reauth_time=0)
    lab.traffic(5)
    left = lab.pair.left
    left.tick()
    (old,) = left.engine._registry.ike_sas.values()
    assert isinstance(old, IkeSaV1)
    new = old.anew()
    take_over(new, old)
    destroy(old)
    new.services.timers.set(new.uid, Deadline.RETRY, lab.pair.now + 60)
    left.tick()
    lab.pair.right.restart()
    lab.traffic(3)  # right has no such SPI, and says so
    assert any("telling" in line for line in lab.pair.right.lines()) and left.installed()
    assert new.remote == old.remote
    destroy(new)  # its updown script knows where the peer was
    left.tick()
    assert lab.traffic(20) is not None


@VERSIONS
def test_a_half_that_the_peer_lacks_is_made_anew(make) -> None:  # type: ignore[no-untyped-def]
    """Its data plane has lost the inbound SA that the IKE_SA still has."""
    lab = Lab(make)
    plane = cast(MemoryPlane, lab.pair.right.plane)
    for id in plane.sas:
        if id.direction is Direction.IN:
            plane.remove_sa(id)
    back = lab.traffic(20)
    assert back is not None and back <= 3
