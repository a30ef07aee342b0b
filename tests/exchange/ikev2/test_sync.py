"""RFC 6311: right is a cluster; its standby member takes over with other message IDs than left knows.

``failover`` makes right forget its last messages, as a member does that never saw them;
``synchronise`` sends what that member then sends (cygnet itself has no cluster).
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from cygnet.boundary.events import Datagram, Rekey
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.sync import MAX_ID, Counters
from cygnet.engine.wants import CheckLiveness
from cygnet.testing.network import Faults
from cygnet.testing.pair import Host, Pair
from cygnet.wire.header import ExchangeType, Header
from cygnet.wire.ikev2.chain import encode_chain
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.payload import Payload
from cygnet.wire.ikev2.sealing import seal, unseal
from tests.exchange.ikev2.story import matching, tunnel


def up() -> Pair:
    pair = Pair(*tunnel(), faults=Faults(delay=0.05))
    pair.left.up("oregon")
    pair.run(5)
    matching(pair)
    return pair


def inside(host: Host) -> IkeSaV2:
    sa = next(iter(host.engine._registry.ike_sas.values()))
    assert isinstance(sa, IkeSaV2)
    return sa


@dataclass
class Member:
    """The member of right's cluster that is active now."""

    pair: Pair

    def ask(self, *payloads: Payload, message_id: int = 0) -> None:
        sa = inside(self.pair.right)
        assert sa.exchanges.channel.outbound is not None
        message = Message(sa.spi_i, sa.spi_r, ExchangeType.INFORMATIONAL, message_id, False, False, payloads)
        data = seal(message, sa.exchanges.channel.outbound, encode_chain(payloads))
        left = inside(self.pair.left)
        self.pair.left.handle(Datagram(left.local, left.remote, data))

    def synchronise(self, send: int, receive: int, nonce: bytes = b"once") -> Counters | None:
        """What left answers; None: nothing. Right then goes on with what was agreed."""
        before = len(self.pair.network.log)
        self.ask(Counters(nonce, send, receive).notify())
        sa = inside(self.pair.right)
        for *_, data in self.pair.network.log[before:]:
            if data[18] == ExchangeType.INFORMATIONAL and data[19] & 0x20 and data[20:24] == bytes(4):
                answer = self._answer(sa, data)
                sa.exchanges.window.own_next, sa.exchanges.window.peer_next = answer.receive, answer.send
                return answer
        return None

    def _answer(self, sa: IkeSaV2, data: bytes) -> Counters:
        assert sa.exchanges.channel.inbound is not None
        message, _ = unseal(Message.decode(data, Header.decode(data)), data, sa.exchanges.channel.inbound)
        notify = message.notify(NotifyType.IKEV2_MESSAGE_ID_SYNC)
        assert notify is not None
        counters = Counters.decode(notify.data)
        assert counters is not None
        return counters


def rekey(host: Host) -> None:
    host.handle(Rekey(host.ref(), "{1}" if len(host.installed()) == 1 else "{*}"))


def works_both_ways(pair: Pair) -> None:
    for host in pair.hosts:
        child = host.installed()[0].uid
        host.handle(Rekey(host.ref(), f"{{{child}}}"))
        pair.run(12)
        matching(pair)


def test_both_announce_it_in_ike_auth() -> None:
    pair = up()
    assert inside(pair.left).peer.message_id_sync and inside(pair.right).peer.message_id_sync


def test_a_member_that_missed_messages_agrees_on_new_ids_and_all_goes_on() -> None:
    # right's active member has done three exchanges of its own and seen left's IKE_AUTH; the standby
    # knows of none after IKE_AUTH, and skips ahead to be sure
    # --> INFORMATIONAL 0 {N(IKEV2_MESSAGE_ID_SYNC: M1=10, P1=1)}
    # <-- INFORMATIONAL 0 {N(IKEV2_MESSAGE_ID_SYNC: P2=2, M2=10)}
    pair = up()
    for _ in range(3):
        rekey(pair.right)
        pair.run(12)
    seen = inside(pair.left).exchanges.window.peer_next
    inside(pair.right).exchanges.window.own_next = 0
    inside(pair.right).exchanges.window.peer_next = 1
    agreed = Member(pair).synchronise(seen + 4, 1)
    assert agreed == Counters(b"once", inside(pair.left).exchanges.window.own_next, seen + 4)
    matching(pair)
    works_both_ways(pair)


