"""Setting tunnels up: IKE_SA_INIT and IKE_AUTH in both roles, and every way it can fail.

left  10.31.1.185 --NAT 198.51.100.31--      --NAT 203.0.113.77-- 10.77.1.210  right
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from cygnet.boundary.effects import Outcome, Send
from cygnet.boundary.events import Datagram, Rekey
from cygnet.crypto.keywords import default_proposals, parse_proposal
from cygnet.model.config import Config, Connection, Fragmentation, IkeVersion, Mode, Settings
from cygnet.testing.builders import FAR, OREGON, connection, oregon, psk
from cygnet.testing.pair import Host, Pair
from cygnet.testing.recorder import Recorder
from cygnet.values.iana import IntegId, Protocol
from cygnet.values.identity import ANY
from cygnet.values.selector import TrafficSelector
from cygnet.wire.header import Header
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify_types import NotifyType
from tests.exchange.ikev2.story import both_clean, matching, secrets_in, tunnel


def test_up_shows_the_negotiation_as_strongswan_words_it() -> None:
    pair = Pair(*tunnel())
    ref = pair.left.up("oregon")
    pair.run(5)
    shown = [line for line in pair.left.lines(ref=ref) if "packet: from" not in line]
    assert shown[:10] == [
        "initiating IKE_SA oregon[1] to 203.0.113.77",
        "generating IKE_SA_INIT request 0 "
        "[ SA KE No N(NATD_S_IP) N(NATD_D_IP) N(FRAG_SUP) N(HASH_ALG) N(REDIR_SUP) ]",
        "parsed IKE_SA_INIT response 0 "
        "[ SA KE No N(NATD_S_IP) N(NATD_D_IP) N(FRAG_SUP) N(HASH_ALG) N(CHDLESS_SUP) N(MULT_AUTH) ]",
        "selected proposal: IKE:AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/CURVE_25519",
        "local host is behind NAT, sending keep alives",
        "remote host is behind NAT",
        "authentication of '10.31.1.185' (myself) with pre-shared key",
        "establishing CHILD_SA oregon{1}",
        "generating IKE_AUTH request 1 [ IDi N(INIT_CONTACT) IDr AUTH SA TSi TSr N(MOBIKE_SUP) "
        "N(MULT_AUTH) N(MSG_ID_SYN_SUP) ]",
        "parsed IKE_AUTH response 1 [ IDr AUTH SA TSi TSr N(MOBIKE_SUP) N(MSG_ID_SYN_SUP) ]",
    ]
    assert (
        "IKE_SA oregon[1] established between 10.31.1.185[10.31.1.185]...203.0.113.77[10.77.1.210]" in shown
    )
    assert pair.left.finished[ref].outcome is Outcome.OK
    assert pair.left.finished[ref].text == "connection 'oregon' established successfully"
    child = pair.left.installed()[0]
    assert (
        f"CHILD_SA oregon{{1}} established with SPIs {child.spi_in:08x}_i {child.spi_out:08x}_o "
        "and TS 10.31.0.0/16 === 10.77.0.0/16" in shown
    )


def test_both_ends_install_the_same_sas_and_the_responder_its_inbound_one_before_it_answers() -> None:
    pair = Pair(*tunnel())
    pair.left.up("oregon")
    pair.run(5)
    matching(pair)
    wanted = ("InstallSa", "InstallPolicy", "Send")
    kinds = [type(e).__name__ for e in pair.right.effects if type(e).__name__ in wanted]
    # --> IKE_SA_INIT, <-- IKE_SA_INIT, --> IKE_AUTH, inbound, <-- IKE_AUTH, outbound
    assert kinds[:5] == ["Send", "InstallSa", "InstallPolicy", "Send", "InstallSa"]


def test_keys_of_both_directions_agree() -> None:
    pair = Pair(*tunnel())
    pair.left.up("oregon")
    pair.run(5)
    left, right = (
        {(s.spi, s.direction.value): s for s in h.plane.sas.values()} for h in (pair.left, pair.right)
    )
    for (spi, direction), spec in left.items():
        other = right[spi, "in" if direction == "out" else "out"]
        assert spec.encr_key == other.encr_key and spec.integ_key == other.integ_key
        assert spec.encr == other.encr and spec.local_ts == other.remote_ts


@pytest.mark.parametrize(
    "ike",
    [
        "aes128gcm16-prfsha256-x25519", "aes256gcm16-prfsha384-ecp384", "chacha20poly1305-prfsha256-x25519",
        "aes256-sha512-modp2048", "aes128ctr-sha256-ecp256", "aes128ccm12-prfaesxcbc-x25519",
        "camellia128-sha256-x25519", "3des-sha1-modp1024", "aes128-aesxcbc-x448", "aes128-aescmac-ecp256bp",
        "aes192gcm8-prfaescmac-ecp521",
    ],
)  # fmt: skip
def test_every_algorithm_family_protects_an_ike_sa(ike: str) -> None:
    pair = Pair(*tunnel(ike=ike))
    pair.left.up("oregon")
    pair.run(5)
    matching(pair)


def test_the_responder_can_be_the_side_that_is_not_behind_a_nat() -> None:
    left = connection(version=IkeVersion.V2, remote=FAR, ike="aes128-sha256-x25519")
    right = connection(
        version=IkeVersion.V2, local=FAR, remote=OREGON, local_ts="10.77.0.0/16", remote_ts="10.31.0.0/16",
        remote_id=OREGON, ike="aes128-sha256-x25519",
    )  # fmt: skip
    pair = Pair(Config((left,), (psk(),)), Config((right,), (psk(),)), nat=False)
    pair.left.up("oregon")
    pair.run(5)
    matching(pair)
    sa = pair.left.established()[0]
    assert not sa.children[0].encap and not sa.local_behind_nat
    assert sa.local.port == 4500  # MOBIKE speaks from 4500 on from the start (RFC 4555 §3.3)


def test_without_nat_and_mobike_port_500_is_kept() -> None:
    pair = Pair(*straight(mobike=False), nat=False)
    pair.left.up("oregon")
    pair.run(5)
    matching(pair)
    assert pair.left.established()[0].local.port == 500


def straight(**changes: object) -> tuple[Config, Config]:
    """Both ends see each other's own addresses."""
    left = connection(version=IkeVersion.V2, remote=FAR, ike="aes128-sha256-x25519", **changes)  # type: ignore[arg-type]
    right = connection(
        version=IkeVersion.V2, local=FAR, remote=OREGON, local_ts="10.77.0.0/16", remote_ts="10.31.0.0/16",
        remote_id=OREGON, ike="aes128-sha256-x25519", **changes,
    )  # type: ignore[arg-type]  # fmt: skip
    return Config((left,), (psk(),)), Config((right,), (psk(),))


