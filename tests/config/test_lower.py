"""What conns become in the model (facts: strongSwan's starterstroke and stroke_config)."""

from __future__ import annotations

import pytest

from cygnet.config.diagnostics import render
from cygnet.config.load import load
from cygnet.crypto.keywords import default_proposals, parse_proposal, proposal_text
from cygnet.model.config import (
    AuthMethod,
    CloseAction,
    Connection,
    IkeVersion,
    Lifetime,
    Mode,
    Pool,
    SendCert,
    StartAction,
    Unique,
)
from cygnet.values.iana import Protocol
from cygnet.values.identity import ANY, Identity
from cygnet.values.selector import OPAQUE, TrafficSelector, dynamic
from tests.config.reading import Everything, child, connection, errors, files, loaded, one, warnings

# auto, and what is left out


def test_a_conn_that_is_ignored_is_not_in_the_configuration_at_all() -> None:
    found = one("auto=ignore")
    assert found.config.connections == () and not found.ignored and not found.warnings


def test_auto_is_what_loading_the_child_does() -> None:
    actions = {"add": StartAction.NONE, "route": StartAction.TRAP, "start": StartAction.START}
    assert {word: child(f"auto={word}").start_action for word in actions} == actions


def test_a_conn_without_auto_is_mentioned_unless_others_inherit_from_it() -> None:
    found = loaded("conn base\n  left=%any\nconn typo\n  also=base\n  right=1.2.3.4\n  authby=psk\n")
    assert [(w.keyword, w.place.line) for w in found.warnings] == [("auto", 3)]
    assert "auto=add" in found.warnings[0].reason


@pytest.mark.parametrize("auto", ["", "  auto=ignore\n"])
def test_what_a_conn_that_is_not_loaded_says_is_checked_as_well(auto: str) -> None:
    good = "conn good\n  right=192.0.2.1\n  authby=psk\n  auto=add\n"
    found = loaded(
        f"conn later\n  right=%bogus\n  authby=psk\n{auto}conn last\n  authby=pubkey\n{auto}{good}"
    )
    said = warnings(found)
    assert any("right: taken for a host 'bogus'" in line for line in said)
    refused = [line for line in said if "no certificate with a private key" in line]
    assert [line.endswith("conn last is not loaded, and could not be") for line in refused] == [True]
    assert not found.errors and not found.ignored
    assert [c.name for c in found.config.connections] == ["good"]


def test_a_bad_value_in_a_conn_that_is_not_loaded_is_an_error_and_the_others_load() -> None:
    found = loaded("conn later\n  ike=aes129\nconn good\n  right=192.0.2.1\n  authby=psk\n  auto=add\n")
    assert len(found.errors) == 1 and "aes129" in errors(found)[0]
    assert [c.name for c in found.config.connections] == ["good"]


BAD_AND_OFF = (
    "conn off\n  auto=ignore\n  lifetime=soon\n",
    "conn off\n  auto=ignore\n  leftid\n",
    "conn off\n  auto=ignore\n  also=nobody\n",
    "conn off\n  lifetime=soon\n",
    "conn base\n  auto=ignore\n  right=192.0.2.9\nconn off\n  also=base\n  lifetime=soon\n",
)
BAD_AND_PERHAPS_ON = (
    "conn off\n  leftid\n",
    "conn off\n  also=nobody\n",
    "conn off\n  auto=ignroe\n",
    "conn base\n  auto=ignore\n  leftid\nconn off\n  also=base\n  auto=add\n",
)


@pytest.mark.parametrize("conf", [*BAD_AND_OFF, *BAD_AND_PERHAPS_ON])
def test_a_conn_that_is_switched_off_goes_though_it_has_errors(conf: str) -> None:
    """``ignored`` stay as they were before a reload; what was switched off must not."""
    found = loaded(conf)
    assert len(found.errors) == 1
    assert ("off" in found.ignored) == (conf in BAD_AND_PERHAPS_ON)
    reason = dict(found.config.left_out)["off"]
    assert reason.endswith("which 'cygnet check' shows")
    assert ("auto=ignore" in reason) == (conf in BAD_AND_OFF)


