"""MOBIKE (RFC 4555): addresses change on either end, NATs forget, paths break; the tunnel goes on."""

from __future__ import annotations

from ipaddress import ip_address

from cygnet.boundary.events import AddressesChanged, Rekey
from cygnet.model.config import Config, IkeVersion
from cygnet.testing.builders import FAR, OREGON, connection, psk
from cygnet.testing.network import Faults
from cygnet.testing.pair import Host, Pair
from cygnet.values.endpoint import Endpoint
from tests.exchange.ikev2.story import matching, plane, tunnel

ELSEWHERE = "192.0.2.99"


def straight(**changes: object) -> Pair:
    """Both ends with public addresses; the right takes the left from anywhere."""
    left = connection(version=IkeVersion.V2, local="%any", remote=FAR, ike="aes128-sha256-x25519", **changes)  # type: ignore[arg-type]
    right = connection(
        version=IkeVersion.V2, local="%any", remote="%any", local_ts="10.77.0.0/16",
        remote_ts="10.31.0.0/16", remote_id=OREGON, ike="aes128-sha256-x25519", **changes,
    )  # type: ignore[arg-type]  # fmt: skip
    pair = Pair(Config((left,), (psk(),)), Config((right,), (psk(),)), nat=False)
    pair.left.up("oregon")
    pair.run(5)
    matching(pair)
    return pair


def move(pair: Pair, host: Host, address: str) -> None:
    """The host has this address now and no other."""
    pair.network.detach(host.address)
    host.address = ip_address(address)
    pair.network.attach(host.address, host.receive)
    host.handle(AddressesChanged((host.address,)))


def outer(host: Host) -> set[str]:
    return {str(s.local.address) for s in plane(host).sas.values()} | {
        str(s.remote.address) for s in plane(host).sas.values()
    }


def said(host: Host, part: str) -> bool:
    return any(part in line for line in host.lines())


def test_the_initiator_moves_and_everything_moves_with_it() -> None:
    # --> INFORMATIONAL {N(UPD_SA_ADDR), N(NATD_S_IP), N(NATD_D_IP), N(COOKIE2)} from the new address
    # <-- INFORMATIONAL {N(NATD_S_IP), N(NATD_D_IP), N(COOKIE2)}
    # <-- INFORMATIONAL {N(COOKIE2)}   --> INFORMATIONAL {N(COOKIE2)}
    pair = straight()
    spis = {c.spi_in for c in pair.left.installed()}
    move(pair, pair.left, ELSEWHERE)
    pair.run(5)
    matching(pair)
    assert {c.spi_in for c in pair.left.installed()} == spis
    assert outer(pair.left) == outer(pair.right) == {ELSEWHERE, FAR}
    assert said(pair.left, "requesting address change using MOBIKE")
    assert said(pair.right, f"peer moved from {OREGON}[4500] to {ELSEWHERE}[4500]")


def test_the_responder_moves_and_the_initiator_takes_it_along() -> None:
    # <-- INFORMATIONAL {N(NO_ADD_ADDR)} from the new address   --> INFORMATIONAL {}
    # --> INFORMATIONAL {N(UPD_SA_ADDR), ...} to the new address
    pair = straight()
    move(pair, pair.right, ELSEWHERE)
    pair.run(30)
    matching(pair)
    assert outer(pair.left) == outer(pair.right) == {ELSEWHERE, OREGON}
    assert said(pair.right, "sending address list update using MOBIKE")


def test_a_move_during_a_rekeying_finishes_both() -> None:
    pair = straight()
    pair.network.faults = Faults(delay=0.1)
    pair.left.handle(Rekey(pair.left.ref(), "oregon{}"))
    move(pair, pair.left, ELSEWHERE)
    pair.run(30)
    matching(pair)
    assert outer(pair.right) == {ELSEWHERE, FAR}


def test_moves_in_quick_succession_end_at_the_last_address() -> None:
    pair = straight()
    pair.network.faults = Faults(delay=0.1)
    for address in ("192.0.2.97", "192.0.2.98", ELSEWHERE):
        move(pair, pair.left, address)
        pair.run(0.05)
    pair.run(60)
    matching(pair)
    assert outer(pair.left) == outer(pair.right) == {ELSEWHERE, FAR}


