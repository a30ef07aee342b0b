"""Quick Mode between two engines: algorithms, PFS, selectors, lifetimes, and lost messages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cygnet.boundary.effects import Effect, InstallSa, Outcome, Send
from cygnet.boundary.events import Acquire, Datagram, Rekey
from cygnet.boundary.notices import Alert
from cygnet.boundary.specs import Direction, SaMode
from cygnet.engine.ikev1.task import Outgoing
from cygnet.engine.ikev1.tasks import quick_mode
from cygnet.model.config import Child, Config, Connection, Lifetime, Mode, StartAction
from cygnet.testing.builders import oregon
from cygnet.testing.pair import Host, Pair
from cygnet.values.errors import PeerError
from cygnet.values.iana import Protocol
from cygnet.values.selector import TrafficSelector
from cygnet.wire.header import ExchangeType, Header
from cygnet.wire.ikev1.hash import Hash
from cygnet.wire.ikev1.message import assemble, encode_chain
from cygnet.wire.ikev1.notification import Notification
from cygnet.wire.ikev1.numbers import Notify, PayloadType
from tests.exchange.ikev1.stories import (
    Dropping,
    assert_clean,
    assert_matching,
    deaf,
    finish,
    healed,
    recorder,
    up,
)


def changed(config: Config, **changes: object) -> Config:
    """The config with its only child changed."""
    (connection,) = config.connections
    child = replace(connection.children[0], **changes)  # type: ignore[arg-type]
    return replace(config, connections=(replace(connection, children=(child,)),))


def keys_of(host: Host) -> dict[int, tuple[object, object]]:
    return {s.spi: (s.encr_key, s.integ_key) for s in recorder(host).sas.values()}


@pytest.mark.parametrize(
    "esp",
    [
        "aes128-sha256", "aes256-sha512", "aes128gcm16", "aes256gcm8", "aes128ctr-sha1", "3des-md5",
        "null-sha256", "aes128-sha256-modp2048", "aes128gcm16-curve25519", "aes256gcm16-ecp521",
        "camellia128-sha384", "aes128ccm12", "aes128-aesxcbc", "aes128gmac", "aes128-sha256-esn",
    ],
)  # fmt: skip
def test_every_family_of_algorithms_gives_both_ends_the_same_keys(esp: str) -> None:
    pair = up(esp=esp)
    assert_matching(pair)
    assert keys_of(pair.left) == keys_of(pair.right)
    assert len(keys_of(pair.left)) == 2


def test_the_message_has_a_ke_payload_only_with_pfs() -> None:
    for esp, listed in (
        ("aes128gcm16", "[ HASH SA No ID ID ]"),
        ("aes128gcm16-modp1536", "[ HASH SA No KE ID ID ]"),
    ):
        pair = up(esp=esp)
        assert any("QUICK_MODE request" in x and x.endswith(listed) for x in pair.left.lines())


def test_the_responder_takes_a_pfs_group_that_it_did_not_ask_for() -> None:
    left, right = oregon(esp="aes128gcm16-modp2048")[0], oregon(esp="aes128gcm16-modp2048-modp3072")[1]
    pair = Pair(
        left, changed(right, proposals=oregon(esp="aes128gcm16")[1].connections[0].children[0].proposals)
    )
    pair.left.up("oregon")
    pair.run(3)
    assert_matching(pair)


def test_pfs_that_the_peer_does_not_do_is_refused_by_the_side_that_wants_it() -> None:
    pair = Pair(oregon(esp="aes128gcm16")[0], oregon(esp="aes128gcm16-modp2048")[1])
    ref = pair.left.up("oregon")
    assert pair.run(5, lambda: ref in pair.left.finished)
    assert finish(pair.left, ref).outcome is Outcome.FAILED


def quick_mode_order(effects: list[Effect]) -> list[str]:
    """Its messages as they leave, and the SAs as they are installed."""
    return [
        e.spec.direction.value if isinstance(e, InstallSa) else "QUICK_MODE"
        for e in effects
        if isinstance(e, InstallSa)
        or (
            isinstance(e, Send)
            and not e.keepalive
            and Header.decode(e.data).exchange == ExchangeType.QUICK_MODE
        )
    ]


def test_the_inbound_sa_is_installed_before_the_answer_leaves_and_the_outbound_after_the_third() -> None:
    assert quick_mode_order(up().right.effects) == ["in", "QUICK_MODE", "out"]


def test_the_third_message_leaves_before_packets_can_use_the_outbound_sa() -> None:
    assert quick_mode_order(up().left.effects) == ["QUICK_MODE", "in", "QUICK_MODE", "out"]


def test_the_peer_is_given_a_moment_for_the_third_message_while_what_wants_through_waits() -> None:
    pair = Pair(*oregon())
    pair.left.up("oregon")
    left = recorder(pair.left)
    assert pair.run(5, until=lambda: bool(left.policies))
    begun = pair.now
    assert [spec.direction for spec in left.sas.values()] == [Direction.IN]
    assert pair.run(5, until=lambda: len(left.sas) == 2)
    assert pair.now - begun == pytest.approx(quick_mode.SETTLING)


def test_a_wrong_subnet_is_refused_with_the_selectors_of_both_and_the_ike_sa_stays() -> None:
    left, right = oregon()
    right = changed(right, local_ts=(TrafficSelector.of("10.99.0.0/16"),))
    pair = Pair(left, right)
    ref = pair.left.up("oregon")
    assert pair.run(5, lambda: ref in pair.left.finished)
    assert "received INVALID_ID_INFORMATION error notify" in pair.left.lines()
    assert finish(pair.left, ref).outcome is Outcome.FAILED
    assert "its subnets do not fit 10.31.0.0/16 === 10.77.0.0/16" in finish(pair.left, ref).reason
    line = "no matching CHILD_SA config found for 10.77.0.0/16 === 10.31.0.0/16"
    assert line in pair.right.lines()
    assert any(isinstance(e, Alert) and e.kind == "ts-mismatch" for e in pair.right.effects)
    assert len(pair.left.established()) == len(pair.right.established()) == 1
    assert_matching(pair)


def test_no_common_esp_proposal_is_refused_with_what_both_sides_want() -> None:
    pair = Pair(oregon(esp="3des-md5")[0], oregon(esp="aes256gcm16")[1])
    ref = pair.left.up("oregon")
    assert pair.run(5, lambda: ref in pair.left.finished)
    assert "3DES_CBC/HMAC_MD5_96" in finish(pair.left, ref).reason
    (alert,) = [e for e in pair.right.effects if isinstance(e, Alert)]
    assert alert.kind == "proposal-mismatch-child"
    assert "3DES_CBC/HMAC_MD5_96" in alert.text
    assert "AES_GCM_16_256" in alert.text
    assert_matching(pair)


def test_a_refusal_inside_the_quick_mode_response_ends_that_quick_mode_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # --> HASH SA No ID ID     <-- HASH N(NO_PROP): in the exchange itself, as some peers do it
    def refuse(task: quick_mode.QuickModeResponder) -> Outgoing:
        refusal = Notification(Notify.NO_PROPOSAL_CHOSEN, Protocol.ESP, b"")
        return Outgoing([refusal], encrypted=True, covered=task.nonce_i)

    monkeypatch.setattr(quick_mode.QuickModeResponder, "build", refuse)
    pair = Pair(*oregon())
    ref = pair.left.up("oregon")
    assert pair.run(5, lambda: ref in pair.left.finished)
    assert finish(pair.left, ref).outcome is Outcome.FAILED
    assert "refused the CHILD_SA (NO_PROPOSAL_CHOSEN)" in finish(pair.left, ref).reason
    pair.run(300)
    assert not any("retransmit" in line for line in pair.left.lines() if "request message ID" in line)
    (sa,) = pair.left.established()
    assert sa.uid == 1 and sa.children == () and sa.tasks_active == ()


def test_another_mode_is_refused_and_named() -> None:
    left, right = oregon(child={"mode": Mode.TRANSPORT})[0], oregon()[1]
    pair = Pair(left, right)
    ref = pair.left.up("oregon")
    assert pair.run(5, lambda: ref in pair.left.finished)
    assert any("offers another mode than TUNNEL" in line for line in pair.right.lines())


def test_transport_mode_through_nats_uses_the_addresses_that_each_end_sees() -> None:
    host = {"mode": Mode.TRANSPORT, "local_ts": (), "remote_ts": ()}
    pair = up(child=host)
    (left,), (right,) = pair.left.installed(), pair.right.installed()
    assert left.mode == right.mode == SaMode.TRANSPORT.value
    assert any("[ HASH SA No ID ID NAT-OA NAT-OA ]" in line for line in pair.left.lines())
    assert [str(ts) for ts in (*left.local_ts, *left.remote_ts)] == ["10.31.1.185/32", "203.0.113.77/32"]
    assert [str(ts) for ts in (*right.local_ts, *right.remote_ts)] == ["10.77.1.210/32", "198.51.100.31/32"]


def test_a_responder_with_narrower_subnets_narrows() -> None:
    left, right = oregon()
    right = changed(right, local_ts=(TrafficSelector.of("10.77.8.0/24"),))
    pair = Pair(left, right)
    pair.left.up("oregon")
    pair.run(3)
    (child,) = pair.left.installed()
    assert [str(ts) for ts in child.remote_ts] == ["10.77.8.0/24"]
    assert_matching(pair)


def test_protocol_and_port_are_negotiated() -> None:
    left, right = oregon()
    web = TrafficSelector.of("10.77.0.0/16", 6, 80, 80)
    pair = Pair(changed(left, remote_ts=(web,)), changed(right, local_ts=(web,)))
    pair.left.up("oregon")
    pair.run(3)
    assert pair.left.installed()[0].remote_ts == (web,)
    assert_matching(pair)


def test_a_shorter_lifetime_of_the_peer_is_taken_over() -> None:
    left, right = oregon()
    left = changed(left, time=Lifetime(rekey=0, life=600))
    pair = Pair(left, changed(right, time=Lifetime(rekey=3000, life=3600, jitter=0)))
    pair.left.up("oregon")
    pair.run(3)
    assert "received 600s lifetime, configured 3600s" in pair.right.lines()
    (child,) = pair.right.installed()
    assert child.installed_at is not None and child.expires_at is not None and child.rekey_at is not None
    assert child.expires_at - child.installed_at == pytest.approx(600)
    assert child.rekey_at - child.installed_at <= 540


def two_children(connection: Connection) -> Connection:
    first = connection.children[0]

    def moved(ts: TrafficSelector) -> TrafficSelector:
        return TrafficSelector.of(str(ts).replace(".0.0/16", ".200.0/24").replace("10.", "172."))

    second = Child(
        "backup", first.proposals, tuple(map(moved, first.local_ts)), tuple(map(moved, first.remote_ts))
    )
    return replace(connection, children=(first, second))


def test_two_children_share_one_ike_sa() -> None:
    left, right = (replace(c, connections=(two_children(c.connections[0]),)) for c in oregon())
    pair = Pair(left, right)
    first, second = pair.left.up("oregon"), pair.left.up("backup")
    assert pair.run(5, lambda: {first, second} <= set(pair.left.finished))
    pair.run(2)
    (sa,) = pair.left.established()
    assert [c.name for c in sa.children] == ["oregon", "backup"]
    assert len(recorder(pair.left).policies) == 2
    assert_matching(pair)


# lost messages ------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 2])
def test_a_lost_message_of_the_initiator_is_repeated(number: int) -> None:
    """1: the first; 2: the third, which the responder's repeated answer asks for."""
    pair = Pair(*oregon())
    dropping = Dropping(pair, ExchangeType.QUICK_MODE, pair.left, number)
    ref = pair.left.up("oregon")
    assert pair.run(30, lambda: ref in pair.left.finished)
    pair.run(30)
    assert len(dropping.lost) == 1
    assert finish(pair.left, ref).outcome is Outcome.OK
    assert len(pair.right.installed()) == 1
    assert_matching(pair)
    if number == 2:
        assert any("resending last request" in line for line in pair.left.lines())