def test_a_conn_with_errors_is_told_that_its_auto_is_missing_too() -> None:
    found = loaded("conn x\n  right=192.0.2.1\n  authby=psk\n  lifetime=soon\n")
    assert [e.keyword for e in found.errors] == ["lifetime"]
    assert [w.keyword for w in found.warnings] == ["auto"]


def test_a_pool_of_a_conn_that_is_not_loaded_is_no_pool() -> None:
    pool = "  authby=psk\n  rightsourceip=10.3.0.0/24\n"
    off = f"conn off\n{pool}  rightdns=10.0.0.53\n  auto=ignore\n"
    found = loaded(f"{off}conn on\n{pool}  rightdns=10.0.0.54\n  auto=add\n")
    assert not found.warnings, "nothing is shared with what is not loaded"
    assert found.config.pools[0].attributes == (("dns", ("10.0.0.54",)),)


def test_a_conn_that_others_inherit_from_may_be_incomplete() -> None:
    heir = "conn one\n  also=base\n  right=192.0.2.1\n  authby=psk\n  auto=add\n"
    assert not warnings(loaded(f"conn base\n  authby=pubkey\n{heir}"))


def test_a_bad_conn_is_left_out_and_named_and_the_others_load() -> None:
    found = loaded("""
        conn good
            right=192.0.2.1
            authby=psk
            auto=add
        conn bad
            also=good
            lifetime=soon
        conn heir
            also=bad
        conn torn
            also=good
            leftid
        conn lost
            also=nobody
        conn fine
            also=good
            right=192.0.2.2
        """)
    assert found.ignored == ("bad", "heir", "torn", "lost")
    assert [c.name for c in found.config.connections] == ["good", "fine"]
    assert [e.place.line for e in found.errors] == [8, 13, 15]
    assert not found.fatal


def test_an_own_value_saves_a_conn_from_a_bad_inherited_one() -> None:
    found = loaded("conn base\n  lifetime=soon\nconn a\n  also=base\n  lifetime=2h\n  right=192.0.2.1\n"
                   "  authby=psk\n  auto=add\n")  # fmt: skip
    assert found.ignored == () and len(found.errors) == 1
    assert found.config.connections[0].children[0].time.life == 7200


def test_an_error_in_config_setup_is_fatal_and_so_is_a_missing_file() -> None:
    assert loaded("config setup\n  uniqueids=perhaps\n").fatal
    assert loaded("config setup\n  uniqueids\n").fatal
    assert load(files().__class__({})).fatal
    assert not loaded("config setup\n  uniquids=yes\n").fatal


def test_an_unknown_keyword_is_a_warning_with_the_nearest_known_one() -> None:
    found = one("rigthsubnet=10.0.0.0/8")
    assert warnings(found) == ["6:5: rigthsubnet: unknown keyword, ignored; did you mean 'rightsubnet'?"]
    assert len(found.config.connections) == 1


def test_a_keyword_of_libreswan_is_answered_with_ours() -> None:
    assert "write keyexchange=ikev2" in one("ikev2=insist").warnings[0].reason
    assert "did you mean 'route'?" in errors(one("auto=ondemand"))[0]
    assert "did you mean 'yes'?" in errors(one("mobike=true"))[0]


def test_a_setting_that_is_written_twice_is_mentioned() -> None:
    found = one("lifetime=2h;lifetime=3h;lifetime=3h")
    assert warnings(found) == ["7:5: lifetime: set again in conn x, as in /etc/ipsec.conf:6; this one counts"]
    assert found.config.connections[0].children[0].time.life == 10800


def test_both_names_of_a_keyword_are_one_setting_and_the_nearer_section_wins() -> None:
    assert child("lifetime=2h;also=y", also="conn y\n    keylife=3h\n").time.life == 7200
    assert child("keylife=2h;also=y", also="conn y\n    lifetime=3h\n").time.life == 7200


