"""RFC 5685: gateways that send their clients elsewhere, and clients that go (or do not).

client 10.31.1.185 ---- 10.77.1.210 gateway one (``right``)
                   \\--- 192.0.2.80  gateway two (``other``)
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from cygnet.boundary.effects import Outcome
from cygnet.boundary.events import Redirect, Rekey
from cygnet.engine.ikev2.redirect import RedirectPeer
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.model.config import Config, IkeVersion, Settings
from cygnet.testing.builders import FAR, OREGON, connection, psk
from cygnet.testing.pair import Host, Pair
from cygnet.wire.header import NO_SPI, ExchangeType, Header
from cygnet.wire.ikev2.gateway import Gateway
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from tests.exchange.ikev2.story import plane

OTHER = "192.0.2.80"
FAST = "aes128-sha256-x25519"


def client(**settings: Any) -> Config:
    one = connection(version=IkeVersion.V2, remote=FAR, remote_id="%any", ike=FAST)
    return Config((one,), (psk(),), settings=Settings(**settings))


def gateway(address: str, changes: dict[str, Any] | None = None, **settings: Any) -> Config:
    one = connection(
        version=IkeVersion.V2, local=address, remote=OREGON, local_ts="10.77.0.0/16",
        remote_ts="10.31.0.0/16", remote_id=OREGON, ike=FAST, **(changes or {}),
    )  # fmt: skip
    return Config((one,), (psk(),), settings=Settings(**settings))


def three(left: Config, right: Config, other: Config) -> tuple[Pair, Host]:
    pair = Pair(left, right, nat=False)
    host = Host("other", other, ip_address(OTHER), pair.network, "other")
    pair.hosts.append(host)
    return pair, host


def tunnel_stands(one: Host, two: Host) -> None:
    assert [(s.spi_i, s.spi_r) for s in one.established()] == [(s.spi_i, s.spi_r) for s in two.established()]
    assert len(one.installed()) == len(two.installed()) == 1
    assert len(plane(one).sas) == len(plane(two).sas) == 2


def said(host: Host, part: str) -> bool:
    return any(part in line for line in host.lines())


# while the IKE_SA is made -----------------------------------------------------------------


def test_a_new_client_is_sent_to_the_other_gateway_before_anything_is_kept() -> None:
    # --> one  IKE_SA_INIT {SA, KE, Ni, N(REDIRECT_SUPPORTED)}
    # <-- one  IKE_SA_INIT {N(REDIRECT: other, Ni)}
    # --> two  IKE_SA_INIT {SA, KE, Ni, N(REDIRECTED_FROM: one)}  and so on
    pair, other = three(client(), gateway(FAR, redirect="yes", redirect_to=(OTHER,)), gateway(OTHER))
    ref = pair.left.up("oregon")
    pair.run(5)
    assert pair.left.finished[ref].outcome is Outcome.OK
    tunnel_stands(pair.left, other)
    assert not pair.right.ike_sas
    assert said(pair.left, f"redirected to {OTHER}")
    assert said(other, "N(REDIR_FROM)") and not said(other, "N(REDIR_SUP)")
    # the request's log goes on with the IKE_SA that took its place
    assert any("established between" in line for line in pair.left.lines(ref=ref))


def test_a_gateway_named_by_its_host_name_is_looked_up() -> None:
    pair, other = three(
        client(), gateway(FAR, redirect="yes", redirect_to=("gw2.example.org",)), gateway(OTHER)
    )
    pair.left.names["gw2.example.org"] = (ip_address(OTHER),)
    pair.left.up("oregon")
    pair.run(5)
    tunnel_stands(pair.left, other)


def test_new_clients_are_sent_to_the_gateways_in_turn() -> None:
    right = gateway(FAR, redirect="yes", redirect_to=(OTHER, "192.0.2.81"))
    pair, _ = three(client(), right, gateway(OTHER))
    for _ in range(3):
        pair.left.up("oregon")
        pair.run(0.1)
        pair.left.down("oregon[]")
        pair.run(300)
    lines = [line for line in pair.right.lines() if line.startswith("redirecting")]
    assert [line.split(" to ")[1].split(",")[0] for line in lines] == [OTHER, "192.0.2.81", OTHER]


def test_under_load_only_redirect_auto_begins_to_send_clients_away() -> None:
    right = gateway(FAR, redirect="auto", redirect_to=(OTHER,), cookie_threshold=1, block_threshold=0)
    pair, other = three(client(), right, gateway(OTHER))
    pair.left.up("oregon")
    pair.run(5)
    tunnel_stands(pair.left, pair.right)  # nothing half open: served here
    pair.left.down("oregon[]")
    pair.run(5)
    stranger = Host("stranger", client(), ip_address("192.0.2.99"), pair.network, "stranger")
    stranger.up("oregon")
    stranger.vanish()
    pair.run(1)
    pair.left.up("oregon")
    pair.run(5)
    tunnel_stands(pair.left, other)


def test_a_proven_client_is_redirected_with_the_authenticated_answer() -> None:
    # --> IKE_AUTH {IDi, AUTH, SA, TSi, TSr}   <-- IKE_AUTH {IDr, AUTH, N(REDIRECT)}
    # --> INFORMATIONAL {D}                    --> two IKE_SA_INIT {..., N(REDIRECTED_FROM)}
    pair, other = three(client(), gateway(FAR, {"redirect_to": OTHER}), gateway(OTHER))
    ref = pair.left.up("oregon")
    pair.run(5)
    assert pair.left.finished[ref].outcome is Outcome.OK
    tunnel_stands(pair.left, other)
    assert not pair.right.ike_sas and not plane(pair.right).sas and pair.right.snapshot.half_open == 0


def test_a_redirected_ike_sa_that_the_client_never_closes_is_forgotten() -> None:
    pair, _ = three(client(), gateway(FAR, {"redirect_to": OTHER}), gateway(OTHER))
    pair.left.up("oregon")
    pair.network.filter = lambda s, d, data: None if data[18] == ExchangeType.INFORMATIONAL else data
    pair.run(5)
    assert len(pair.right.ike_sas) == 1
    pair.run(30)
    assert not pair.right.ike_sas and pair.right.snapshot.half_open == 0


def test_who_does_not_follow_redirects_is_served() -> None:
    right = gateway(FAR, {"redirect_to": OTHER}, redirect="yes", redirect_to=(OTHER,))
    pair, _ = three(client(follow_redirects=False), right, gateway(OTHER))
    pair.left.up("oregon")
    pair.run(5)
    tunnel_stands(pair.left, pair.right)


def test_a_gateway_does_not_send_a_client_back_where_it_comes_from() -> None:
    right = gateway(FAR, redirect="yes", redirect_to=(OTHER,))
    pair, other = three(client(), right, gateway(OTHER, redirect="yes", redirect_to=(FAR,)))
    pair.left.up("oregon")
    pair.run(5)
    tunnel_stands(pair.left, other)


def test_gateways_that_pass_a_client_round_are_a_loop_that_ends() -> None:
    right = gateway(FAR, redirect="yes", redirect_to=(OTHER, "gw2.example.org"))
    names = ("gw1.example.org", "gw2.example.org")
    pair, _ = three(client(), right, gateway(OTHER, redirect="yes", redirect_to=names))
    pair.left.names.update({names[0]: (ip_address(FAR),), names[1]: (ip_address(OTHER),)})
    ref = pair.left.up("oregon")
    pair.run(5)
    assert pair.left.finished[ref].outcome is Outcome.FAILED
    assert "this looks like a loop" in pair.left.finished[ref].reason
    assert not any(h.ike_sas for h in pair.hosts)
    # after the period it may be tried again
    pair.run(300)
    pair.left.up("oregon")
    pair.run(0.1)
    assert sum("redirected to" in line for line in pair.left.lines()) >= 7


def test_a_gateway_that_cannot_be_found_ends_the_try_with_the_cause() -> None:
    pair, _ = three(
        client(), gateway(FAR, redirect="yes", redirect_to=("nowhere.example.org",)), gateway(OTHER)
    )
    ref = pair.left.up("oregon")
    pair.run(60)
    assert pair.left.finished[ref].outcome is Outcome.FAILED
    assert "nowhere.example.org" in pair.left.finished[ref].reason


def test_a_word_that_is_no_gateway_redirects_nobody() -> None:
    right = gateway(FAR, {"redirect_to": "not a name"}, redirect="yes", redirect_to=("not a name", ""))
    pair, _ = three(client(), right, gateway(OTHER))
    pair.left.up("oregon")
    pair.run(5)
    tunnel_stands(pair.left, pair.right)
    assert said(pair.right, "'not a name' is neither an IP address nor a host name")


# what an attacker sends -------------------------------------------------------------------


def forged(pair: Pair, data: bytes) -> None:
    """A response of IKE_SA_INIT with ``data`` in its REDIRECT, faster than the gateway's own."""
    source, destination, request = pair.network.log[0][1:4]
    spi_i = Header.decode(request).spi_i
    notify = NotifyPayload(NotifyType.REDIRECT, data)
    message = Message(spi_i, NO_SPI, ExchangeType.IKE_SA_INIT, 0, False, True, (notify,))
    pair.left.receive(source, destination, message.encode())