def test_a_lost_answer_is_repeated() -> None:
    pair = Pair(*oregon())
    Dropping(pair, ExchangeType.QUICK_MODE, pair.right, 1)
    ref = pair.left.up("oregon")
    assert pair.run(30, lambda: ref in pair.left.finished)
    pair.run(10)
    assert_matching(pair)


def test_a_responder_that_never_hears_the_third_message_takes_back_its_half_and_says_so() -> None:
    pair = Pair(*oregon())
    Dropping(pair, ExchangeType.QUICK_MODE, pair.left, *range(2, 100))
    pair.left.up("oregon")
    pair.run(5)
    assert len(pair.left.installed()) == 1
    assert not pair.right.installed()
    pair.run(200)
    assert any("was not confirmed by the peer" in line for line in pair.right.lines())
    assert pair.left.installed() == [], "the delete has closed the initiator's half"
    assert_matching(pair)


def test_a_peer_that_falls_silent_in_quick_mode_is_lost_and_the_wish_is_tried_anew() -> None:
    pair = Pair(*oregon())
    Dropping(pair, ExchangeType.QUICK_MODE, pair.right)
    ref = pair.left.up("oregon")
    pair.run(160)
    assert ref not in pair.left.finished
    healed(pair)
    assert pair.run(100, lambda: ref in pair.left.finished)
    pair.run(60)
    assert finish(pair.left, ref).outcome is Outcome.OK
    assert_matching(pair)


