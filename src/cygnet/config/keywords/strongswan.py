"""Keys of strongswan.conf that cygnet knows, by their dotted path. All others are left alone:
strongSwan has hundreds, and a file that serves both must not be complained about."""

from __future__ import annotations

import re

from cygnet.config.diagnostics import BadValue, quoted
from cygnet.config.keywords.addresses import GATEWAYS, address
from cygnet.config.keywords.logging import LEVEL
from cygnet.config.keywords.row import Keyword, Type, by_name
from cygnet.config.keywords.types import TEXT, braces_bool, braces_seconds, one_of


def _integer(low: int, high: int) -> Type[int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,10}|0[xX][0-9a-fA-F]{1,8}", text):
            raise BadValue(text, f"{quoted(text)} is not a whole number (10, 0x0a)")
        value = int(text, 16 if text[1:2] in ("x", "X") else 10)
        if not low <= value <= high:
            raise BadValue(text, f"{quoted(text)} is not in {low}..{high}")
        return value

    return Type(f"{low}..{high}", parse)


def _seconds(text: str) -> float:
    return float(braces_seconds(text))


def _decimal(low: float, high: float) -> Type[float]:
    def parse(text: str) -> float:
        if not re.fullmatch(r"[0-9]{1,10}(\.[0-9]{1,10})?", text):
            raise BadValue(text, f"{quoted(text)} is not a number (4, 1.8)")
        if not low <= float(text) <= high:
            raise BadValue(text, f"{quoted(text)} is not in {low:g}..{high:g}")
        return float(text)

    return Type(f"{low:g}..{high:g}, decimals allowed", parse)


BOOL = Type("yes, no", braces_bool)
SECONDS = Type("time: N, Ns, Nm, Nh or Nd", _seconds)
ADDRESS = Type("IP address", address)
PORT = _integer(0, 65535)
COUNT = _integer(0, 2**31 - 1)

