"""Keywords of a conn that belong to neither end (COMPATIBILITY §2.3)."""

from __future__ import annotations

from cygnet.config.keywords import foreign
from cygnet.config.keywords.addresses import GATEWAY
from cygnet.config.keywords.authentication import EAP_IDENTITY, IDENTITY, PPK_ID
from cygnet.config.keywords.proposals import proposals
from cygnet.config.keywords.row import Keyword, Status, by_name
from cygnet.config.keywords.types import (
    COUNT,
    DSCP,
    MARK,
    PERCENT,
    TEXT,
    TIME,
    YES_NO,
    integer,
    one_of,
    words,
)
from cygnet.model.config import Fragmentation, IkeVersion, Mode
from cygnet.values.iana import Protocol

_P = Status.PLANNED
_ACTION = one_of("none", "clear", "hold", "restart", elsewhere=foreign.ACTION)
_MEDIATION = "the mediation extension is not supported yet"

AUTO = one_of("ignore", "add", "route", "start", elsewhere=foreign.AUTO)
MODE = words(
    {
        "tunnel": Mode.TUNNEL,
        "transport": Mode.TRANSPORT,
        "transport_proxy": Mode.TRANSPORT,
        "beet": Mode.BEET,
        "passthrough": Mode.PASS,
        "pass": Mode.PASS,
        "drop": Mode.DROP,
        "reject": Mode.REJECT,
    },
    foreign.MODE,
)
AUTHBY = one_of(
    "psk", "secret", "pubkey", "rsa", "rsasig", "ecdsa", "ecdsasig", "xauthpsk", "xauthrsasig", "never",
    elsewhere=foreign.AUTHBY,
)  # fmt: skip
KEYEXCHANGE = words(
    {"ike": IkeVersion.ANY, "ikev1": IkeVersion.V1, "ikev2": IkeVersion.V2}, foreign.KEYEXCHANGE
)