def test_a_repetition_after_the_end_is_not_taken_for_something_new() -> None:
    pair = up()
    quick = [
        (s, d, data) for _, s, d, data in pair.network.log
        if data != b"\xff" and Header.decode(data).exchange == ExchangeType.QUICK_MODE
    ]  # fmt: skip
    sent = len(pair.network.log)
    for _ in range(5):
        for source, destination, data in quick:
            host = next(h for h in pair.hosts if h.address == destination.address)
            host.receive(destination, source, data)
    pair.run(10)
    assert len(pair.left.installed()) == len(pair.right.installed()) == 1
    assert len(pair.network.log) - sent < 25, "repetitions answer each other a bounded number of times"
    assert_matching(pair)


def test_an_initiator_that_refused_the_answer_does_not_ask_again_when_it_is_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else both would answer each other's repetitions for ever."""

    def refuse(*_: object) -> None:
        raise PeerError(Notify.NO_PROPOSAL_CHOSEN, "for the test")

    pair = up()
    monkeypatch.setattr(quick_mode.QuickModeInitiator, "process", refuse)
    pair.left.handle(Rekey(pair.left.ref(), "{*}"))
    pair.run(1)
    monkeypatch.undo()
    answer = next(
        (source, destination, data)
        for _, source, destination, data in reversed(pair.network.log)
        if len(data) > 28 and data[18] == ExchangeType.QUICK_MODE and destination.address == pair.left.address
    )
    before = len(pair.network.log)
    for _ in range(100):
        source, destination, data = answer
        pair.left.handle(Datagram(destination, source, data))
    assert len(pair.network.log) == before


