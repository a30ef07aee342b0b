"""Main Mode between two engines: what `up` shows, and each way in which it can fail."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from cygnet.boundary.effects import Outcome, Send
from cygnet.boundary.notices import Alert
from cygnet.model.config import AuthMethod, AuthRound, Config, Settings
from cygnet.testing.builders import FAR, FAR_PUBLIC, OREGON, connection, oregon, psk
from cygnet.testing.network import Faults
from cygnet.testing.pair import Pair
from cygnet.values.endpoint import NATT_PORT, Endpoint
from cygnet.values.identity import Identity
from cygnet.wire.header import ExchangeType, Header

#: what ``up oregon`` shows, with what differs from run to run as expressions
UP_OREGON = r"""
initiating Main Mode IKE_SA oregon\[1\] to 203.0.113.77
generating ID_PROT request 0 \[ SA V V V V \]
sending packet: from 10.31.1.185\[500\] to 203.0.113.77\[500\] \(\d+ bytes\)
received packet: from 203.0.113.77\[500\] to 10.31.1.185\[500\] \(136 bytes\)
parsed ID_PROT response 0 \[ SA V V V \]
received XAuth vendor ID
received DPD vendor ID
received NAT-T \(RFC 3947\) vendor ID
generating ID_PROT request 0 \[ KE No NAT-D NAT-D \]
sending packet: from 10.31.1.185\[500\] to 203.0.113.77\[500\] \(244 bytes\)
received packet: from 203.0.113.77\[500\] to 10.31.1.185\[500\] \(244 bytes\)
parsed ID_PROT response 0 \[ KE No NAT-D NAT-D \]
local host is behind NAT, sending keep alives
remote host is behind NAT
generating ID_PROT request 0 \[ ID HASH N\(INITIAL_CONTACT\) \]
sending packet: from 10.31.1.185\[4500\] to 203.0.113.77\[4500\] \(108 bytes\)
received packet: from 203.0.113.77\[4500\] to 10.31.1.185\[4500\] \(76 bytes\)
parsed ID_PROT response 0 \[ ID HASH \]
IKE_SA oregon\[1\] established between 10.31.1.185\[10.31.1.185\]...203.0.113.77\[10.77.1.210\]
scheduling reauthentication in 27\d\d\ds
maximum IKE_SA lifetime 28\d\d\ds
generating QUICK_MODE request (\d+) \[ HASH SA No ID ID \]
sending packet: from 10.31.1.185\[4500\] to 203.0.113.77\[4500\] \(\d+ bytes\)
received packet: from 203.0.113.77\[4500\] to 10.31.1.185\[4500\] \(188 bytes\)
parsed QUICK_MODE response (\d+) \[ HASH SA No ID ID \]
connection 'oregon' established successfully
""".strip().splitlines()


def seed_pair() -> Pair:
    """The article's lifetimes (ikelifetime 28800 s with the default margin) and its 1024-bit group."""
    left, right = oregon(
        ike="aes128-sha1-modp1024", esp="aes128-sha1", reauth_time=28260, rekey_time=0, over_time=540,
        rand_time=540,
    )  # fmt: skip
    return Pair(left, right)


def shown_by_up(pair: Pair, ref: int) -> list[str]:
    """What ``up`` prints: the lines of the attached IKE_SA until the request is finished."""
    lines: list[str] = []
    for effect in pair.left.effects:
        if effect == pair.left.finished.get(ref):
            return [*lines, effect.text]  # type: ignore[union-attr]
        if getattr(effect, "level", 9) <= 1 and getattr(effect, "ike_uid", None) in pair.left.attached[ref]:
            lines.append(effect.text)  # type: ignore[union-attr]
    raise AssertionError("the request was not finished")


def test_up_prints_the_seeds_lines_word_for_word() -> None:
    pair = seed_pair()
    ref = pair.left.up("oregon")
    assert pair.run(5, lambda: ref in pair.left.finished)
    lines = shown_by_up(pair, ref)
    for line, expected in zip(lines, UP_OREGON, strict=True):
        assert re.fullmatch(expected, line), f"{line!r} is not {expected!r}"
    message_ids = [m.group(1) for line in lines if (m := re.search(r"QUICK_MODE \w+ (\d+)", line))]
    assert len(set(message_ids)) == 1
    assert pair.left.finished[ref].outcome is Outcome.OK