def test_an_empty_value_brings_the_default_back() -> None:
    assert child("also=y;lifetime=", also="conn y\n    lifetime=3h\n").time.life == 3600


# lifetimes


def test_an_ike_sa_is_reauthenticated_at_its_lifetime_less_the_margin() -> None:
    conn = connection("ikelifetime=28800s;margintime=9m;rekeyfuzz=50%")
    assert (conn.reauth_time, conn.rekey_time, conn.over_time, conn.rand_time) == (28260, 0, 540, 270)


def test_without_reauth_it_is_rekeyed_but_ikev1_knows_only_reauthentication() -> None:
    assert (connection("reauth=no").rekey_time, connection("reauth=no").reauth_time) == (10260, 0)
    conn = connection("reauth=no;keyexchange=ikev1")
    assert (conn.rekey_time, conn.reauth_time) == (0, 10260)


def test_a_child_has_soft_and_hard_limits_in_all_three_units() -> None:
    found = child(
        "lifetime=20m;margintime=3m;rekeyfuzz=200%;lifebytes=1000000;marginbytes=100000;lifepackets=9"
    )
    assert found.time == Lifetime(rekey=1020, life=1200, jitter=360)
    assert found.bytes == Lifetime(rekey=900000, life=1000000, jitter=200000)
    assert found.packets == Lifetime(rekey=9, life=9, jitter=0)


def test_rekey_no_takes_every_lifetime_away() -> None:
    conn = connection("rekey=no;lifebytes=1000;lifepackets=10")
    assert (conn.rekey_time, conn.reauth_time, conn.over_time, conn.rand_time) == (0, 0, 0, 0)
    assert (conn.children[0].time, conn.children[0].bytes, conn.children[0].packets) == (Lifetime(),) * 3


def test_a_margin_that_does_not_fit_shrinks_and_a_warning_says_so() -> None:
    found = one("lifetime=5m")
    assert found.config.connections[0].children[0].time == Lifetime(rekey=270, life=300, jitter=30)
    assert warnings(found) == [
        "6:14: lifetime: margintime of 540s does not fit into lifetime=300s; 30s is used"
    ]


def test_the_jitter_never_goes_below_zero() -> None:
    assert child("lifetime=10m").time == Lifetime(rekey=60, life=600, jitter=60)


# ends


def test_the_ends_are_swapped_where_right_is_this_machine() -> None:
    text = """
        conn x
            left=192.0.2.1
            leftid=@peer
            leftsubnet=10.77.0.0/16
            leftupdown=theirs
            right=10.0.0.1
            rightid=@us
            rightikeport=4711
            rightupdown=ours
            authby=psk
            auto=start
        """
    swapped = load(files(text, ""), is_local=lambda host: host == "10.0.0.1").config.connections[0]
    assert swapped.local_addrs == ("10.0.0.1",) and swapped.remote_addrs == ("192.0.2.1",)
    assert swapped.local[0].id == Identity.parse("us") and swapped.remote[0].id == Identity.parse("peer")
    assert (swapped.local_port, swapped.remote_port) == (4711, 500)
    assert swapped.children[0].remote_ts == (TrafficSelector.of("10.77.0.0/16"),)
    assert swapped.children[0].updown == "ours"
    assert loaded(text).config.connections[0].local_addrs == ("192.0.2.1",)


@pytest.mark.parametrize(
    ("left", "addrs", "identity"),
    [
        ("%any", ("%any",), ANY),
        ("%any6", ("%any6",), ANY),
        ("%defaultroute", ("%any",), ANY),
        ("198.51.100.7", ("198.51.100.7",), Identity.parse("198.51.100.7")),
        ("2001:db8::7", ("2001:db8::7",), Identity.parse("2001:db8::7")),
        ("gw.example.com", ("gw.example.com",), Identity.parse("gw.example.com")),
        ("198.51.100.7,gw.example.com", ("198.51.100.7", "gw.example.com"), ANY),
        ("198.51.100.0/24", ("198.51.100.0/24",), ANY),
        ("198.51.100.1-198.51.100.9", ("198.51.100.1-198.51.100.9",), ANY),
        ("%gw.example.com", ("gw.example.com", "%any"), Identity.parse("gw.example.com")),
    ],
)
def test_left_gives_addresses_and_where_there_is_one_the_identity(
    left: str, addrs: tuple[str, ...], identity: Identity
) -> None:
    conn = connection(f"left={left}")
    assert conn.local_addrs == addrs
    assert conn.local[0].id == identity
    peer = connection(f"right={left}").remote[0].id
    assert peer == identity