@pytest.mark.parametrize(
    "data",
    [
        Gateway.parse(OTHER).encode(),
        Gateway.parse(OTHER).encode(b"another nonce, not the client's!"),
        Gateway.parse("evil.example.org").encode(bytes(32)),
        b"", b"\x01", b"\x01\x04\xc0", b"\x09\x04abcd", b"\x03\x05a b c", b"\x03\x00", b"\x03\x071.2.3.4",
    ],
)  # fmt: skip
def test_a_forged_redirect_is_passed_over_and_the_true_answer_taken(data: bytes) -> None:
    pair, other = three(client(), gateway(FAR), gateway(OTHER))
    pair.left.up("oregon")
    forged(pair, data)
    pair.run(5)
    tunnel_stands(pair.left, pair.right)
    assert not other.ike_sas


def test_an_unasked_redirect_is_passed_over() -> None:
    pair, _ = three(client(follow_redirects=False), gateway(FAR), gateway(OTHER))
    pair.left.up("oregon")
    forged(pair, Gateway.parse(OTHER).encode())
    pair.run(5)
    tunnel_stands(pair.left, pair.right)


# while it is up ---------------------------------------------------------------------------


def move(host: Host, **criteria: str) -> int:
    ref = host.ref()
    host.handle(Redirect(ref, OTHER, **criteria))
    return ref