def test_both_ends_have_the_same_sa_with_mirrored_children() -> None:
    pair = seed_pair()
    pair.left.up("oregon")
    pair.run(5)
    (left,), (right,) = pair.left.established(), pair.right.established()
    assert (left.spi_i, left.spi_r) == (right.spi_i, right.spi_r)
    assert (left.local_behind_nat, left.remote_behind_nat) == (True, True)
    (ours,), (theirs,) = pair.left.installed(), pair.right.installed()
    assert (ours.spi_in, ours.spi_out) == (theirs.spi_out, theirs.spi_in)
    assert (ours.local_ts, ours.remote_ts) == (theirs.remote_ts, theirs.local_ts)
    assert ours.encap and theirs.encap
    keys = [{s.spi: (s.encr_key, s.integ_key) for s in h.plane.sas.values()} for h in pair.hosts]  # type: ignore[attr-defined]
    assert keys[0] == keys[1]
    assert len(keys[0]) == 2


def test_without_a_nat_everything_stays_on_port_500_and_esp_is_not_in_udp() -> None:
    left = Config((connection(remote=FAR),), (psk(),))
    right = Config(
        (connection(local=FAR, remote=OREGON, local_ts="10.77.0.0/16", remote_ts="10.31.0.0/16",
                    remote_id=OREGON),), (psk(),)
    )  # fmt: skip
    pair = Pair(left, right, nat=False)
    pair.left.up("oregon")
    pair.run(5)
    (child,) = pair.left.installed()
    assert not child.encap
    assert {s.port for _, s, _, _ in pair.network.log} == {500}
    assert "remote host is behind NAT" not in pair.left.lines()


def test_forceencaps_fakes_a_nat_at_both_ends() -> None:
    left = Config((connection(remote=FAR, force_encap=True),), (psk(),))
    right = Config(
        (connection(local=FAR, remote=OREGON, local_ts="10.77.0.0/16", remote_ts="10.31.0.0/16",
                    remote_id=OREGON),), (psk(),)
    )  # fmt: skip
    pair = Pair(left, right, nat=False)
    pair.left.up("oregon")
    pair.run(5)
    assert pair.left.installed()[0].encap
    assert pair.right.installed()[0].encap
    assert "faking NAT situation to enforce UDP encapsulation" in pair.left.lines()
    assert "remote host is behind NAT" in pair.right.lines()


@pytest.mark.parametrize(
    "ike",
    [
        "aes128-sha256-modp2048", "aes256-sha512-ecp384", "3des-sha1-modp1024", "aes192-sha384-curve25519",
        "3des-md5-modp1536", "camellia256-sha256-ecp256",
    ],
)  # fmt: skip
def test_every_family_of_algorithms_works_in_phase_1(ike: str) -> None:
    pair = Pair(*oregon(ike=ike))
    pair.left.up("oregon")
    pair.run(5)
    assert len(pair.left.installed()) == len(pair.right.installed()) == 1


def test_the_responder_takes_the_first_of_its_own_proposals_that_is_offered() -> None:
    left, right = oregon(ike="3des-aes128-sha1-sha256-modp2048")[0], oregon(ike="aes128-sha256-modp2048")[1]
    pair = Pair(left, right)
    pair.left.up("oregon")
    pair.run(5)
    (sa,) = pair.left.established()
    assert sa.proposal is not None
    assert [t.name for t in sa.proposal.transforms] == [
        "AES_CBC_128", "HMAC_SHA2_256_128", "HMAC_SHA2_256", "MODP_2048",
    ]  # fmt: skip


def test_a_lost_message_is_sent_again_on_charons_schedule() -> None:
    # --> SA (lost)   4 s   --> SA (lost)   7.2 s   --> SA   <-- SA ...
    pair = Pair(*oregon())
    lost = iter([None, None])
    pair.network.filter = lambda s, d, data: next(lost, data)
    ref = pair.left.up("oregon")
    assert pair.run(20, lambda: ref in pair.left.finished)
    times = [at for at, source, _, _ in pair.network.log if source.address != Endpoint.of(FAR_PUBLIC).address]
    assert times[1:3] == pytest.approx([4.0, 11.2])
    assert "sending retransmit 1 of request message ID 0, seq 1" in pair.left.lines()
    assert "sending retransmit 2 of request message ID 0, seq 1" in pair.left.lines()


def test_a_peer_that_is_not_there_is_given_up_after_keyingtries() -> None:
    left, right = oregon(keyingtries=2)
    pair = Pair(left, right)
    pair.right.vanish()
    ref = pair.left.up("oregon")
    assert pair.run(400, lambda: ref in pair.left.finished)
    lines = pair.left.lines()
    assert lines.count("giving up after 5 retransmits") == 2
    assert "peer not responding, trying again (2/2)" in lines
    assert "establishing IKE_SA failed, peer not responding" in lines
    finish = pair.left.finished[ref]
    assert (finish.outcome, finish.text) == (Outcome.FAILED, "establishing connection 'oregon' failed")
    assert "no answer from 203.0.113.77[500]" in finish.reason
    assert pair.left.ike_sas == ()