#: charon.*: the field of Settings that each goes to is its target.
CHARON = (
    Keyword("port", PORT, "500", "UDP port of IKE; 0: any free one.", "port"),
    Keyword("port_nat_t", PORT, "4500", "UDP port of IKE and ESP behind a NAT; 0: any free one.",
            "port_nat_t"),
    Keyword("retransmit_timeout", _decimal(0.001, 3600), "4.0", "Seconds before a message is sent again.",
            "retransmit_timeout"),
    Keyword("retransmit_base", _decimal(1, 10), "1.8", "Factor by which the wait grows each time.",
            "retransmit_base"),
    Keyword("retransmit_tries", _integer(0, 1000), "5", "How often a message is sent again.",
            "retransmit_tries"),
    Keyword("retransmit_jitter", _integer(0, 20), "0", "Percent by which a wait is made shorter at random.",
            "retransmit_jitter"),
    Keyword("retransmit_limit", SECONDS, "0", "Longest wait; 0: no limit.", "retransmit_limit"),
    Keyword("keep_alive", SECONDS, "20s", "How often a NAT is kept open; 0: never.", "keep_alive"),
    Keyword("half_open_timeout", SECONDS, "30s", "How long a peer may take to complete a negotiation.",
            "half_open_timeout"),
    Keyword("init_limit_half_open", COUNT, "0", "Half-open IKE_SAs above which new peers are refused; "
            "0: no limit.", "init_limit_half_open"),
    Keyword("cookie_threshold", COUNT, "30", "Half-open IKE_SAs above which peers must return a cookie; "
            "0: never.", "cookie_threshold"),
    Keyword("block_threshold", COUNT, None, "Half-open IKE_SAs of one address above which it is refused; "
            "0: no limit. Unset: from the fifth on IKEv2 peers must return a cookie.", "block_threshold"),
    Keyword("dos_protection", BOOL, "yes", "Whether the two thresholds apply.", "dos_protection"),
    Keyword("fragment_size", _integer(0, 65535), "1280", "Largest IP packet with an IKE fragment; 0: 1280 "
            "with IPv6, 576 with IPv4.", "fragment_size"),
    Keyword("max_packet", _integer(576, 65535), "10000", "Largest IKE message that is taken.", "max_packet"),
    Keyword("reuse_ikesa", BOOL, "yes", "Use an IKE_SA that is up for another child of the same peer.",
            "reuse_ikesa"),
    Keyword("retry_initiate_interval", SECONDS, "0", "Wait before trying again where a name did not "
            "resolve; 0: never.", "retry_initiate_interval"),
    Keyword("delete_rekeyed", BOOL, "no", "IKEv1: delete a rekeyed CHILD_SA at once.", "delete_rekeyed"),
    Keyword("delete_rekeyed_delay", SECONDS, "5s", "How long a rekeyed inbound SA is kept for packets on "
            "their way.", "delete_rekeyed_delay"),
    Keyword("close_ike_on_child_failure", BOOL, "no", "Close the IKE_SA where its first CHILD_SA fails.",
            "close_ike_on_child_failure"),
    Keyword("make_before_break", BOOL, "yes", "IKEv2: reauthenticate with the new IKE_SA up before the old "
            "one goes.", "make_before_break"),
    Keyword("follow_redirects", BOOL, "yes", "IKEv2: follow a gateway's REDIRECT.", "follow_redirects"),
    Keyword("redirect", one_of("no", "yes", "auto"), "no", "IKEv2: send new clients "
            "to other gateways (RFC 5685): never, always, or from cookie_threshold on (auto).",
            "redirect", own=True),
    Keyword("redirect_to", GATEWAYS, None, "These gateways, in turn.", "redirect_to", own=True),
    Keyword("ticket_lifetime", _integer(60, 7 * 86400), "3600", "Seconds for which a client can resume an "
            "IKE_SA (conns with resumption=yes).", "ticket_lifetime", own=True),
    Keyword("crash_detection", BOOL, "yes", "IKEv2: let peers find out at once that this end has lost its "
            "IKE_SAs, and find it out of them (RFC 6290).", "crash_detection", own=True),
    Keyword("prefer_configured_proposals", BOOL, "yes", "As responder, choose in our order of proposals, "
            "not in the peer's.", "prefer_configured_proposals"),
    Keyword("i_dont_care_about_security_and_use_aggressive_mode_psk", BOOL, "no", "As responder, take "
            "Aggressive Mode with a PSK, which whoever listens can then guess off-line.",
            "aggressive_psk_responder"),
    Keyword("accept_unencrypted_mainmode_messages", BOOL, "no", "Take unencrypted third messages of Main "
            "Mode.", "accept_unencrypted_mainmode"),
    Keyword("cache_crls", BOOL, "no", "Keep CRLs that were fetched in ipsec.d/crls (also: cachecrls).",
            "cache_crls"),
    Keyword("rsa_pss", BOOL, "no", "IKEv2: sign with RSASSA-PSS also where leftauth does not say rsa/pss.",
            "rsa_pss"),
    Keyword("signature_authentication", BOOL, "yes", "IKEv2: signatures by RFC 7427, with negotiated hashes; "
            "without it RSA signs over SHA-1.", "signature_authentication"),
    Keyword("signature_authentication_constraints", BOOL, "yes", "IKEv2: hashes in rightauth are meant for "
            "the peer's signature as well as for its certificates; ike:... always is.",
            "signature_constraints"),
    Keyword("hash_and_url", BOOL, "no", "IKEv2: let peers send a URL of their certificate, and look it up.",
            "hash_and_url"),
    Keyword("plugins.revocation.enable_crl", BOOL, "yes", "Whether CRLs are used and fetched.", "use_crls"),
    Keyword("plugins.revocation.enable_ocsp", BOOL, "yes", "Whether OCSP responders are asked.", "use_ocsp"),
    Keyword("plugins.revocation.timeout", SECONDS, "10s", "How long a CRL or an OCSP answer is waited for; "
            "with strictcrlpolicy=no at most 4s.", "revocation_timeout"),
    Keyword("plugins.curl.redir", _integer(-1, 2**31 - 1), "5", "Redirects that are followed when fetching; "
            "-1 and all above 5: 5.", "redirects"),
    Keyword("replay_window", _integer(0, 65536), "32", "Packets that may arrive late, where the conn does "
            "not say.", "replay_window"),
    Keyword("inactivity_close_ike", BOOL, "no", "Close the IKE_SA with its last idle CHILD_SA.",
            "inactivity_close_ike"),
    Keyword("send_vendor_id", BOOL, "no", "Tell the peer who made this.", "send_vendor_id"),
    Keyword("install_routes", BOOL, "yes", "Install routes for the tunnels.", "install_routes"),
    Keyword("drop_unprotected", BOOL, "yes", "Drop what arrives in the clear although a policy wants it "
            "protected (userspace plane, with nft).", "drop_unprotected", own=True),
    Keyword("routing_table", _integer(0, 2**31 - 1), "220", "The routing table for them.", "routing_table"),
    Keyword("routing_table_prio", _integer(0, 2**31 - 1), "220", "Priority of the rule for that table.",
            "routing_table_prio"),
    Keyword("dns1", ADDRESS, None, "DNS server told to all clients that ask.", "dns"),
    Keyword("dns2", ADDRESS, None, "Another one.", "dns"),
    Keyword("nbns1", ADDRESS, None, "WINS server told to all clients that ask.", "nbns"),
    Keyword("nbns2", ADDRESS, None, "Another one.", "nbns"),
)  # fmt: skip

#: below it a section for each module (libopensc, libsofthsm2, a vendor's), with its path
PKCS11_MODULES = "charon.plugins.pkcs11.modules"
PKCS11_MODULE = Keyword("path", TEXT, None, "The PKCS#11 module (a shared library).", "path")

#: charon.filelog.<name>: beside these, a level for each log group and ``default``.
FILELOG = (
    Keyword("path", TEXT, None, "The file; without it the section's name is the path.", "path"),
    Keyword("append", BOOL, "yes", "Add to the file that is there.", "append"),
    Keyword("flush_line", BOOL, "no", "Write out each line at once.", "flush_line"),
    Keyword("ike_name", BOOL, "no", "Begin lines with the IKE_SA's name.", "ike_name"),
    Keyword("time_format", TEXT, None, "strftime format that lines begin with.", "time_format"),
    Keyword("default", LEVEL, "1", "The level of groups that are not named.", "levels"),
)  # fmt: skip

BY_NAME = by_name(CHARON)
FILELOG_BY_NAME = by_name(FILELOG)