def test_nothing_stays_when_the_initiator_vanishes_in_the_middle() -> None:
    pair = Pair(*oregon(dpd_delay=10.0, dpd_timeout=30.0))
    Dropping(pair, ExchangeType.QUICK_MODE, pair.left, *range(2, 100))
    pair.left.up("oregon")
    pair.run(5)
    pair.left.vanish()
    deaf(pair, pair.left)
    pair.run(400)
    assert_clean(pair.right)


def test_a_peer_has_no_more_child_sas_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    # --> HASH SA No ID ID, again and again    <-- HASH N(NO_PROP)
    monkeypatch.setattr(quick_mode, "MAX_CHILDREN", 3)
    pair = up()
    for _ in range(5):
        pair.left.handle(Rekey(pair.left.ref(), f"{{{pair.left.installed()[-1].uid}}}"))
        pair.run(1)
    assert len(pair.right.ike_sas[0].children) == 3
    assert "the peer has 3 CHILD_SAs already" in pair.right.lines()


def test_forged_messages_take_no_place_from_the_peer() -> None:
    # Whoever has seen the cookies sends Quick Modes in the clear: --> HASH (not encrypted), 20 of them
    pair = up()
    sa = pair.right.ike_sas[0]
    for message_id in range(1, 21):
        header = Header(sa.spi_i, sa.spi_r, 0, ExchangeType.QUICK_MODE, message_id=message_id, major=1)
        forged = assemble(header, PayloadType.HASH, encode_chain([Hash(bytes(32))]))
        pair.right.handle(Datagram(sa.local, sa.remote, forged))
    pair.left.handle(Rekey(pair.left.ref(), "{1}"))
    pair.run(5)
    assert_matching(pair)
    assert pair.right.ike_sas[0].tasks_active == ()
    assert len(pair.right.installed()) == 1 and pair.right.installed()[0].uid == 2


def test_a_traps_packet_chooses_among_several_configured_networks() -> None:
    left, right = oregon(child={"start_action": StartAction.TRAP})
    nets = (TrafficSelector.of("10.77.8.0/24"), TrafficSelector.of("10.77.1.0/24"))
    (connection,) = left.connections
    child = replace(connection.children[0], remote_ts=nets)
    left = replace(left, connections=(replace(connection, children=(child,)),))
    pair = Pair(left, right, start=True)
    (routed,) = pair.left.snapshot.routed
    packet = (TrafficSelector.of("10.31.1.185"), TrafficSelector.of("10.77.1.210"))
    pair.left.handle(Acquire(routed.policy_id, routed.reqid, *packet))
    assert pair.run(5, lambda: bool(pair.left.installed()))
    assert pair.left.installed()[0].remote_ts == nets[1:]