def test_each_message_of_the_responder_is_repeated_when_the_initiator_repeats_itself() -> None:
    """The answers 2, 4 and 6 get lost once each: the initiator's repetition brings them again."""
    pair = Pair(*oregon())
    seen: set[bytes] = set()

    def lose_first(source: Endpoint, destination: Endpoint, data: bytes) -> bytes | None:
        if source.address == Endpoint.of(FAR_PUBLIC).address and data not in seen:
            seen.add(data)
            return None
        return data

    pair.network.filter = lose_first
    ref = pair.left.up("oregon")
    assert pair.run(60, lambda: ref in pair.left.finished)
    pair.run(20)
    assert pair.left.finished[ref].outcome is Outcome.OK
    repeated = "received retransmit of request with ID 0, retransmitting response"
    assert pair.right.lines().count(repeated) == 3
    assert len(pair.left.installed()) == len(pair.right.installed()) == 1


def test_a_wrong_key_is_named_as_the_likely_reason_at_both_ends() -> None:
    left, right = oregon(keyingtries=1)
    pair = Pair(left, replace(right, secrets=(psk("another secret"),)))
    ref = pair.left.up("oregon")
    assert pair.run(200, lambda: ref in pair.left.finished)
    finish = pair.left.finished[ref]
    assert finish.outcome is Outcome.FAILED
    assert "the keys of both ends probably differ" in finish.reason
    hint = "the pre-shared keys of 10.31.1.185 and 203.0.113.77 probably differ"
    assert hint in pair.left.lines(), "said at once, not only at the end"
    alerts = [e for e in pair.right.effects if isinstance(e, Alert)]
    assert any("pre-shared keys" in a.text for a in alerts)
    pair.run(60)
    assert pair.left.ike_sas == pair.right.ike_sas == ()
    assert "secret" not in "\n".join(pair.left.lines(4) + pair.right.lines(4))


def test_no_key_at_all_fails_at_once_and_says_between_whom() -> None:
    left, right = oregon()
    pair = Pair(replace(left, secrets=()), right)
    ref = pair.left.up("oregon")
    assert ref in pair.left.finished
    assert pair.left.finished[ref].reason == (
        "no shared key found for '10.31.1.185'[10.31.1.185] - '10.77.1.210'[203.0.113.77]"
    )
    assert pair.left.ike_sas == ()


def test_no_common_proposal_fails_at_once_with_what_both_sides_want() -> None:
    left, right = oregon(ike="3des-sha1-modp1024")[0], oregon(ike="aes256-sha256-modp2048")[1]
    pair = Pair(left, right)
    ref = pair.left.up("oregon")
    assert pair.run(5, lambda: ref in pair.left.finished)
    assert "received NO_PROPOSAL_CHOSEN error notify" in pair.left.lines()
    reason = pair.left.finished[ref].reason
    assert "3DES_CBC/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_1024" in reason
    (alert,) = [e for e in pair.right.effects if isinstance(e, Alert)]
    assert alert.kind == "proposal-mismatch-ike"
    assert "3DES_CBC" in alert.text
    assert "AES_CBC_256/HMAC_SHA2_256_128" in alert.text
    assert pair.left.ike_sas == pair.right.ike_sas == ()


def test_a_stranger_is_refused_without_keeping_anything() -> None:
    left = oregon()[0]
    right = Config((connection(local=FAR, remote="192.0.2.99"),), (psk(),))
    pair = Pair(left, right)
    ref = pair.left.up("oregon")
    assert pair.run(5, lambda: ref in pair.left.finished)
    assert "has no IKEv1 conn for us" in pair.left.finished[ref].reason
    assert pair.right.ike_sas == ()


def test_an_identity_that_the_responder_does_not_know_is_refused() -> None:
    left, right = oregon()
    other = replace(right, connections=(replace(right.connections[0], remote=left.connections[0].remote),))
    pair = Pair(left, other)  # the right end now expects its own address as identity
    ref = pair.left.up("oregon")
    assert pair.run(5, lambda: ref in pair.left.finished)
    assert "it does not accept the identity '10.31.1.185'" in pair.left.finished[ref].reason
    assert any("no peer config found for '10.31.1.185'" in line for line in pair.right.lines())
    pair.run(60)
    assert pair.right.ike_sas == ()


