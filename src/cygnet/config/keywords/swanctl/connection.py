"""``connections.NAME``: what belongs to the IKE_SA."""

from __future__ import annotations

from cygnet.config.keywords.addresses import ADDRESSES
from cygnet.config.keywords.authentication import PPK_ID
from cygnet.config.keywords.row import Keyword, Status, by_name
from cygnet.config.keywords.swanctl.types import BOOL, HOSTS, TIME, WORDS, proposals
from cygnet.config.keywords.types import DSCP, TEXT, integer, one_of, words
from cygnet.model.config import Fragmentation, IkeVersion, SendCert, Unique
from cygnet.values.iana import Protocol

_P = Status.PLANNED
_NO_XFRM = "the data plane has no XFRM interfaces"
_PORT = integer(0, 0xFFFF)

CONNECTION = (
    Keyword(
        "version",
        words({"0": IkeVersion.ANY, "1": IkeVersion.V1, "2": IkeVersion.V2}),
        "0",
        "IKE version; 0 initiates IKEv2 and accepts both.",
        "version",
    ),
    Keyword(
        "local_addrs",
        HOSTS,
        "%any",
        "Addresses of this end; %any: the one that leads to the peer.",
        "local_addrs",
    ),
    Keyword(
        "remote_addrs",
        HOSTS,
        "%any",
        "Addresses of the peer; the first is tried by an initiator.",
        "remote_addrs",
    ),
    Keyword("local_port", _PORT, "500", "UDP port of this end.", "local_port"),
    Keyword("remote_port", _PORT, "500", "UDP port of the peer.", "remote_port"),
    Keyword(
        "proposals",
        proposals(Protocol.IKE),
        "default",
        "What is offered and taken for the IKE_SA; nothing is added to what is written.",
    ),
    Keyword(
        "vips", ADDRESSES, None, "Virtual addresses to ask the peer for; 0.0.0.0 and :: for any.", "vips"
    ),
    Keyword("aggressive", BOOL, "no", "IKEv1 Aggressive Mode.", "aggressive"),
    Keyword("pull", BOOL, "yes", "IKEv1 Mode Config: the client asks (yes) or the server pushes.", "pull"),
    Keyword("dscp", DSCP, "000000", "DSCP of the IKE packets.", "dscp"),
    Keyword("encap", BOOL, "no", "Encapsulate ESP in UDP even without NAT.", "force_encap"),
    Keyword("mobike", BOOL, "yes", "Move tunnels to other addresses (RFC 4555).", "mobike"),
    Keyword("dpd_delay", TIME, "0s", "Silence before a liveness check; 0: none.", "dpd_delay"),
    Keyword(
        "dpd_timeout",
        TIME,
        "0s",
        "IKEv1: silence after which the peer is gone; 0: after the retransmissions.",
        "dpd_timeout",
    ),
    Keyword(
        "fragmentation",
        words({f.value: f for f in Fragmentation}),
        "yes",
        "IKE fragmentation.",
        "fragmentation",
    ),
    Keyword(
        "childless",
        one_of("allow", "prefer", "force", "never"),
        "allow",
        "IKE_SAs without a CHILD_SA (RFC 6023).",
        "childless",
    ),
    Keyword(
        "send_certreq",
        BOOL,
        "yes",
        "Ask the peer for certificates.",
        status=_P,
        note="the peer is always told which CAs are trusted",
    ),
    Keyword(
        "send_cert", words({s.value: s for s in SendCert}), "ifasked", "When our certificate goes along."
    ),
    Keyword(
        "ocsp",
        one_of("never", "reply", "request", "both"),
        "reply",
        "Stapled OCSP answers (RFC 4806).",
        status=_P,
    ),
    Keyword("ppk_id", PPK_ID, None, "Post-quantum preshared key (RFC 8784) to use.", "ppk_id"),
    Keyword("ppk_required", BOOL, "no", "Refuse a peer that uses none.", "ppk_required"),
    Keyword(
        "keyingtries",
        integer(0, 0xFFFFFFFF),
        "1",
        "Attempts at a negotiation; 0: without end.",
        "keyingtries",
    ),
    Keyword(
        "unique",
        words({u.value: u for u in (Unique.NO, Unique.NEVER, Unique.KEEP, Unique.REPLACE)}),
        "no",
        "What happens when the same peer connects again.",
        "unique",
    ),
    Keyword("reauth_time", TIME, None, "Time until reauthentication; 0: never."),
    Keyword("rekey_time", TIME, None, "Time until the IKE_SA is rekeyed; 4h where no reauth_time is set."),
    Keyword("over_time", TIME, None, "Time after these until the IKE_SA is closed; a tenth of them."),
    Keyword("rand_time", TIME, None, "Random time that is subtracted from them; as over_time."),
    Keyword("pools", WORDS, None, "Pools to give virtual addresses from.", "pools"),
    Keyword("if_id_in", TEXT, "0", "XFRM interface.", status=_P, note=_NO_XFRM),
    Keyword("if_id_out", TEXT, "0", "XFRM interface.", status=_P, note=_NO_XFRM),
    Keyword("mediation", BOOL, "no", "Mediation extension.", status=_P),
    Keyword("mediated_by", TEXT, None, "Mediation extension.", status=_P),
    Keyword("mediation_peer", TEXT, None, "Mediation extension.", status=_P),
)
BY_NAME = by_name(CONNECTION)
