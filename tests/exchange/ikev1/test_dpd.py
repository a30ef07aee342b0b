"""RFC 3706 between two engines: who is asked when, and what follows when nobody answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cygnet.boundary.effects import Outcome
from cygnet.boundary.events import Datagram
from cygnet.model.config import CloseAction, Config, Settings
from cygnet.testing.builders import FAR, FAR_PUBLIC, OREGON, OREGON_PUBLIC, connection, oregon, psk
from cygnet.testing.pair import Host, Pair
from cygnet.values.endpoint import NATT_PORT, Endpoint
from cygnet.wire.header import ExchangeType, Header
from cygnet.wire.ikev1.vendors import DPD
from tests.exchange.ikev1.stories import (
    assert_clean,
    assert_matching,
    deaf,
    finish,
    healed,
    ike_spis,
    recorder,
    up,
)

CHECKED = {"dpd_delay": 10.0, "dpd_timeout": 30.0}


def requests_sent(host: Host) -> int:
    return host.lines().count("sending DPD request")


def test_a_silent_peer_is_asked_and_its_answer_is_enough() -> None:
    # --> HASH N(DPD)    <-- HASH N(DPD_ACK)
    pair = up(**CHECKED)
    pair.run(100)
    assert requests_sent(pair.left) + requests_sent(pair.right) >= 9
    assert any(line.endswith("[ HASH N(DPD) ]") for line in pair.left.lines())
    assert any(line.endswith("[ HASH N(DPD_ACK) ]") for line in pair.left.lines())
    assert_matching(pair)
    assert pair.left.installed()


def test_a_peer_that_sends_esp_is_not_asked() -> None:
    pair = up(**CHECKED)
    for host in pair.hosts:
        for id in recorder(host).sas:
            recorder(host).idle[id] = 1.0
    pair.run(100)
    assert requests_sent(pair.left) == requests_sent(pair.right) == 0


def test_without_dpddelay_nobody_is_asked() -> None:
    pair = up()
    pair.run(1000)
    assert requests_sent(pair.left) == requests_sent(pair.right) == 0


def test_a_dead_peer_is_noticed_after_dpdtimeout_and_dpdaction_none_clears() -> None:
    pair = up(**CHECKED)
    deaf(pair, pair.right)
    pair.run(37)
    assert pair.left.established()
    pair.run(80)
    assert "DPD check timed out, enforcing DPD action" in pair.left.lines()
    assert_clean(pair.left)
    assert_clean(pair.right)


def test_without_a_dpdtimeout_it_is_as_long_as_the_retransmissions() -> None:
    pair = up(dpd_delay=10.0)
    deaf(pair, *pair.hosts)
    pair.run(160)
    assert pair.left.established()
    pair.run(30)
    assert_clean(pair.left)


def test_dpdaction_clear_does_no_more_than_that() -> None:
    pair = up(child={"dpd_action": CloseAction.NONE}, **CHECKED)
    deaf(pair, *pair.hosts)
    pair.run(60)
    healed(pair)
    pair.run(60)
    assert_clean(pair.left)
    assert_clean(pair.right)


def test_dpdaction_hold_leaves_a_trap() -> None:
    pair = up(child={"dpd_action": CloseAction.TRAP}, **CHECKED)
    deaf(pair, *pair.hosts)
    pair.run(60)
    assert pair.left.ike_sas == ()
    (routed,) = pair.left.snapshot.routed
    assert routed.name == "oregon"
    assert len(recorder(pair.left).policies) == 1


def test_dpdaction_restart_brings_the_tunnel_back() -> None:
    pair = up(child={"dpd_action": CloseAction.START}, keyingtries=0, **CHECKED)
    old = ike_spis(pair.left)
    deaf(pair, *pair.hosts)
    pair.run(100)
    assert not pair.left.established()
    healed(pair)
    pair.run(200)
    assert pair.left.installed()
    assert old.isdisjoint(ike_spis(pair.left))
    assert_matching(pair)


def test_a_restart_of_one_end_is_noticed_by_the_other() -> None:
    pair = up(child={"dpd_action": CloseAction.START}, **CHECKED)
    pair.right.restart()
    pair.run(120)
    assert pair.left.installed()
    assert_matching(pair)


def test_a_restarted_end_that_connects_again_replaces_its_old_sa_at_once() -> None:
    # --> ... ID HASH N(INITIAL_CONTACT)
    pair = up()
    pair.left.restart()
    ref = pair.left.up("oregon")
    pair.run(5)
    assert finish(pair.left, ref).outcome is Outcome.OK
    assert any("received INITIAL_CONTACT" in line for line in pair.right.lines())
    assert len(pair.right.established()) == 1
    assert_matching(pair)


def test_a_peer_without_dpd_is_never_asked_and_that_is_said_once() -> None:
    left, right = oregon(**CHECKED)
    pair = Pair(left, right)

    def without_dpd(source: object, destination: object, data: bytes) -> bytes:
        return data.replace(DPD.id, bytes(16))  # vendor IDs are not authenticated

    pair.network.filter = without_dpd
    pair.left.up("oregon")
    pair.run(200)
    assert pair.left.lines().count("DPD not supported by peer, disabled") == 1
    assert requests_sent(pair.left) == 0
    assert pair.left.installed()


def test_a_repeated_dpd_request_gets_no_second_life() -> None:
    pair = up(**CHECKED)
    pair.run(15)
    (request, *_) = [
        (s, d, x) for _, s, d, x in pair.network.log
        if len(x) > 28 and Header.decode(x).exchange == ExchangeType.INFORMATIONAL_V1
    ]  # fmt: skip
    host = next(h for h in pair.hosts if h.address == request[1].address)
    before = len(pair.network.log)
    for _ in range(10):
        host.receive(request[1], request[0], request[2])
    assert len(pair.network.log) == before


@pytest.mark.parametrize("tries", [1, 5])
def test_the_retransmission_settings_count(tries: int) -> None:
    left, right = oregon(dpd_delay=10.0)
    settings = Settings(retransmit_tries=tries, retransmit_timeout=1.0, retransmit_base=1.0)
    pair = Pair(replace(left, settings=settings), replace(right, settings=settings))
    pair.left.up("oregon")
    pair.run(5)
    deaf(pair, *pair.hosts)
    pair.run(10 + tries + 2)
    assert not pair.left.established()


@pytest.mark.parametrize("sender", ["left", "right"])
def test_a_recorded_message_moves_nobody_however_late_it_is_sent_again(sender: str) -> None:
    # An eavesdropper sends an old DPD request, or our own back to us, from its own address: it must
    # not become the peer's new NAT mapping, nor a sign of life.
    pair = up(**CHECKED)
    pair.run(60)
    address = Endpoint.of({"left": OREGON_PUBLIC, "right": FAR_PUBLIC}[sender]).address
    recorded = next(
        data
        for _, source, _, data in pair.network.log
        if source.address == address and Header.decode(data).exchange == ExchangeType.INFORMATIONAL_V1
    )
    pair.run(3600)
    before = pair.right.ike_sas[0]
    pair.right.handle(Datagram(before.local, Endpoint.of("192.0.2.66", 4500), recorded))
    assert pair.right.ike_sas[0].remote == before.remote


def diverted(pair: Pair, host: Host, address: str) -> None:
    """All that this host gets from now on seems to come from that address."""

    def deliver(destination: Endpoint, source: Endpoint, data: bytes) -> None:
        host.receive(destination, Endpoint.of(address, source.port), data)

    pair.network.attach(host.address, deliver)


def test_a_peer_that_is_not_behind_a_nat_is_not_followed_to_another_address() -> None:
    # --> HASH N(DPD)    <-- HASH N(DPD_ACK), which somebody on the way sends from his own address
    left = connection(remote=FAR, **CHECKED)
    right = connection(local=FAR, remote=OREGON_PUBLIC, local_ts="10.77.0.0/16", remote_ts="10.31.0.0/16",
                       remote_id=OREGON)  # fmt: skip
    pair = Pair(Config((left,), (psk(),)), Config((right,), (psk(),)))
    pair.network.translate_only(Endpoint.of(OREGON).address)
    pair.left.up("oregon")
    pair.run(5)
    (sa,) = pair.left.established()
    assert sa.local_behind_nat and not sa.remote_behind_nat
    diverted(pair, pair.left, "192.0.2.66")
    pair.run(60)
    assert any("N(DPD_ACK)" in line for line in pair.left.lines())
    assert pair.left.established()[0].remote == sa.remote
    assert_matching(pair)


def test_a_peer_behind_a_nat_is_followed_to_its_new_mapping() -> None:
    # --> HASH N(DPD)    <-- HASH N(DPD_ACK) from another address of the NAT
    pair = up(**CHECKED)
    assert pair.left.established()[0].remote_behind_nat
    diverted(pair, pair.left, "203.0.113.99")
    pair.run(15)
    assert pair.left.established()[0].remote == Endpoint.of("203.0.113.99", NATT_PORT)
