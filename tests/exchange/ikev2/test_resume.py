"""RFC 5723: a tunnel that was lost is taken up again with a ticket, without a key exchange.

left 10.31.1.185 --NAT 198.51.100.31--      --NAT 203.0.113.77-- 10.77.1.210 right
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from cygnet.boundary.events import Configure, Rekey
from cygnet.engine.ikev2 import ends
from cygnet.engine.ikev2.sessions import Sessions, Ticket
from cygnet.engine.ikev2.tickets import Held, Session, Tickets
from cygnet.model.config import CloseAction, Config, Settings
from cygnet.testing.builders import psk
from cygnet.testing.pair import Host, Pair
from cygnet.testing.recorder import Recorder
from cygnet.values.errors import PeerError
from cygnet.values.secret import Secret
from cygnet.wire.header import ExchangeType
from tests.exchange.ikev2.story import matching, tunnel

SECRETS = (Secret(b"what left keeps over its restart"), Secret(b"what right keeps over a restart."))
RESUMING: dict[str, Any] = {
    "session_resumption": True, "dpd_delay": 30.0, "child": {"dpd_action": CloseAction.START},
}  # fmt: skip


def configs(**changes: Any) -> tuple[Config, Config]:
    return tunnel(**{**RESUMING, **changes})


def up(left: Config | None = None, right: Config | None = None) -> Pair:
    ours, theirs = configs()
    pair = Pair(left or ours, right or theirs, lasting=SECRETS)
    pair.left.up("oregon")
    pair.run(5)
    matching(pair)
    return pair


def said(host: Host, part: str) -> bool:
    return any(part in line for line in host.lines())


def exchanges(pair: Pair, since: float) -> list[int]:
    """Exchange types of the requests that went out since then, in order."""
    return [d[18] for at, _, _, d in pair.network.log if at >= since and len(d) > 28 and not d[19] & 0x20]


def resumed(pair: Pair) -> bool:
    return said(pair.left, "resuming IKE_SA") and said(pair.right, "is resuming an IKE_SA")


def test_a_lost_ike_sa_is_resumed_in_two_exchanges_without_a_key_exchange() -> None:
    # --> IKE_AUTH {..., N(TICKET_REQUEST)}   <-- IKE_AUTH {..., N(TICKET_LT_OPAQUE)}
    # right is killed and started again; its crash token tells left
    # --> IKE_SESSION_RESUME Ni, N(TICKET_OPAQUE)     <-- Nr
    # --> IKE_AUTH {IDi, AUTH, SA, TSi, TSr}          <-- IKE_AUTH {IDr, AUTH, SA, TSi, TSr}
    pair = up()
    before = pair.left.established()[0]
    assert said(pair.left, "received a ticket to resume this IKE_SA with, good for 3600s")
    pair.right.restart()
    pair.run(31)
    matching(pair)
    assert resumed(pair)
    assert ExchangeType.IKE_SA_INIT not in exchanges(pair, since=6)
    after = pair.left.established()[0]
    assert after.proposal == before.proposal and after.remote_id == before.remote_id
    assert (after.spi_i, after.spi_r) != (before.spi_i, before.spi_r)
    assert after.local.port == 4500 and after.local_behind_nat and after.remote_behind_nat


def test_the_keys_of_the_new_child_are_new_and_agree() -> None:
    pair = up()
    old = {s.encr_key for s in pair.left.plane.sas.values()}  # type: ignore[attr-defined]
    pair.right.restart()
    pair.run(31)
    left, right = ({s.spi: s for s in h.plane.sas.values()} for h in pair.hosts)  # type: ignore[attr-defined]
    assert left.keys() == right.keys()
    assert all(left[spi].encr_key == right[spi].encr_key for spi in left)
    assert old.isdisjoint({s.encr_key for s in left.values()})


def test_a_resumed_ike_sa_gets_a_ticket_of_its_own_and_is_resumed_again() -> None:
    pair = up()
    for life in range(3):
        pair.right.restart()
        pair.run(31)
        matching(pair)
        assert sum("is resuming an IKE_SA" in line for line in pair.right.lines()) == life + 1


def test_a_rekeyed_ike_sa_is_resumed_with_the_ticket_of_the_first() -> None:
    pair = up()
    pair.right.handle(Rekey(pair.right.ref(), "[1]"))
    pair.run(12)
    pair.right.restart()
    pair.run(31)
    matching(pair)
    assert resumed(pair)


def test_under_load_the_cookie_is_asked_for_before_the_ticket_is_opened() -> None:
    left, right = configs()
    pair = up(left, replace(right, settings=Settings(cookie_threshold=1, block_threshold=0)))
    pair.right.restart()
    # somebody whose IKE_SA stays half open
    stranger = Host("stranger", left, ip_address("192.0.2.99"), pair.network, "stranger", Recorder())
    pair.run(20)
    stranger.now = pair.now
    stranger.up("oregon")
    stranger.vanish()
    pair.run(11)
    assert len(pair.left.installed()) == 1
    assert any("generating IKE_SESSION_RESUME request 0 [ N(COOKIE) No" in line for line in pair.left.lines())
    assert resumed(pair)


@pytest.mark.parametrize("who", ["left", "right", "neither"])
def test_resumption_takes_both_ends(who: str) -> None:
    with_it, without = configs(), configs(session_resumption=False)
    left = with_it[0] if who == "left" else without[0]
    right = with_it[1] if who == "right" else without[1]
    pair = Pair(left, right, lasting=SECRETS)
    pair.left.up("oregon")
    pair.run(5)
    assert said(pair.left, "N(TKT_NACK)") == (who == "left")
    pair.right.restart()
    pair.run(31)
    matching(pair)
    assert not said(pair.left, "resuming")


def test_a_deleted_ike_sa_is_never_resumed() -> None:
    pair = up()
    pair.left.down("oregon[]")
    pair.run(5)
    pair.left.up("oregon")
    pair.run(5)
    matching(pair)
    assert not said(pair.left, "resuming")


def test_reauthentication_never_resumes() -> None:
    pair = up()
    pair.left.handle(Rekey(pair.left.ref(), "[1]", reauth=True))
    pair.run(15)
    matching(pair)
    assert not said(pair.left, "resuming")


def test_a_reauthentication_that_was_due_stays_due() -> None:
    pair = up(*configs(reauth_time=600, rand_time=0))
    due = [(h.established()[0].reauth_at, h.established()[0].expires_at) for h in pair.hosts]
    pair.right.restart()
    pair.run(31)
    assert resumed(pair)
    for host, (reauth_at, expires_at) in zip(pair.hosts, due, strict=True):
        assert host.established()[0].reauth_at == pytest.approx(reauth_at, abs=1.5)
        assert host.established()[0].expires_at == pytest.approx(expires_at, abs=1.5)


# when it cannot be ------------------------------------------------------------------------


def anew(pair: Pair, why: str) -> None:
    """The ticket is refused for that reason, and the tunnel made from scratch."""
    pair.run(31)
    matching(pair)
    assert said(pair.right, f"not resuming an IKE_SA of 198.51.100.31: {why}"), pair.right.lines()[-30:]
    assert said(pair.left, "does not resume the IKE_SA (N(TKT_NACK)), beginning anew")


def test_another_secret_opens_no_ticket() -> None:
    pair = up()
    pair.right.lasting = Secret(b"another secret that was not there")
    pair.right.restart()
    crash_told(pair)
    anew(pair, "ticket is not authentic")


def crash_told(pair: Pair) -> None:
    """Left learns that right is lost although no crash token says so."""
    sa = next(iter(pair.left.engine._registry.ike_sas.values()))
    ends.lost(sa, "for the test")
    for effect in pair.left.engine._services.take_effects():
        pair.left._perform(effect)


def test_an_expired_ticket_is_refused() -> None:
    left, right = configs(dpd_delay=0.0)
    pair = up(left, replace(right, settings=Settings(ticket_lifetime=60)))
    stretch(pair, until=1e9)
    pair.run(100)
    pair.right.restart()
    crash_told(pair)
    anew(pair, "ticket has expired")


def held(pair: Pair) -> Held:
    sa: Any = next(iter(pair.left.engine._registry.ike_sas.values()))
    found = sa.part(Ticket).held
    assert isinstance(found, Held)
    return found


def stretch(pair: Pair, **changes: Any) -> None:
    """Left's ticket with something changed, as a client that does not mind might have it."""
    sa: Any = next(iter(pair.left.engine._registry.ike_sas.values()))
    sa.part(Ticket).held = replace(held(pair), **changes)