def test_a_peer_that_may_come_from_elsewhere_keeps_its_address_to_initiate_to() -> None:
    for settings in ("right=%gw.example.com", "right=gw.example.com;rightallowany=yes"):
        conn = connection(settings)
        assert conn.remote_addrs == ("gw.example.com",) and conn.allow_any


def test_ids_are_as_written_and_a_percent_sign_makes_the_peers_loose() -> None:
    conn = connection("leftid=@#0a0b;rightid=%gw.example.com")
    assert conn.local[0].id == Identity.parse("@#0a0b")
    assert conn.remote[0].id == Identity.parse("gw.example.com")
    assert connection("rightid=%any").remote[0].id == ANY


def test_the_local_port_is_the_daemons_where_the_conn_does_not_say() -> None:
    text = "conn x\n  right=192.0.2.1\n  authby=psk\n  auto=add\n"
    assert loaded(text, daemon="charon { port = 5000 }").config.connections[0].local_port == 5000
    ported = loaded(text + "  leftikeport=4711\n", daemon="charon { port = 5000 }")
    assert ported.config.connections[0].local_port == 4711


# selectors


def test_an_end_without_subnet_is_dynamic_in_the_family_of_its_address() -> None:
    assert child("").local_ts == (dynamic(4),)
    assert child("left=2001:db8::7;right=2001:db8::1").local_ts == (dynamic(6),)
    assert child("left=%any;right=2001:db8::1").local_ts == (dynamic(6),)
    assert child("left=%any6;right=%any;auto=add").remote_ts == (dynamic(6),)


def test_subnets_are_a_list_each_with_its_own_protocol_and_port() -> None:
    ts = child("leftsubnet=10.1.0.0/16, 10.2.0.0/16[tcp/http],%dynamic[udp/1000-2000],fd00::/64[17]").local_ts
    assert ts == (
        TrafficSelector.of("10.1.0.0/16"),
        TrafficSelector.of("10.2.0.0/16", 6, 80, 80),
        dynamic(4, 17, 1000, 2000),
        TrafficSelector.of("fd00::/64", 17),
    )


def test_protoport_is_for_the_subnets_that_name_none() -> None:
    ts = child("leftsubnet=10.1.0.0/16,10.2.0.0/16[udp];leftprotoport=tcp/443").local_ts
    assert ts == (TrafficSelector.of("10.1.0.0/16", 6, 443, 443), TrafficSelector.of("10.2.0.0/16", 17))
    assert child("rightprotoport=17/1701").remote_ts == (dynamic(4, 17, 1701, 1701),)
    assert child("leftprotoport=tcp/%opaque").local_ts[0].ports == OPAQUE


def test_an_icmp_type_stands_for_all_its_codes() -> None:
    assert child("leftprotoport=icmp/8").local_ts[0].ports == (0x0800, 0x08FF)
    assert child("leftprotoport=icmp/2048").local_ts[0].ports == (2048, 2048)


def test_a_range_of_addresses_is_a_selector() -> None:
    (ts,) = child("rightsubnet=10.9.0.5-10.9.0.9").remote_ts
    assert (str(ts.start), str(ts.end)) == ("10.9.0.5", "10.9.0.9")


def test_ikev1_is_warned_that_it_negotiates_one_network_only() -> None:
    found = one("keyexchange=ikev1;rightsubnet=10.1.0.0/16,10.2.0.0/16")
    assert len(found.config.connections[0].children[0].remote_ts) == 2
    assert [w.keyword for w in found.warnings] == ["rightsubnet"]
    assert not one("keyexchange=ikev2;rightsubnet=10.1.0.0/16,10.2.0.0/16").warnings


