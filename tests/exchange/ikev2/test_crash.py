"""RFC 6290: a gateway that was killed is believed at once when it shows the crash token.

left 10.31.1.185 --NAT 198.51.100.31--      --NAT 203.0.113.77-- 10.77.1.210 right
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from cygnet.boundary.effects import Send
from cygnet.boundary.events import Datagram, Rekey
from cygnet.engine.ikev2.crash import ANSWERS
from cygnet.model.config import CloseAction, Settings
from cygnet.testing.builders import OREGON_PUBLIC
from cygnet.testing.pair import Host, Pair, natt
from cygnet.values.secret import Secret
from cygnet.wire.header import FLAG_INITIATOR, FLAG_RESPONSE, ExchangeType, Header
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from tests.exchange.ikev2.story import both_clean, matching, tunnel

SECRETS = (Secret(b"what left keeps over its restart"), Secret(b"what right keeps over a restart."))
RESTARTING = {"dpd_delay": 30.0, "child": {"dpd_action": CloseAction.START}}


def up(lasting: tuple[Secret | None, Secret | None] = SECRETS, **changes: object) -> Pair:
    pair = Pair(*tunnel(**(changes or RESTARTING)), lasting=lasting)
    pair.left.up("oregon")
    pair.run(5)
    matching(pair)
    return pair


def said(host: Host, part: str) -> bool:
    return any(part in line for line in host.lines())


def test_a_restarted_peer_is_noticed_by_the_first_request_and_the_tunnel_made_anew() -> None:
    # right is killed and started again
    # --> INFORMATIONAL {}                 <-- INFORMATIONAL N(INVALID_IKE_SPI), N(QUICK_CRASH_DETECTION)
    # --> IKE_SA_INIT                      and so on, without a single retransmission
    pair = up()
    pair.right.restart()
    pair.run(31)
    matching(pair)
    assert said(pair.left, "has lost the IKE_SA: it shows the crash token")
    assert said(pair.left, "restarting CHILD_SA oregon")
    assert not said(pair.left, "retransmit")


def test_the_responders_crash_and_the_initiators_are_both_noticed() -> None:
    pair = up()
    pair.left.restart()
    pair.run(31)
    assert said(pair.right, "has lost the IKE_SA")
    matching(pair)


def test_without_a_lasting_secret_it_takes_all_retransmissions() -> None:
    pair = up(lasting=(SECRETS[0], None))
    pair.right.restart()
    pair.run(60)
    assert pair.left.established() and said(pair.left, "retransmit 1")
    pair.run(300)
    matching(pair)


def test_another_secret_convinces_nobody() -> None:
    pair = up()
    pair.right.lasting = Secret(b"a secret made at random by others")
    pair.right.restart()
    pair.run(60)
    assert said(pair.right, "telling") and not said(pair.left, "has lost the IKE_SA")


def test_switched_off_nothing_is_given_or_shown() -> None:
    off = Settings(crash_detection=False)
    left, right = tunnel(**RESTARTING)
    pair = Pair(replace(left, settings=off), replace(right, settings=off), lasting=SECRETS)
    pair.left.up("oregon")
    pair.run(5)
    assert not said(pair.left, "CRASH_DET") and not said(pair.right, "CRASH_DET")
    pair.right.restart()
    pair.run(60)
    assert not said(pair.right, "telling") and pair.left.established()


@pytest.mark.parametrize("who", ["left", "right"])
@pytest.mark.parametrize("crashes", ["left", "right"])
def test_after_a_rekeying_the_tokens_are_those_of_the_new_ike_sa(who: str, crashes: str) -> None:
    # --> CREATE_CHILD_SA ...      then each end over the new IKE_SA: INFORMATIONAL {N(QUICK_CRASH_DETECTION)}
    pair = up()
    rekeying: Host = getattr(pair, who)
    rekeying.handle(Rekey(rekeying.ref(), "[1]"))
    pair.run(12)
    matching(pair)
    getattr(pair, crashes).restart()
    pair.run(31)
    matching(pair)
    other = pair.left if crashes == "right" else pair.right
    assert said(other, "has lost the IKE_SA") and not said(other, "retransmit")


def test_a_peer_that_gives_no_token_is_not_bothered_with_new_ones() -> None:
    pair = up(lasting=(SECRETS[0], None))
    pair.left.handle(Rekey(pair.left.ref(), "[1]"))
    pair.run(12)
    matching(pair)
    requests = [line for line in pair.left.lines() if "generating INFORMATIONAL request" in line]
    assert all("CRASH_DET" not in line for line in requests)


# attackers --------------------------------------------------------------------------------


def shown_token(host: Host) -> list[bytes]:
    """Datagrams in which ``host`` shows a token in the clear."""
    return [
        e.data
        for e in host.effects
        if isinstance(e, Send)
        and e.data[16] == 41
        and e.data[19] & FLAG_RESPONSE
        and NotifyType.QUICK_CRASH_DETECTION.to_bytes(2) in e.data[28:]
    ]


def ask(host: Host, spi_i: bytes, spi_r: bytes, flags: int = FLAG_INITIATOR, major: int = 2) -> None:
    header = Header(spi_i, spi_r, 0, ExchangeType.INFORMATIONAL, flags, 5, major=major)
    host.receive(natt(str(host.address)), natt(OREGON_PUBLIC), header.encode())


def test_the_token_of_a_living_ike_sa_is_shown_to_nobody() -> None:
    pair = up()
    sa = pair.right.established()[0]
    for flags in (0, FLAG_INITIATOR, FLAG_RESPONSE, FLAG_INITIATOR | FLAG_RESPONSE, 0x10, 0xFF):
        for major in (1, 2, 3):
            for spi_i, spi_r in ((sa.spi_i, sa.spi_r), (sa.spi_r, sa.spi_i), (b"strange!", sa.spi_r),
                                 (sa.spi_r, b"strange!"), (sa.spi_r, sa.spi_r)):  # fmt: skip
                ask(pair.right, spi_i, spi_r, flags, major)
    assert not shown_token(pair.right)
    pair.run(5)
    matching(pair)


def test_a_response_for_an_unknown_ike_sa_is_not_answered() -> None:
    pair = up()
    ask(pair.right, b"strange1", b"strange2", FLAG_RESPONSE)
    assert not shown_token(pair.right)
    ask(pair.right, b"strange1", b"strange2")
    assert len(shown_token(pair.right)) == 1


def test_strangers_get_only_so_many_answers_a_second() -> None:
    pair = up()
    for n in range(10 * ANSWERS):
        ask(pair.right, b"strange1", n.to_bytes(8, "big") if n else b"strange2")
    assert len(shown_token(pair.right)) == ANSWERS
    pair.run(1)
    ask(pair.right, b"strange1", b"strange2")
    assert len(shown_token(pair.right)) == ANSWERS + 1


def test_an_answer_is_not_much_longer_than_what_it_answers() -> None:
    pair = up()
    ask(pair.right, b"strange1", b"strange2")
    assert len(shown_token(pair.right)[0]) <= 60  # an empty request with AES-GCM has 57 bytes


@pytest.mark.parametrize("token", [b"", bytes(16), b"\xff" * 128, bytes(4000)])
@pytest.mark.parametrize("response", [True, False])
def test_a_forged_token_changes_nothing(token: bytes, response: bool) -> None:
    pair = up()
    sa = pair.left.established()[0]
    notifies = (
        NotifyPayload(NotifyType.INVALID_IKE_SPI),
        NotifyPayload(NotifyType.QUICK_CRASH_DETECTION, token),
    )
    for with_error in (notifies, notifies[1:], notifies[:1], ()):
        message = Message(sa.spi_i, sa.spi_r, ExchangeType.INFORMATIONAL, 2, False, response, with_error)
        pair.left.handle(Datagram(sa.local, sa.remote, message.encode()))
    pair.run(5)
    matching(pair)


def test_the_true_token_in_a_request_changes_nothing() -> None:
    pair = up()
    sa = pair.left.established()[0]
    stale = Pair(*tunnel(**RESTARTING), seed="other", lasting=SECRETS)
    ask(stale.right, sa.spi_i, sa.spi_r)  # right, after a crash
    token = Message.decode(shown_token(stale.right)[0], Header.decode(shown_token(stale.right)[0]))
    request = replace(token, response=False)
    pair.left.handle(Datagram(sa.local, sa.remote, request.encode()))
    matching(pair)
    pair.left.handle(Datagram(sa.local, sa.remote, token.encode()))
    assert said(pair.left, "has lost the IKE_SA")  # so it was the true one


def test_no_token_stands_in_a_log_line() -> None:
    pair = up()
    pair.right.restart()
    pair.run(31)
    for data in shown_token(pair.right):
        token = data[-16:]
        for host in pair.hosts:
            assert token.hex() not in "\n".join(host.lines(level=4))


def test_a_peer_without_dpdaction_is_taken_down_and_stays_down() -> None:
    pair = up(dpd_delay=30.0)
    pair.right.restart()
    pair.run(31)
    both_clean(pair)