def test_the_deciding_end_stays_the_same_when_the_other_one_rekeys_the_ike_sa() -> None:
    pair = straight()
    pair.right.handle(Rekey(pair.right.ref(), "oregon[]"))
    pair.run(20)
    move(pair, pair.left, ELSEWHERE)
    pair.run(20)
    matching(pair)
    assert outer(pair.right) == {ELSEWHERE, FAR}


def test_a_nat_that_forgets_is_noticed_by_a_liveness_check() -> None:
    # --> INFORMATIONAL {N(NATD_S_IP), N(NATD_D_IP)}   <-- the hashes of what the peer sees
    # --> INFORMATIONAL {N(UPD_SA_ADDR), ...} from behind the new mapping
    pair = Pair(*tunnel(dpd_delay=10.0, remote_addrs=("%any", "203.0.113.77", "198.51.100.31")))
    pair.left.up("oregon")
    pair.run(25)  # the first check says how we are seen
    pair.network.move_nat(ip_address(OREGON), ip_address("198.51.100.99"))
    pair.run(60)
    matching(pair)
    assert said(pair.left, "NAT mappings changed")
    assert "198.51.100.99" in outer(pair.right)


def test_without_mobike_on_one_end_nothing_moves() -> None:
    pair = straight(mobike=False)
    move(pair, pair.left, ELSEWHERE)
    pair.run(1)
    assert not any("UPD_SA_ADDR" in line for line in pair.left.lines())


def test_an_unanswered_request_is_tried_on_the_peers_other_addresses() -> None:
    # the right tells that it has a second address; its first one then goes dead
    pair = straight(dpd_delay=5.0)
    pair.network.attach(ip_address(ELSEWHERE), pair.right.receive)
    pair.right.handle(AddressesChanged((ip_address(FAR), ip_address(ELSEWHERE))))
    pair.run(3)
    pair.network.detach(ip_address(FAR))
    pair.right.address = ip_address(ELSEWHERE)
    pair.run(200)
    matching(pair)
    assert outer(pair.left) == outer(pair.right) == {ELSEWHERE, OREGON}


def test_a_path_that_failed_is_taken_again_when_the_other_one_fails() -> None:
    # the right is heard at ELSEWHERE only, and after a while at its first address only
    pair = straight(dpd_delay=5.0)
    pair.network.attach(ip_address(ELSEWHERE), pair.right.receive)
    pair.right.handle(AddressesChanged((ip_address(FAR), ip_address(ELSEWHERE))))
    pair.run(3)
    pair.network.detach(ip_address(FAR))
    pair.run(60)
    assert outer(pair.left) == {ELSEWHERE, OREGON}
    pair.network.detach(ip_address(ELSEWHERE))
    pair.network.attach(ip_address(FAR), pair.right.receive)
    pair.run(60)
    matching(pair)
    assert outer(pair.left) == outer(pair.right) == {FAR, OREGON}


def test_a_response_from_an_address_that_nothing_was_sent_to_does_not_move_the_tunnel() -> None:
    # --> INFORMATIONAL {}   <-- INFORMATIONAL {}, which somebody on the way sends from his own address
    pair = straight(dpd_delay=5.0)
    deliver, diverted = pair.left.receive, []

    def divert(destination: Endpoint, source: Endpoint, data: bytes) -> None:
        diverted.append(source)
        deliver(destination, Endpoint.of(ELSEWHERE, source.port), data)

    pair.network.attach(pair.left.address, divert)
    pair.run(20)
    assert diverted
    matching(pair)
    assert outer(pair.left) == outer(pair.right) == {OREGON, FAR}
    assert not said(pair.left, "requesting address change")


def test_an_update_from_the_end_that_does_not_decide_is_refused() -> None:
    from cygnet.engine.ikev2.sa import IkeSaV2
    from cygnet.engine.ikev2.tasks.mobike import UpdateAddresses

    pair = straight()
    sa = next(iter(pair.right.engine._registry.ike_sas.values()))
    assert isinstance(sa, IkeSaV2)
    sa.exchanges.add(UpdateAddresses(sa))
    for effect in pair.right.engine._services.take_effects():
        pair.right._perform(effect)
    pair.run(20)
    assert said(pair.left, "UPDATE_SA_ADDRESSES from the end that does not decide")
