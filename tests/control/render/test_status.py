"""The text of status and statusall, against the article's output and charon's line shapes."""

from __future__ import annotations

from dataclasses import replace

from cygnet.control.render.status import connection, status
from cygnet.control.render.statusall import statusall
from cygnet.values.identity import ANY
from tests.control.states import (
    CHILD,
    CONNECTING,
    CONNECTION,
    EMPTY,
    FACTS,
    NOW,
    SA,
    SHUNT,
    TRAPPED,
    UP,
    USAGES,
)

# shared by three of the article's experiments; x.x.x.x is 198.51.100.77 here
UP_TEXT = """\
Security Associations (1 up, 0 connecting):
      oregon[1]: ESTABLISHED 5 seconds ago, 10.31.1.185[10.31.1.185]...198.51.100.77[10.77.1.210]
      oregon{1}:  INSTALLED, TUNNEL, reqid 1, ESP in UDP SPIs: c7cf7e98_i ca49bb0c_o
      oregon{1}:   10.31.0.0/16 === 10.77.0.0/16"""

ROUTED_TEXT = """\
Routed Connections:
      oregon{1}:  ROUTED, TUNNEL, reqid 1
      oregon{1}:   10.31.0.0/16 === 10.77.0.0/16
Security Associations (0 up, 0 connecting):
  none"""


def test_an_established_tunnel_reads_as_in_the_article() -> None:
    assert "\n".join(status(UP)) == UP_TEXT


def test_a_trap_without_a_tunnel_reads_as_in_the_article() -> None:
    assert "\n".join(status(TRAPPED)) == ROUTED_TEXT


def test_nothing_up_is_none_and_nothing_of_that_name_is_no_match() -> None:
    assert list(status(EMPTY)) == ["Security Associations (0 up, 0 connecting):", "  none"]
    assert list(status(UP, "other"))[-1] == "  no match"


def test_a_child_is_found_by_its_own_name_with_its_ike_sa_above() -> None:
    other = replace(CHILD, name="second", uid=2)
    lines = list(status(replace(UP, ike_sas=(replace(SA, children=(CHILD, other)),)), "second"))
    assert [line.split(":")[0].strip() for line in lines[1:]] == ["oregon[1]", "second{2}", "second{2}"]


def test_an_sa_that_is_connecting_has_no_age_and_is_counted_apart() -> None:
    assert list(status(CONNECTING)) == [
        "Security Associations (0 up, 1 connecting):",
        "      oregon[1]: CONNECTING, 10.31.1.185[10.31.1.185]...198.51.100.77[10.77.1.210]",
    ]


def test_shunts_are_listed_with_their_mode() -> None:
    lines = list(status(replace(EMPTY, routed=(SHUNT,))))
    assert lines[:2] == ["Shunted Connections:", "         lan:  10.31.0.0/16 === 10.31.0.0/16 PASS"]


def test_a_rekeyed_child_says_when_it_expires() -> None:
    ending = replace(CHILD, state="REKEYED", expires_at=NOW + 540)
    lines = list(status(replace(UP, ike_sas=(replace(SA, children=(ending,)),))))
    assert lines[2] == "      oregon{1}:  REKEYED, TUNNEL, reqid 1, expires in 9 minutes"


def test_statusall_adds_what_charon_adds() -> None:
    lines = list(statusall(UP, FACTS, "", USAGES))
    assert lines[0] == "Status of IKE daemon (cygnet 0.1.0, Linux 6.1.0, x86_64):"
    assert lines[1].startswith("  uptime: 5 minutes, since ")
    connections = lines[lines.index("Connections:") + 1 :]
    assert connections == [
        "      oregon:  10.31.1.185...198.51.100.77  IKEv1, dpddelay=30s",
        "      oregon:   local:  [10.31.1.185] uses pre-shared key authentication",
        "      oregon:   remote: [10.77.1.210] uses pre-shared key authentication",
        "      oregon:   child:  10.31.0.0/16 === 10.77.0.0/16 TUNNEL, dpdaction=restart",
        "Security Associations (1 up, 0 connecting):",
        "      oregon[1]: ESTABLISHED 5 seconds ago, 10.31.1.185[10.31.1.185]...198.51.100.77[10.77.1.210]",
        "      oregon[1]: IKEv1 SPIs: 8a3a5b0ee8d84d13_i* 9c2b6d0a14d1bd9e_r, "
        "pre-shared key reauthentication in 2 hours",
        "      oregon[1]: IKE proposal: AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048",
        "      oregon{1}:  INSTALLED, TUNNEL, reqid 1, ESP in UDP SPIs: c7cf7e98_i ca49bb0c_o",
        "      oregon{1}:  AES_CBC_128/HMAC_SHA2_256_128, 84 bytes_i (1 pkt, 3s ago), "
        "168 bytes_o (2 pkts, 3s ago), rekeying in 42 minutes",
        "      oregon{1}:   10.31.0.0/16 === 10.77.0.0/16",
    ]


def test_a_responder_and_an_sa_without_rekeying_are_marked_so() -> None:
    sa = replace(SA, initiator=False, reauth_at=None, orphan=True, tasks_active=("QUICK_MODE",))
    text = "\n".join(status(replace(UP, ike_sas=(sa,)), usages={}))
    assert "8a3a5b0ee8d84d13_i 9c2b6d0a14d1bd9e_r*, rekeying disabled" in text
    assert "oregon[1]: Tasks active: QUICK_MODE" in text
    assert "No configuration" in text
    assert "0 bytes_i, 0 bytes_o" in text


def test_identities_that_are_not_configured_are_the_addresses_where_these_are_known() -> None:
    unset = replace(CONNECTION.remote[0], id=ANY)
    conn = replace(CONNECTION, remote=(unset,))
    assert "      oregon:   remote: [198.51.100.77] uses pre-shared key authentication" in connection(conn)
    anyone = replace(conn, remote_addrs=("%any",))
    assert "      oregon:   remote: uses pre-shared key authentication" in connection(anyone)