# proposals


def texts(proposals) -> list[str]:  # type: ignore[no-untyped-def]
    return [proposal_text(p) for p in proposals]


def test_strict_proposals_are_the_only_ones() -> None:
    conn = connection("ike=aes256-sha256-modp2048,aes128-sha1-modp1024!;esp=aes256-sha256!")
    assert conn.proposals == (
        parse_proposal("aes256-sha256-modp2048", Protocol.IKE, 0),
        parse_proposal("aes128-sha1-modp1024", Protocol.IKE, 0),
    )
    assert conn.children[0].proposals == (parse_proposal("aes256-sha256", Protocol.ESP, 0),)


def test_other_proposals_are_followed_by_the_built_in_ones() -> None:
    conn = connection("ike=aes256-sha256-modp2048;esp=aes256-sha256")
    assert conn.proposals[1:] == default_proposals(Protocol.IKE, 2)
    assert conn.children[0].proposals[1:] == default_proposals(Protocol.ESP, 2)
    assert connection("keyexchange=ikev1").proposals[1:] == default_proposals(Protocol.IKE, 1)


def test_without_ike_and_esp_starters_own_defaults_come_first() -> None:
    conn = connection("")
    assert conn.proposals[0] == parse_proposal("aes128-sha256-curve25519", Protocol.IKE, 0)
    assert conn.children[0].proposals[0] == parse_proposal("aes128-sha256", Protocol.ESP, 0)


def test_ah_is_not_supported_yet_and_never_beside_esp() -> None:
    assert errors(one("ah=sha256"))[0].startswith("6:8: ah: AH is not supported yet; esp is")
    assert errors(one("ah=sha256;esp=aes128-sha1")) == ["6:8: ah: a conn has either ah or esp, not both"]


def test_what_ikev1_cannot_negotiate_is_refused_for_it_alone() -> None:
    line = "ike=aes128-sha256-x25519-ke1_mlkem768!"
    assert "KE1_ML_KEM_768" in texts(connection(f"keyexchange=ikev2;{line}").proposals)[0]
    assert errors(one(f"keyexchange=ikev1;{line}")) == [
        "7:30: ike: 'ke1_mlkem768': IKEv1 has no additional key exchanges"
    ]


def test_an_algorithm_that_is_not_known_is_pointed_at() -> None:
    (complaint,) = errors(one("esp=aes128-sha1,aes256-sah256"))
    assert complaint.startswith("6:28: esp: 'sah256' is not a known algorithm; did you mean sha256")


def test_every_wrong_word_of_a_proposal_is_pointed_at_and_only_the_word() -> None:
    found = one("ike=aes128-sha256-sha2-modp2049,aes129-sha256-x25519!")
    assert [e.reason.partition("'")[2].partition("'")[0] for e in found.errors] == [
        "sha2",
        "modp2049",
        "aes129",
    ]
    assert [e.length for e in found.errors] == [4, 8, 6]
    assert "did you mean sha256 or " in found.errors[0].reason
    assert render(found.errors[0]).endswith("^~~~")


# authentication


@pytest.mark.parametrize(
    "auth",
    [
        "authby=psk",
        "authby=secret",
        "leftauth=psk;rightauth=secret",
        "leftauth=psk;rightauth=psk;authby=pubkey",
    ],
)
def test_a_pre_shared_key_is_what_works(auth: str) -> None:
    conn = connection(auth)
    assert conn.local[0].method is conn.remote[0].method is AuthMethod.PSK