def test_an_unexpected_responder_identity_is_refused() -> None:
    left, right = oregon()
    wanted = replace(left.connections[0], remote=right.connections[0].remote)
    pair = Pair(replace(left, connections=(wanted,)), right)
    ref = pair.left.up("oregon")
    assert pair.run(5, lambda: ref in pair.left.finished)
    assert "IDir '10.77.1.210' does not match to '10.31.1.185'" in pair.left.finished[ref].reason
    pair.run(60)
    assert pair.left.ike_sas == ()


def test_a_key_found_by_address_does_not_let_its_owner_speak_for_another_identity() -> None:
    """Two roadwarriors with a key each: one must not claim the other's identity."""
    left, right = oregon()
    moon = AuthRound(AuthMethod.PSK, Identity.parse("moon@example.org"))
    claims = replace(left.connections[0], local=(moon,))
    anybody = replace(right.connections[0], remote=(AuthRound(AuthMethod.PSK),))
    secrets = (psk("everybody's"), psk("the moon's", FAR, "moon@example.org"))
    pair = Pair(
        Config((claims,), (psk("everybody's"),)), replace(right, connections=(anybody,), secrets=secrets)
    )
    ref = pair.left.up("oregon")
    assert pair.run(200, lambda: ref in pair.left.finished)
    assert pair.left.finished[ref].outcome is Outcome.FAILED
    assert any("with a key that is not the one of that identity" in line for line in pair.right.lines())


def test_half_open_negotiations_are_limited_and_time_out() -> None:
    left, right = oregon()
    right = replace(right, settings=Settings(block_threshold=2, half_open_timeout=30.0))
    pair = Pair(left, right)
    first: list[bytes] = []

    def only_first_messages(source: Endpoint, destination: Endpoint, data: bytes) -> bytes | None:
        if destination.address == Endpoint.of(FAR).address:
            first.append(data)
        return data if destination.address == Endpoint.of(FAR).address else None

    pair.network.filter = only_first_messages
    pair.left.up("oregon")
    pair.run(0.1)
    for n in range(5):
        cookie = bytes([n + 1]) * 8
        pair.network.send(pair.now, Endpoint.of(OREGON), Endpoint.of(FAR_PUBLIC), cookie + first[0][8:])
    pair.run(0.1)
    assert pair.right.snapshot.half_open == 2
    assert any("peer too aggressive" in line for line in pair.right.lines())
    pair.left.vanish()
    pair.run(31)
    assert pair.right.snapshot.half_open == 0
    assert pair.right.ike_sas == ()


def test_an_established_sa_keeps_its_nat_mapping_alive() -> None:
    pair = Pair(*oregon())
    pair.left.up("oregon")
    pair.run(100)
    keepalives = [e for e in pair.left.effects if isinstance(e, Send) and e.keepalive]
    assert len(keepalives) >= 4
    assert {k.data for k in keepalives} == {b"\xff"}
    assert {k.local.port for k in keepalives} == {NATT_PORT}


def test_what_is_not_authentic_changes_nothing() -> None:
    """Garbage and forgeries with the right cookies, at every stage of an established SA."""
    pair = Pair(*oregon())
    pair.left.up("oregon")
    pair.run(5)
    (sa,) = pair.left.established()
    before = (pair.left.established(), pair.left.plane.sas)  # type: ignore[attr-defined]
    for exchange in (*ExchangeType, ExchangeType(77)):
        for flags in (0, 1):
            for message_id in (0, 99):
                header = Header(sa.spi_i, sa.spi_r, 8, exchange, flags, message_id, 28 + 48, major=1)
                forged = header.encode() + bytes(range(48))
                pair.network.send(
                    pair.now, Endpoint.of(FAR, NATT_PORT), Endpoint.of("198.51.100.31", NATT_PORT), forged
                )
    pair.run(5)
    after = pair.left.established()
    assert [(s.spi_i, s.spi_r, s.children[0].spi_in) for s in after] == [
        (s.spi_i, s.spi_r, s.children[0].spi_in) for s in before[0]
    ]
    assert pair.left.plane.sas == before[1]  # type: ignore[attr-defined]


def test_a_slow_network_is_no_reason_for_a_second_sa() -> None:
    pair = Pair(*oregon(), faults=Faults(delay=3.0))
    ref = pair.left.up("oregon")
    assert pair.run(120, lambda: ref in pair.left.finished)
    pair.run(60)
    assert len(pair.left.established()) == len(pair.right.established()) == 1
    assert len(pair.left.installed()) == len(pair.right.installed()) == 1