def test_forceencaps_makes_both_ends_encapsulate() -> None:
    pair = Pair(*straight(force_encap=True), nat=False)
    pair.left.up("oregon")
    pair.run(5)
    matching(pair)
    assert all(h.established()[0].children[0].encap for h in pair.hosts)


def test_a_wrong_key_is_named_at_both_ends_and_leaves_nothing() -> None:
    left, right = tunnel()
    pair = Pair(left, replace(right, secrets=(psk("another secret"),)))
    ref = pair.left.up("oregon")
    pair.run(5)
    finish = pair.left.finished[ref]
    assert finish.outcome is Outcome.FAILED
    assert finish.text == "establishing connection 'oregon' failed"
    assert "pre-shared keys" in finish.reason
    assert "received AUTHENTICATION_FAILED notify error" in pair.left.lines(ref=ref)
    assert any("MAC mismatched" in line for line in pair.right.lines())
    both_clean(pair)


def test_no_common_proposal_is_named_at_both_ends() -> None:
    left, _ = tunnel()
    _, right = tunnel(ike="aes256gcm16-prfsha512-ecp521")
    pair = Pair(left, right)
    ref = pair.left.up("oregon")
    pair.run(5)
    assert "received NO_PROPOSAL_CHOSEN notify error" in pair.left.lines(ref=ref)
    assert "AES_CBC_128/HMAC_SHA2_256_128" in pair.left.finished[ref].reason
    assert any("configured proposals: IKE:AES_GCM_16_256" in line for line in pair.right.lines())
    both_clean(pair)