@pytest.mark.parametrize(
    ("auth", "complaint"),
    [
        ("authby=", "authby: not set, so certificates are meant, and there is no certificate with a private "
                    "key for '10.0.0.1'; leftcert=FILE names one, 'cygnet pki gateway' makes one; "
                    "authby=secret is with a pre-shared key"),
        ("authby=never", "authby: nothing is to be negotiated, but the conn is no shunt (type=passthrough)"),
        ("authby=xauthpsk", "authby: XAuth is not supported yet; authby=secret is (a pre-shared key)"),
        ("leftauth=psk;rightauth=eap-tls", "rightauth: authentication by eap-tls is not supported yet; "
                                           "pubkey and psk are"),
        ("leftauth=psk;rightauth=psk;leftauth2=xauth",
         "leftauth2: a second authentication by xauth is not supported yet; pubkey and psk are"),
        ("leftcert=gw.pem;authby=pubkey;keyexchange=ikev2",
         "leftcert: 'gw.pem' cannot be read: No such file or directory"),
        ("leftauth=psk;rightauth=pubkey;keyexchange=ikev2;rightca=%same",
         "rightca: %same: the other end names no certificate"),
    ],
)  # fmt: skip
def test_an_authentication_that_does_not_work_yet_leaves_the_conn_out(auth: str, complaint: str) -> None:
    found = one(auth)
    assert [e.split(": ", 1)[1] for e in errors(found)] == [complaint]
    assert found.ignored == ("x",)


# dead peers, modes, shunts, options


def test_dpdaction_none_switches_the_checks_off() -> None:
    assert connection("dpddelay=10s").dpd_delay == 0
    conn = connection("dpdaction=clear;dpddelay=10s;dpdtimeout=1m")
    assert (conn.dpd_delay, conn.dpd_timeout) == (10.0, 60.0)


def test_actions_are_what_follows_when_a_child_is_lost() -> None:
    words = {"none": CloseAction.NONE, "clear": CloseAction.NONE, "hold": CloseAction.TRAP,
             "restart": CloseAction.START}  # fmt: skip
    for word, action in words.items():
        assert child(f"dpdaction={word}").dpd_action is action
        assert child(f"closeaction={word}").close_action is action


@pytest.mark.parametrize(
    ("word", "mode"),
    [("pass", Mode.PASS), ("passthrough", Mode.PASS), ("drop", Mode.DROP), ("reject", Mode.REJECT)],
)
def test_a_shunt_needs_no_authentication_and_no_known_peer(word: str, mode: Mode) -> None:
    found = one(f"type={word};authby=pubkey;right=%any;auto=route;rightsubnet=10.5.0.0/16")
    assert not found.errors and not found.warnings
    assert found.config.connections[0].children[0].mode is mode


def test_a_virtual_address_makes_a_tunnel_of_transport_mode() -> None:
    found = one("type=transport;leftsourceip=%config")
    assert found.config.connections[0].children[0].mode is Mode.TUNNEL
    assert [w.keyword for w in found.warnings] == ["type"]
    assert child("type=transport").mode is Mode.TRANSPORT


@pytest.mark.parametrize("right", ["%any", "192.0.2.0/24", "192.0.2.1-192.0.2.9", "2001:db8::1-2001:db8::9"])
def test_an_end_that_cannot_begin_is_warned_about_where_it_should(right: str) -> None:
    for auto in ("start", "route"):
        assert [w.keyword for w in one(f"right={right};auto={auto}").warnings] == ["auto"]
    assert not one(f"right={right};auto=add").warnings
    assert not one("right=gw-1.example.com;auto=start").warnings


def test_small_options_arrive_where_they_belong() -> None:
    conn = connection(
        "aggressive=yes;mobike=no;forceencaps=yes;keyingtries=%forever;reqid=7;"
        "tfc=%mtu;replay_window=128;inactivity=5m;installpolicy=no;leftupdown=/bin/up a b;"
        "ikedscp=101110;sha256_96=yes"
    )
    assert (conn.aggressive, conn.mobike, conn.force_encap, conn.keyingtries) == (True, False, True, 0)
    only = conn.children[0]
    assert (only.reqid, only.tfc_padding, only.replay_window, only.inactivity) == (7, -1, 128, 300)
    assert (only.install_policy, only.updown) == (False, "/bin/up a b")
    assert (conn.dscp, only.sha256_96) == (0b101110, True)