def test_the_first_request_of_a_gateway_may_be_to_synchronise() -> None:
    # message ID 0 is then also the one that left expects next
    pair = up()
    assert inside(pair.left).exchanges.window.peer_next == 0
    assert Member(pair).synchronise(3, 2) == Counters(b"once", 2, 3)
    works_both_ways(pair)


def test_the_member_may_expect_more_than_was_ever_sent() -> None:
    pair = up()
    assert Member(pair).synchronise(3, 50) == Counters(b"once", 50, 3)
    works_both_ways(pair)


def test_a_request_that_the_member_has_not_seen_goes_on_under_its_id() -> None:
    pair = up()
    member = Member(pair)
    pair.network.filter = lambda s, d, data: None
    child = pair.left.installed()[0].uid
    pair.left.handle(Rekey(pair.left.ref(), f"{{{child}}}"))  # --> CREATE_CHILD_SA 2, lost
    pair.network.filter = lambda s, d, data: data
    assert member.synchronise(7, 2) == Counters(b"once", 2, 7)
    pair.run(20)
    matching(pair)
    works_both_ways(pair)


def test_a_request_whose_answer_went_down_with_the_old_member_is_sent_anew() -> None:
    pair = up()
    member = Member(pair)
    pair.network.filter = lambda s, d, data: None
    inside(pair.left).do(CheckLiveness())
    for effect in pair.left.engine._services.take_effects():
        pair.left._perform(effect)  # --> INFORMATIONAL 2, seen by the old member, whose answer is lost
    pair.network.filter = lambda s, d, data: data
    assert member.synchronise(7, 3) == Counters(b"once", 3, 7)
    pair.run(1)
    assert inside(pair.left).exchanges.active is None  # answered under ID 3
    works_both_ways(pair)


# what is dropped --------------------------------------------------------------------------


def test_a_replayed_request_changes_nothing() -> None:
    pair = up()
    member = Member(pair)
    assert member.synchronise(5, 2) is not None
    works_both_ways(pair)
    window = inside(pair.left).exchanges.window
    before = window.own_next, window.peer_next
    for send in (0, 4, 5, window.peer_next - 1):
        assert member.synchronise(send, 2, b"else") is None
    assert (window.own_next, window.peer_next) == before
    matching(pair)


def test_the_same_request_again_at_once_is_dropped() -> None:
    pair = up()
    member = Member(pair)
    assert member.synchronise(5, 2) is not None
    assert member.synchronise(5, 2) is None


@pytest.mark.parametrize(("send", "receive"), [(MAX_ID, 2), (5, MAX_ID), (2**32 - 1, 2**32 - 1)])
def test_counters_that_would_overflow_are_dropped(send: int, receive: int) -> None:
    pair = up()
    assert Member(pair).synchronise(send, receive) is None
    works_both_ways(pair)


@pytest.mark.parametrize("data", [b"", bytes(11), bytes(13), b"\xff" * 4000])
def test_what_is_no_synchronisation_is_dropped(data: bytes) -> None:
    pair = up()
    Member(pair).ask(NotifyPayload(NotifyType.IKEV2_MESSAGE_ID_SYNC, data))
    works_both_ways(pair)


def test_who_has_not_announced_it_is_not_synchronised_with() -> None:
    pair = up()
    inside(pair.left).peer.message_id_sync = False
    member = Member(pair)
    rekey(pair.right)
    pair.run(12)
    window = inside(pair.left).exchanges.window
    before = window.own_next, window.peer_next
    assert member.synchronise(9, 2) is None
    assert (window.own_next, window.peer_next) == before