def test_a_refused_subnet_leaves_the_ike_sa_and_fails_the_wish() -> None:
    left, _ = tunnel()
    _, right = tunnel(child={"local_ts": (TrafficSelector.of("192.0.2.0/24"),)})
    pair = Pair(left, right)
    ref = pair.left.up("oregon")
    pair.run(5)
    assert "received TS_UNACCEPTABLE notify, no CHILD_SA built" in pair.left.lines(ref=ref)
    assert pair.left.finished[ref].outcome is Outcome.FAILED
    assert "10.31.0.0/16 === 10.77.0.0/16" in pair.left.finished[ref].reason
    assert len(pair.left.established()) == len(pair.right.established()) == 1
    assert not pair.left.plane.sas and not pair.right.plane.sas


def test_a_refused_esp_proposal_leaves_the_ike_sa_and_fails_the_wish() -> None:
    left, _ = tunnel()
    _, right = tunnel(esp="aes256gcm16")
    pair = Pair(left, right)
    ref = pair.left.up("oregon")
    pair.run(5)
    assert "received NO_PROPOSAL_CHOSEN notify, no CHILD_SA built" in pair.left.lines(ref=ref)
    assert "no common ESP proposal" in pair.left.finished[ref].reason
    assert len(pair.left.established()) == 1 and not pair.left.plane.sas


@pytest.mark.parametrize("version", [IkeVersion.V1, IkeVersion.V2])
def test_hmac_sha_256_is_cut_to_96_bits_where_the_child_says_so(version: IkeVersion) -> None:
    ends = [
        replace(c, version=version, children=(replace(c.children[0], sha256_96=True),))
        for c in (tunnel(esp="aes128-sha256")[side].connections[0] for side in (0, 1))
    ]
    pair = Pair(Config((ends[0],), (psk(),)), Config((ends[1],), (psk(),)))
    pair.left.up("oregon")
    pair.run(5)
    for host in (pair.left, pair.right):
        assert {spec.integ.id for spec in host.plane.sas.values()} == {IntegId.HMAC_SHA2_256_96}


@pytest.mark.parametrize("version", [IkeVersion.V1, IkeVersion.V2])
def test_every_packet_of_a_connection_has_its_dscp(version: IkeVersion) -> None:
    left, right = (
        replace(c, connections=(replace(c.connections[0], version=version, dscp=46),)) for c in tunnel()
    )
    pair = Pair(left, right)
    pair.left.up("oregon")
    pair.run(60)
    for host in pair.hosts:
        sent = [effect for effect in host.effects if isinstance(effect, Send)]
        assert len(sent) > 2 and {effect.dscp for effect in sent} == {46}


def test_a_wrong_identity_of_the_responder_is_refused_and_told() -> None:
    _, right = tunnel()
    wrong = connection(version=IkeVersion.V2, ike="aes128-sha256-x25519", remote_id="@somebody.else")
    pair = Pair(Config((wrong,), (psk(),)), right)
    ref = pair.left.up("oregon")
    pair.run(5)
    assert (
        "calls itself '10.77.1.210', but 'oregon' expects 'somebody.else'" in pair.left.finished[ref].reason
    )
    both_clean(pair)