@pytest.mark.parametrize(
    "criteria",
    [{}, {"target": "oregon"}, {"target": "[1]"}, {"peer": "10.31.0.0/16"}, {"peer_id": OREGON},
     {"target": "[*]", "peer": OREGON, "peer_id": "%any"}],
)  # fmt: skip
def test_an_operator_moves_clients_that_are_up(criteria: dict[str, str]) -> None:
    # one --> INFORMATIONAL {N(REDIRECT: two)}   <-- INFORMATIONAL {}
    # client --> two: a whole new IKE_SA with the same CHILD_SA; then --> one INFORMATIONAL {D}
    pair, other = three(client(), gateway(FAR), gateway(OTHER))
    pair.left.up("oregon")
    pair.run(5)
    ref = move(pair.right, **criteria)
    assert pair.right.finished[ref].outcome is Outcome.OK
    assert pair.right.finished[ref].text == f"redirecting 1 IKE_SA to {OTHER}"
    pair.run(10)
    tunnel_stands(pair.left, other)
    assert not pair.right.ike_sas and not plane(pair.right).sas


def test_the_old_tunnel_carries_traffic_until_the_new_one_stands() -> None:
    pair, other = three(client(), gateway(FAR), gateway(OTHER))
    pair.left.up("oregon")
    pair.run(5)
    other.vanish()
    move(pair.right)
    pair.run(60)
    assert len(plane(pair.left).sas) == 2 and pair.right.established()
    pair.network.attach(other.address, other.receive)
    pair.run(600)
    assert len(pair.left.installed()) == 1


@pytest.mark.parametrize(
    "criteria", [{"target": "[9]"}, {"peer": "203.0.113.0/24"}, {"peer_id": "192.0.2.1"}]
)
def test_a_redirect_that_fits_nobody_says_so(criteria: dict[str, str]) -> None:
    pair, _ = three(client(), gateway(FAR), gateway(OTHER))
    pair.left.up("oregon")
    pair.run(5)
    ref = move(pair.right, **criteria)
    assert pair.right.finished[ref].outcome is Outcome.NOT_FOUND


def test_only_a_client_that_can_is_moved_and_never_by_its_own_request() -> None:
    pair, _ = three(client(follow_redirects=False), gateway(FAR), gateway(OTHER))
    pair.left.up("oregon")
    pair.run(5)
    for host in (pair.left, pair.right):
        ref = move(host)
        assert host.finished[ref].outcome is Outcome.FAILED
        assert "has not said that it follows redirects" in host.finished[ref].reason
    tunnel_stands(pair.left, pair.right)


def test_a_gateway_is_not_moved_by_its_client() -> None:
    pair, other = three(client(), gateway(FAR), gateway(OTHER))
    pair.left.up("oregon")
    pair.run(5)
    sa = next(iter(pair.left.engine._registry.ike_sas.values()))  # a client that breaks the rule
    assert isinstance(sa, IkeSaV2)
    sa.exchanges.add(RedirectPeer(sa, Gateway.parse(OTHER)))
    for effect in pair.left.engine._services.take_effects():
        pair.left._perform(effect)
    pair.run(5)
    assert said(pair.right, "only a client that offered it is moved")
    tunnel_stands(pair.left, pair.right)
    assert not other.ike_sas


@pytest.mark.parametrize("who", ["left", "right"])
def test_a_client_is_moved_whoever_has_rekeyed_the_ike_sa(who: str) -> None:
    pair, other = three(client(), gateway(FAR), gateway(OTHER))
    pair.left.up("oregon")
    pair.run(5)
    rekeying: Host = getattr(pair, who)
    rekeying.handle(Rekey(rekeying.ref(), "[1]"))
    pair.run(5)
    move(pair.right)
    pair.run(10)
    tunnel_stands(pair.left, other)


def test_a_moved_client_reauthenticates_with_the_gateway_it_was_moved_to() -> None:
    pair, other = three(client(), gateway(FAR), gateway(OTHER))
    pair.left.up("oregon")
    pair.run(5)
    move(pair.right)
    pair.run(10)
    uid = pair.left.established()[0].uid
    pair.left.handle(Rekey(pair.left.ref(), f"[{uid}]", reauth=True))
    pair.run(20)
    tunnel_stands(pair.left, other)
    assert pair.left.established()[0].uid != uid and not pair.right.ike_sas