CONN = (
    Keyword("also", TEXT, None, "Take the settings of another conn, where this one has none; may stand "
            "several times, the last one counts most."),
    Keyword("auto", AUTO, "ignore", "What loading the conn does: nothing at all (ignore), make it known "
            "(add), install a trap that brings it up when traffic begins (route), bring it up (start).",
            "Child.start_action"),
    Keyword("keyexchange", KEYEXCHANGE, "ike", "IKE version; ike initiates IKEv2 and accepts both.",
            "Connection.version"),
    Keyword("type", MODE, "tunnel", "Tunnel or transport mode, or a policy without IPsec: pass, drop "
            "(silently), reject (with an ICMP answer). beet and transport_proxy are not supported yet.",
            "Child.mode"),
    Keyword("authby", AUTHBY, "pubkey", "How both ends authenticate; only used where neither leftauth nor "
            "rightauth is set.", "Connection.local, remote"),
    Keyword("ike", proposals(Protocol.IKE), "aes128-sha256-curve25519", "Algorithms of the IKE_SA. The "
            "built-in proposals are appended unless it ends with !.", "Connection.proposals"),
    Keyword("esp", proposals(Protocol.ESP), None, "Algorithms of ESP; a group makes rekeying do a new key "
            "exchange (PFS). aes128-sha256 where ah is not set either.", "Child.proposals"),
    Keyword("ah", proposals(Protocol.AH), None, "Algorithms of AH, in place of esp. Not supported yet.",
            "Child.proposals"),
    Keyword("aggressive", YES_NO, "no", "IKEv1 Aggressive Mode: faster, and a PSK can then be guessed "
            "off-line by whoever listens.", "Connection.aggressive"),
    Keyword("mobike", YES_NO, "yes", "IKEv2: follow changes of address.", "Connection.mobike"),
    Keyword("forceencaps", YES_NO, "no", "ESP in UDP even where there is no NAT.", "Connection.force_encap"),
    Keyword("fragmentation", words({f.value: f for f in Fragmentation}), "yes", "IKE fragmentation: never, "
            "only take (accept), use it where the peer can (yes), use it from the first message (force).",
            "Connection.fragmentation"),
    Keyword("childless", one_of("allow", "prefer", "force", "never"), "allow", "IKEv2: set the IKE_SA up "
            "without a CHILD_SA, which follows in an exchange of its own (RFC 6023): where the peer asks for "
            "it (allow), where the peer can (prefer), or not otherwise (force).",
            "Connection.childless", own=True),
    Keyword("ppk_id", PPK_ID, None, "IKEv2: mix the post-quantum preshared key of this name into the keys "
            "(RFC 8784); ipsec.secrets has it, as `@name : PPK \"...\"`.", "Connection.ppk_id", own=True),
    Keyword("ppk_required", YES_NO, "no", "IKEv2: no IKE_SA without a post-quantum preshared key.",
            "Connection.ppk_required", own=True),
    Keyword("resumption", YES_NO, "no", "IKEv2: ask for, give and take tickets that bring a lost IKE_SA "
            "back without a key exchange (RFC 5723).", "Connection.session_resumption", own=True),
    Keyword("redirect_to", GATEWAY, None, "IKEv2: send peers of this conn to another gateway (an address "
            "or a name) once they have proven who they are (RFC 5685).", "Connection.redirect_to", own=True),
    Keyword("ikedscp", DSCP, "000000", "DSCP of the IKE packets sent.", "Connection.dscp"),
    Keyword("ikelifetime", TIME, "3h", "How long an IKE_SA lives.",
            "Connection.rekey_time, reauth_time, over_time"),
    Keyword("lifetime", TIME, "1h", "How long a CHILD_SA lives.", "Child.time", aliases=("keylife",)),
    Keyword("margintime", TIME, "9m", "How long before the end of its life an SA is replaced.",
            "Child.time, Connection.over_time", aliases=("rekeymargin",)),
    Keyword("rekeyfuzz", PERCENT, "100%", "By how much, at random, the margins are made longer.",
            "Child.time, Connection.rand_time"),
    Keyword("lifebytes", COUNT, "0", "Bytes until a CHILD_SA ends; 0: no limit.", "Child.bytes"),
    Keyword("marginbytes", COUNT, "0", "Bytes before lifebytes at which it is replaced.", "Child.bytes"),
    Keyword("lifepackets", COUNT, "0", "Packets until a CHILD_SA ends; 0: no limit.", "Child.packets"),
    Keyword("marginpackets", COUNT, "0", "Packets before lifepackets at which it is replaced.",
            "Child.packets"),
    Keyword("keyingtries", integer(0, 2**32 - 1, ("%forever", 0)), "3", "How often a negotiation is tried.",
            "Connection.keyingtries"),
    Keyword("rekey", YES_NO, "yes", "Replace SAs before they end; no: they have no lifetime either.",
            "Child.time, Connection.rekey_time"),
    Keyword("reauth", YES_NO, "yes", "Replace the IKE_SA by authenticating anew (always so in IKEv1), not "
            "by rekeying.", "Connection.reauth_time"),
    Keyword("compress", YES_NO, "no", "Offer IP compression.", status=_P,
            note="packets are sent uncompressed"),
    Keyword("installpolicy", YES_NO, "yes", "Install policies for the selectors.", "Child.install_policy"),
    Keyword("dpdaction", _ACTION, "none", "When the peer is gone: forget it (clear), install a trap (hold), "
            "negotiate anew (restart). none: never look.", "Child.dpd_action, Connection.dpd_delay"),
    Keyword("dpddelay", TIME, "30s", "Silence after which the peer is asked whether it lives.",
            "Connection.dpd_delay"),
    Keyword("dpdtimeout", TIME, "150s", "IKEv1: silence after which it is gone; IKEv2 retransmits instead.",
            "Connection.dpd_timeout"),
    Keyword("closeaction", _ACTION, "none", "The same as dpdaction, when the peer closes the CHILD_SA.",
            "Child.close_action"),
    Keyword("inactivity", TIME, "0s", "Close a CHILD_SA that carried nothing for so long; 0: never.",
            "Child.inactivity"),
    Keyword("sha256_96", YES_NO, "no", "Truncate HMAC-SHA-256 of ESP to 96 bits, as a draft once "
            "had it; it is not negotiated, both ends need it.", "Child.sha256_96"),
    Keyword("modeconfig", one_of("pull", "push"), "pull", "IKEv1: whether the client asks for its virtual "
            "address or the server tells it.", status=_P),
    Keyword("xauth", one_of("client", "server"), "client", "The role in XAuth.", status=_P),
    Keyword("xauth_identity", IDENTITY, None, "The XAuth user.", status=_P),
    Keyword("eap_identity", EAP_IDENTITY, None, "The EAP identity.", status=_P),
    Keyword("aaa_identity", IDENTITY, None, "Identity of the AAA server behind the gateway.", status=_P),
    Keyword("mediation", YES_NO, "no", "Be a mediation connection.", status=_P, note=_MEDIATION),
    Keyword("mediated_by", TEXT, None, "Mediation connection to use.", status=_P, note=_MEDIATION),
    Keyword("me_peerid", IDENTITY, None, "Who the mediation server knows the peer as.", status=_P,
            note=_MEDIATION),
    Keyword("reqid", integer(0, 2**32 - 1), "0", "Number that ties policies and SAs together; 0: chosen.",
            "Child.reqid"),
    Keyword("replay_window", integer(0, 65536, ("-1", -1)), "-1", "Packets that may arrive late; 0: no "
            "replay protection; -1: charon.replay_window.", "Child.replay_window"),
    Keyword("mark", MARK, None, "XFRM mark of both directions.", status=_P),
    Keyword("mark_in", MARK, None, "XFRM mark inbound.", status=_P),
    Keyword("mark_out", MARK, None, "XFRM mark outbound.", status=_P),
    Keyword("tfc", integer(0, 65535, ("%mtu", -1)), "0", "Pad ESP packets to this length; %mtu: to the "
            "path's.", "Child.tfc_padding"),
    Keyword("pfs", TEXT, None, "Without effect.", aliases=("pfsgroup",), status=Status.DEPRECATED,
            note="PFS is on when esp= names a group, as in esp=aes128-sha256-x25519"),
    Keyword("eap", TEXT, None, "Without effect.", status=Status.DEPRECATED, note="use leftauth=eap-..."),
)  # fmt: skip

BY_NAME = by_name(CONN)