def test_the_peers_other_group_is_asked_for_and_used() -> None:
    # --> IKE_SA_INIT {KE modp2048}   <-- N(INVALID_KE_PAYLOAD) x25519   --> IKE_SA_INIT {KE x25519}
    left, _ = tunnel(ike="aes128-sha256-modp2048-x25519")
    _, right = tunnel(ike="aes128-sha256-x25519")
    pair = Pair(left, right)
    ref = pair.left.up("oregon")
    pair.run(5)
    matching(pair)
    assert "peer didn't accept key exchange method MODP_2048, it requested CURVE_25519" in pair.left.lines(
        ref=ref
    )


def test_a_blocked_port_4500_is_suspected_when_only_the_first_message_is_answered() -> None:
    pair = Pair(*tunnel())
    pair.network.filter = lambda _, to, data: data if to.port != 4500 else None
    ref = pair.left.up("oregon")
    pair.run(600)
    assert "answered the first message and no other: UDP port 4500" in pair.left.finished[ref].reason


def test_the_built_in_proposals_are_named_and_not_listed_in_a_refusal() -> None:
    written = (parse_proposal("aes256-sha512-modp4096", Protocol.IKE),)
    left, right = tunnel(ike="aes128-sha256-x25519")
    offers = replace(left.connections[0], proposals=written + default_proposals(Protocol.IKE, 2))
    right = replace(right, connections=(replace(right.connections[0], version=IkeVersion.V1),))
    pair = Pair(replace(left, connections=(offers,)), right)
    ref = pair.left.up("oregon")
    pair.run(5)
    assert pair.left.finished[ref].reason.endswith(
        "accepts none of what 'oregon' offers (AES_CBC_256/HMAC_SHA2_512_256/PRF_HMAC_SHA2_512/MODP_4096, "
        "the built-in ones), or has no IKEv2 conn for us"
    )


def test_under_load_a_cookie_is_asked_for_before_anything_is_kept() -> None:
    left, right = tunnel()
    right = replace(right, settings=Settings(cookie_threshold=1, block_threshold=0))
    pair = Pair(left, right)
    # a stranger whose IKE_SA stays half open: it never gets our answer
    stranger = Host("stranger", left, ip_address("192.0.2.99"), pair.network, "stranger", Recorder())
    stranger.up("oregon")
    stranger.vanish()
    pair.run(1)
    assert pair.right.snapshot.half_open == 1
    ref = pair.left.up("oregon")
    pair.run(5)
    assert any("N(COOKIE) SA KE No" in line for line in pair.left.lines(ref=ref))
    assert pair.left.finished[ref].outcome is Outcome.OK


def test_a_lost_datagram_is_sent_again_on_charons_schedule() -> None:
    pair = Pair(*tunnel())
    pair.right.vanish()
    ref = pair.left.up("oregon")
    pair.run(24, until=lambda: "retransmit 2 of request with message ID 0" in pair.left.lines(ref=ref))
    assert pair.now == pytest.approx(4 + 7.2)
    pair.run(600)
    finish = pair.left.finished[ref]
    assert finish.outcome is Outcome.FAILED
    assert finish.reason.endswith("did not answer: it is down, or UDP port 500 is filtered on the way")
    assert "giving up after 5 retransmits" in pair.left.lines(ref=ref)
    assert "peer not responding, trying again (2/3)" in pair.left.lines(ref=ref)
    assert not pair.left.ike_sas


def test_a_half_open_ike_sa_of_the_responder_is_forgotten() -> None:
    pair = Pair(*tunnel())
    pair.left.up("oregon")
    pair.left.vanish()
    pair.run(29)
    assert len(pair.right.ike_sas) == 1
    pair.run(5)
    assert not pair.right.ike_sas and pair.right.snapshot.half_open == 0