def test_the_replay_window_is_the_daemons_where_the_conn_does_not_say() -> None:
    text = "conn x\n  right=192.0.2.1\n  authby=psk\n  auto=add\n"
    found = loaded(text, daemon="charon { replay_window = 1024 }")
    assert found.config.connections[0].children[0].replay_window == 1024


def test_config_setup_goes_to_the_settings_and_the_unique_policy_to_every_connection() -> None:
    found = loaded("config setup\n  uniqueids=never\n  charondebug=\"ike 2, net -1\"\n"
                   "conn x\n  right=192.0.2.1\n  authby=psk\n  auto=add\n")  # fmt: skip
    assert found.config.settings.unique is Unique.NEVER
    assert found.config.settings.log_levels == (("ike", 2), ("net", -1))
    assert found.config.connections[0].unique is Unique.NEVER
    assert connection("").unique is Unique.REPLACE


def test_the_version_is_as_written() -> None:
    words = {"ike": IkeVersion.ANY, "ikev1": IkeVersion.V1, "ikev2": IkeVersion.V2}
    assert {word: connection(f"keyexchange={word}").version for word in words} == words


# virtual addresses and pools


@pytest.mark.parametrize(
    ("settings", "vips"),
    [
        ("leftsourceip=%config", ("0.0.0.0",)),
        ("leftsourceip=%modeconfig;left=2001:db8::7;right=2001:db8::1", ("::",)),
        ("leftsourceip=%config;rightsubnet=fd00::/64", ("::",)),
        ("leftsourceip=%config;leftsubnet=fd00::/64;rightsubnet=10.0.0.0/8", ("::",)),
        ("leftsourceip=%config4,%config6", ("0.0.0.0", "::")),
        ("leftsourceip=10.9.0.1,fd00::1", ("10.9.0.1", "fd00::1")),
    ],
)
def test_leftsourceip_is_what_is_asked_for(settings: str, vips: tuple[str, ...]) -> None:
    assert connection(settings).vips == vips


def test_rightsourceip_is_a_pool_with_its_servers_shared_by_those_who_write_the_same() -> None:
    found = loaded("""
        conn %default
            authby=psk
            right=%any
            rightsourceip=10.3.0.0/24,fd03::/120
            rightdns=10.0.0.53
            auto=add
        conn a
            rightid=@a
        conn b
            rightid=@b
        """)
    assert [c.pools for c in found.config.connections] == [("10.3.0.0/24", "fd03::/120")] * 2
    dns = (("dns", ("10.0.0.53",)),)
    assert found.config.pools == (
        Pool("10.3.0.0/24", "10.3.0.0/24", dns),
        Pool("fd03::/120", "fd03::/120", dns),
    )


def test_conns_that_share_a_pool_with_other_servers_are_warned() -> None:
    found = loaded("conn a\n  authby=psk\n  rightsourceip=10.3.0.0/24\n  rightdns=10.0.0.53\n  auto=add\n"
                   "conn b\n  also=a\n  rightid=@b\n  rightdns=10.0.0.54\n")  # fmt: skip
    assert found.config.pools[0].attributes == (("dns", ("10.0.0.53", "10.0.0.54")),)
    assert [w.keyword for w in found.warnings] == ["rightdns"]


@pytest.mark.parametrize("settings", ["leftsourceip=%config", "rightsourceip=10.3.0.0/24"])
def test_ikev1_has_no_virtual_addresses_yet(settings: str) -> None:
    assert "IKEv1 (Mode Config)" in errors(one(f"keyexchange=ikev1;{settings}"))[0]


def test_an_end_cannot_give_and_ask_for_addresses() -> None:
    found = one("leftsourceip=%config;rightsourceip=10.3.0.0/24")
    assert found.config.connections[0].vips == ()
    assert [w.keyword for w in found.warnings] == ["leftsourceip"]