def test_the_client_does_not_even_try_an_expired_ticket() -> None:
    left, right = configs(dpd_delay=0.0)
    pair = up(left, replace(right, settings=Settings(ticket_lifetime=60)))
    pair.run(100)
    pair.right.restart()
    crash_told(pair)
    pair.run(10)
    matching(pair)
    assert not said(pair.left, "resuming")


@pytest.mark.parametrize("position", [0, 1, 10, 17, 40, -1])
def test_an_altered_ticket_is_refused(position: int) -> None:
    pair = up()
    ticket = bytearray(held(pair).ticket)
    ticket[position] ^= 1
    stretch(pair, ticket=bytes(ticket))
    pair.right.restart()
    anew(pair, "ticket of " if position == 0 else "ticket is not authentic")


@pytest.mark.parametrize("ticket", [b"\x01", b"\x01" * 32, b"", b"\x01" + bytes(5000)])
def test_what_is_no_ticket_is_refused(ticket: bytes) -> None:
    pair = up()
    stretch(pair, ticket=ticket)
    pair.right.restart()
    anew(pair, "ticket of ")


def test_a_ticket_is_good_once() -> None:
    pair = up()
    first = held(pair)
    pair.right.restart()
    pair.run(31)
    assert resumed(pair)
    stretch(pair, ticket=first.ticket, session=first.session)
    crash_told(pair)
    anew(pair, "ticket has been used already")