def test_a_retransmitted_first_request_gets_the_same_answer() -> None:
    pair = Pair(*tunnel())
    pair.left.up("oregon")
    first = pair.datagrams()[0]
    source, destination = pair.network.log[0][1:3]
    pair.network.send(0.0, source, destination, first)
    pair.run(5)
    answers = [d for d in pair.datagrams() if d[18] == 34 and d[19] & 0x20]
    assert len(answers) == 2 and answers[0] == answers[1]
    matching(pair)


def test_large_messages_go_in_fragments_and_arrive_whole() -> None:
    many = tuple(TrafficSelector.of(f"10.31.{n}.0/24") for n in range(100))
    left, right = tunnel(child={"local_ts": many}, fragmentation=Fragmentation.YES)
    right = tunnel(fragmentation=Fragmentation.YES)[1]
    small = Settings(fragment_size=576)
    pair = Pair(replace(left, settings=small), replace(right, settings=small))
    ref = pair.left.up("oregon")
    pair.run(5)
    matching(pair)
    assert any("splitting IKE message" in line for line in pair.left.lines(ref=ref))
    assert all(len(d) <= 576 - 28 - 4 for d in pair.datagrams())
    assert len(pair.left.installed()[0].local_ts) == 100


def test_childless_when_the_peer_can_and_we_are_told_to() -> None:
    pair = Pair(*tunnel(childless="force"))
    ref = pair.left.up("oregon")
    pair.run(5)
    assert pair.left.finished[ref].outcome is Outcome.OK  # its CHILD_SA came by CREATE_CHILD_SA
    auth = next(line for line in pair.left.lines() if "IKE_AUTH request" in line)
    assert "TSi" not in auth
    assert any("generating CREATE_CHILD_SA request 2 [ SA No TSi TSr ]" in li for li in pair.left.lines())
    matching(pair)


def test_with_rightid_any_the_initiator_takes_whatever_the_peer_calls_itself() -> None:
    left, right = tunnel()
    (oregon_,) = left.connections
    anybody = replace(oregon_, remote=(replace(oregon_.remote[0], id=ANY),))
    pair = Pair(replace(left, connections=(anybody,)), right)
    ref = pair.left.up("oregon")
    pair.run(5)
    assert pair.left.finished[ref].outcome is Outcome.OK
    assert str(pair.left.established()[0].remote_id) == FAR  # and was reached at its NAT's address
    matching(pair)


def test_a_connection_in_which_an_end_proves_nothing_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="at least one round"):
        Connection("oregon", remote=())


def test_an_ike_sa_without_children_is_replaced_when_it_is_reauthenticated() -> None:
    pair = Pair(*tunnel(childless="force"))
    pair.left.up("oregon")
    pair.run(5)
    pair.left.down("oregon{1}")
    pair.run(5)
    pair.left.handle(Rekey(pair.left.ref(), "oregon[1]", reauth=True))
    pair.run(5)
    assert [[sa.uid for sa in host.ike_sas] for host in pair.hosts] == [[2], [2]]


def test_an_ike_sa_without_children_ends_where_the_peer_wants_one_with_every_ike_sa() -> None:
    # the right announces no N(CHDLESS_SUP); the left's only CHILD_SA is closed, then it is to prove itself
    # --> INFORMATIONAL {D}   <-- INFORMATIONAL {}      and no CHILD_SA that nobody asked for
    pair = Pair(*tunnel(childless="never"))
    pair.left.up("oregon")
    pair.run(5)
    pair.left.down("oregon{1}")
    pair.run(5)
    pair.left.handle(Rekey(pair.left.ref(), "oregon[1]", reauth=True))
    pair.run(60)
    both_clean(pair)
    assert any("there is no CHILD_SA for which to make it anew" in line for line in pair.left.lines())
    assert not any("oregon{2}" in line for line in pair.left.lines())