@pytest.mark.parametrize(
    "settings",
    [
        "rightsourceip=%dhcp",
        "rightsourceip=%bigpool",
        "rightsourceip=%config",
        "leftsourceip=%bigpool",
        "leftsourceip=10.3.0.0/24",
    ],
)
def test_pools_that_do_not_exist_yet_leave_the_conn_out(settings: str) -> None:
    assert len(errors(one(settings))) == 1


def test_a_pool_of_a_conn_that_is_left_out_is_left_out_too() -> None:
    assert one("rightsourceip=10.3.0.0/24,%dhcp").config.pools == ()
    assert len(one("rightsourceip=10.3.0.0/24").config.pools) == 1


# merging


SITES = """
    conn base
        right=192.0.2.1
        authby=psk
        keyexchange=ikev2
    conn net1
        also=base
        rightsubnet=10.1.0.0/16
        auto=start
    conn other
        also=base
        right=192.0.2.2
        auto=add
    conn net2
        also=base
        rightsubnet=10.2.0.0/16
        lifetime=2h
        auto=route
    """


def test_conns_that_agree_about_the_peer_are_one_connection_with_several_children() -> None:
    found = loaded(SITES)
    assert [c.name for c in found.config.connections] == ["net1", "other"]
    first = found.config.connections[0]
    assert [c.name for c in first.children] == ["net1", "net2"]
    assert [c.start_action for c in first.children] == [StartAction.START, StartAction.TRAP]
    assert [c.time.life for c in first.children] == [3600, 7200]


def test_conns_that_disagree_about_the_ike_sa_stay_apart() -> None:
    found = loaded(SITES + "        ikelifetime=4h\n")
    assert [c.name for c in found.config.connections] == ["net1", "other", "net2"]


# ca sections


def test_a_ca_without_its_certificate_is_an_error() -> None:
    missing = errors(loaded("ca x\n  auto=add\n  cacert=c.pem\n"))
    assert missing == ["1:1: : ca 'x' is not loaded: 'c.pem' cannot be read: No such file or directory"]
    assert "cacert is missing" in errors(loaded("ca x\n  auto=add\n"))[0]
    assert errors(loaded("ca x\n  auto=now\n"))[0].startswith("2:8: auto: 'now' is not one of ignore, add")
    assert "no section 'b'" in errors(loaded("ca x\n  also=b\n"))[0]


# certificates


def of(settings: str) -> Connection:
    return connection(f"authby=pubkey;keyexchange=ikev2;{settings}", credentials=Everything)


def test_an_end_without_an_identity_is_called_as_its_certificate() -> None:
    conn = of("leftcert=gw.pem;rightcert=peer.pem,other.pem")
    assert str(conn.local[0].id) == "CN=gw.pem" and str(conn.remote[0].id) == "CN=peer.pem"
    assert conn.local[0].certs == ("gw.pem",) and conn.remote[0].certs == ("peer.pem", "other.pem")


def test_what_is_wanted_of_certificates_goes_into_the_rounds() -> None:
    conn = of(
        "leftcert=gw.pem;leftsendcert=always;rightid=%vpn.example.org;rightca=%same;"
        "rightcertpolicy=1.2.3,1.2.4"
    )
    (local,), (remote,) = conn.local, conn.remote
    assert local.send_cert is SendCert.ALWAYS and remote.send_cert is SendCert.IF_ASKED
    assert remote.loose_id and str(remote.id) == "vpn.example.org"
    assert [str(ca) for ca in remote.authorities] == ["CN=Root"]
    assert remote.policies == ("1.2.3", "1.2.4")


def test_constraints_are_kept_and_a_wrong_word_in_them_is_an_error() -> None:
    found = one(
        "leftauth=rsa-2048-sha256;rightauth=ecdsa-384-sha384;leftcert=gw.pem;keyexchange=ikev2;authby=",
        credentials=Everything,
    )
    (conn,) = found.config.connections
    assert (conn.local[0].method_detail, conn.remote[0].method_detail) == (
        "rsa-2048-sha256",
        "ecdsa-384-sha384",
    )
    assert "'sha257' is none of" in errors(one("leftauth=pubkey-sha257"))[0]