def test_a_replayed_request_resumes_nothing_and_disturbs_nothing() -> None:
    pair = up()
    pair.right.restart()
    pair.run(31)
    assert resumed(pair)
    request = next(
        e for e in pair.network.log if len(e[3]) > 28 and e[3][18] == ExchangeType.IKE_SESSION_RESUME
    )
    for _ in range(20):
        pair.network.send(pair.now, *request[1:])
    pair.run(40)
    matching(pair)
    assert pair.right.snapshot.half_open == 0


def test_a_stolen_ticket_is_worth_nothing_without_the_keys() -> None:
    pair = up()
    session = held(pair).session
    stretch(pair, session=replace(session, d=Secret(bytes(len(session.d)))))
    pair.right.restart()
    pair.run(31)
    assert resumed(pair) and not pair.right.established() and not pair.left.established()
    assert said(pair.right, "integrity check failed")  # of IKE_AUTH: nothing was proven, nothing is told
    pair.run(30)
    assert not pair.right.ike_sas and pair.right.snapshot.half_open == 0


def test_a_changed_psk_ends_its_tickets() -> None:
    left, right = configs()
    pair = up(left, right)
    new = (psk("another secret"),)
    pair.left.config, pair.right.config = replace(left, secrets=new), replace(right, secrets=new)
    pair.left.handle(Configure(pair.left.config))
    pair.right.restart()
    anew(pair, "the shared key of '10.31.1.185' is another one now")


def test_a_connection_that_is_configured_otherwise_does_not_admit_it() -> None:
    pair = up()
    pair.right.config = configs(ike="aes256-sha512-x25519")[1]
    pair.right.restart()
    pair.run(31)
    assert said(pair.right, "'oregon' does not admit it any more")


def test_the_client_does_not_resume_with_algorithms_that_it_no_longer_takes() -> None:
    pair = up()
    sessions = pair.left.engine._services.part(Sessions)
    sessions.keep("oregon", held(pair))
    pair.left.down("oregon[]")
    pair.run(5)
    pair.left.handle(Configure(configs(ike="aes256-sha512-x25519")[0]))
    pair.left.up("oregon")
    pair.run(5)
    assert not said(pair.left, "resuming")


# the ticket itself --------------------------------------------------------------------------


def test_a_session_is_the_same_after_its_way_through_a_ticket() -> None:
    pair = up()
    tickets = pair.right.engine._services.part(Tickets)
    session = tickets.open(held(pair).ticket)
    assert tickets.open(tickets.seal(session)) == session
    assert Session.decode(session.encode()) == session
    assert (str(session.initiator), str(session.responder)) == ("10.31.1.185", "10.77.1.210")


def test_every_truncation_of_a_ticket_is_refused() -> None:
    pair = up()
    tickets, ticket = pair.right.engine._services.part(Tickets), held(pair).ticket
    session = tickets.open(ticket).encode()
    for length in range(len(ticket)):
        with pytest.raises(PeerError):
            tickets.open(ticket[:length])
    for length in range(len(session)):
        with pytest.raises(PeerError):
            Session.decode(session[:length])


def test_tickets_tell_nothing_to_who_looks_at_them() -> None:
    pair = up()
    ticket, session = held(pair).ticket, held(pair).session
    for part in (session.d.reveal(), b"oregon", session.initiator.data, session.responder.data):
        assert part not in ticket
    lines = "\n".join(pair.left.lines(level=4) + pair.right.lines(level=4))
    assert session.d.reveal().hex() not in lines + repr(held(pair)) and ticket.hex() not in lines