def test_a_connection_without_children_that_the_peer_began_can_be_reauthenticated() -> None:
    # the right has no child configured, so that there is nothing that it could offer by itself
    left, right = tunnel(childless="prefer")
    (bare,) = right.connections
    pair = Pair(left, replace(right, connections=(replace(bare, children=()),)))
    pair.left.up("oregon")
    pair.run(5)
    assert pair.right.established() and not pair.right.installed()
    pair.right.handle(Rekey(pair.right.ref(), "oregon[1]", reauth=True))
    pair.run(60)
    both_clean(pair)


def test_transport_mode_is_agreed_on_and_its_selectors_are_the_hosts() -> None:
    changes = {"child": {"mode": Mode.TRANSPORT, "local_ts": (), "remote_ts": ()}}
    pair = Pair(*straight(**changes), nat=False)
    pair.left.up("oregon")
    pair.run(5)
    matching(pair)
    child = pair.left.installed()[0]
    assert child.mode == "TRANSPORT"
    assert [str(ts) for ts in child.local_ts + child.remote_ts] == [f"{OREGON}/32", f"{FAR}/32"]


def test_transport_mode_through_nats_substitutes_the_addresses() -> None:
    pair = Pair(*tunnel(child={"mode": Mode.TRANSPORT, "local_ts": (), "remote_ts": ()}))
    pair.left.up("oregon")
    pair.run(5)
    left, right = pair.left.installed()[0], pair.right.installed()[0]
    assert [str(ts) for ts in left.local_ts + left.remote_ts] == [f"{OREGON}/32", "203.0.113.77/32"]
    assert [str(ts) for ts in right.local_ts + right.remote_ts] == [f"{FAR}/32", "198.51.100.31/32"]


def test_no_secret_appears_in_any_log_line() -> None:
    pair = Pair(*tunnel())
    pair.left.up("oregon")
    pair.run(5)
    for host in pair.hosts:
        text = "\n".join(host.lines(level=4)) + repr(host.effects)
        assert "a secret for tests" not in text
        for key in secrets_in(host):
            assert key.hex() not in text


def test_deleting_the_ike_sa_cleans_both_ends() -> None:
    pair = Pair(*tunnel())
    pair.left.up("oregon")
    pair.run(5)
    ref = pair.left.down("oregon[]")
    pair.run(5)
    assert pair.left.finished[ref].outcome is Outcome.OK
    both_clean(pair)


def test_a_stopped_daemon_tells_its_peer() -> None:
    pair = Pair(*tunnel())
    pair.left.up("oregon")
    pair.run(5)
    pair.left.stop()
    pair.run(1)
    both_clean(pair)


def test_deleting_a_child_leaves_the_ike_sa() -> None:
    pair = Pair(*tunnel())
    pair.left.up("oregon")
    pair.run(5)
    ref = pair.left.down("oregon{}")
    pair.run(5)
    assert pair.left.finished[ref].text == "CHILD_SA {1} closed successfully"
    assert not pair.left.plane.sas and not pair.right.plane.sas
    assert len(pair.left.established()) == len(pair.right.established()) == 1


def test_the_other_version_is_not_answered() -> None:
    pair = Pair(tunnel()[0], oregon(IkeVersion.V1)[1])
    ref = pair.left.up("oregon")
    pair.run(5)
    assert pair.left.finished[ref].outcome is Outcome.FAILED
    assert any("no IKE config found" in line for line in pair.right.lines())


def test_a_higher_major_version_is_answered_with_the_one_that_we_speak() -> None:
    pair = Pair(*tunnel())
    pair.left.up("oregon")
    first = bytearray(pair.datagrams()[0])
    first[17] = 0x30
    _, source, destination, _ = pair.network.log[0]
    pair.right.handle(Datagram(destination, source, bytes(first)))
    answer = next(e.data for e in pair.right.effects if isinstance(e, Send))
    message = Message.decode(answer, Header.decode(answer))
    assert message.notify(NotifyType.INVALID_MAJOR_VERSION) is not None and answer[17] == 0x20
    assert not pair.right.ike_sas
