"""``connections.NAME.children.NAME``: what belongs to a CHILD_SA."""

from __future__ import annotations

from cygnet.config.keywords.row import Keyword, Status, by_name
from cygnet.config.keywords.swanctl.types import BOOL, SELECTORS, TIME, VOLUME, proposals
from cygnet.config.keywords.types import MARK, TEXT, integer, one_of, words
from cygnet.model.config import CloseAction, Mode, StartAction
from cygnet.values.iana import Protocol

_P = Status.PLANNED
_NO_MARKS = "the data plane knows no marks"
_NO_XFRM = "the data plane has no XFRM interfaces"
_LOST = {
    "none": CloseAction.NONE,
    "clear": CloseAction.NONE,
    "trap": CloseAction.TRAP,
    "hold": CloseAction.TRAP,
    "start": CloseAction.START,
    "restart": CloseAction.START,
}

CHILD = (
    Keyword(
        "esp_proposals",
        proposals(Protocol.ESP),
        "default",
        "What is offered and taken for ESP; nothing is added to what is written.",
    ),
    Keyword("ah_proposals", proposals(Protocol.AH), None, "AH in place of ESP.", status=_P),
    Keyword("sha256_96", BOOL, "no", "HMAC-SHA-256 cut to 96 bits.", "sha256_96"),
    Keyword("local_ts", SELECTORS, "dynamic", "Networks at this end; dynamic: its address."),
    Keyword("remote_ts", SELECTORS, "dynamic", "Networks at the peer's end."),
    Keyword("rekey_time", TIME, None, "Time until the CHILD_SA is rekeyed; 1h."),
    Keyword("life_time", TIME, None, "Time until it is closed; a tenth more than rekey_time."),
    Keyword(
        "rand_time", TIME, None, "Random time that is subtracted from rekey_time; life_time - rekey_time."
    ),
    Keyword("rekey_bytes", VOLUME, None, "Bytes until it is rekeyed; 0: no limit."),
    Keyword("life_bytes", VOLUME, None, "Bytes until it is closed."),
    Keyword("rand_bytes", VOLUME, None, "Random bytes that are subtracted from rekey_bytes."),
    Keyword("rekey_packets", VOLUME, None, "Packets until it is rekeyed; 0: no limit."),
    Keyword("life_packets", VOLUME, None, "Packets until it is closed."),
    Keyword("rand_packets", VOLUME, None, "Random packets that are subtracted from rekey_packets."),
    Keyword("updown", TEXT, None, "Command that is run when it comes up and goes down.", "updown"),
    Keyword("hostaccess", BOOL, "no", "Handed to the updown command.", status=_P),
    Keyword(
        "mode",
        words(
            {
                "tunnel": Mode.TUNNEL,
                "transport": Mode.TRANSPORT,
                "beet": Mode.BEET,
                "pass": Mode.PASS,
                "drop": Mode.DROP,
            }
        ),
        "tunnel",
        "Tunnel or transport mode, or a policy without IPsec: pass, drop.",
        "mode",
    ),
    Keyword("policies", BOOL, "yes", "Install policies.", "install_policy"),
    Keyword("policies_fwd_out", BOOL, "no", "Forward policies outbound.", status=_P),
    Keyword(
        "dpd_action",
        words(_LOST),
        "clear",
        "What follows when the peer is gone: clear, trap, restart.",
        "dpd_action",
    ),
    Keyword("ipcomp", BOOL, "no", "IP compression.", status=_P),
    Keyword(
        "inactivity", TIME, "0s", "Time without traffic after which it is closed; 0: never.", "inactivity"
    ),
    Keyword("reqid", integer(0, 0xFFFFFFFF), "0", "Fixed reqid; 0: one is given.", "reqid"),
    Keyword(
        "priority", integer(0, 0xFFFFFFFF), "0", "Of the policies; 0: by how narrow they are.", "priority"
    ),
    Keyword("interface", TEXT, None, "Restrict policies to an interface.", status=_P),
    Keyword("mark_in", MARK, "0", "Mark.", status=_P, note=_NO_MARKS),
    Keyword("mark_in_sa", BOOL, "no", "Mark.", status=_P, note=_NO_MARKS),
    Keyword("mark_out", MARK, "0", "Mark.", status=_P, note=_NO_MARKS),
    Keyword("set_mark_in", TEXT, "0", "Mark.", status=_P, note=_NO_MARKS),
    Keyword("set_mark_out", TEXT, "0", "Mark.", status=_P, note=_NO_MARKS),
    Keyword("if_id_in", TEXT, "0", "XFRM interface.", status=_P, note=_NO_XFRM),
    Keyword("if_id_out", TEXT, "0", "XFRM interface.", status=_P, note=_NO_XFRM),
    Keyword("label", TEXT, None, "Security label.", status=_P, note="the data plane knows no labels"),
    Keyword(
        "label_mode", TEXT, "system", "Security label.", status=_P, note="the data plane knows no labels"
    ),
    Keyword(
        "tfc_padding", integer(0, 0xFFFF, ("mtu", -1)), "0", "Pad ESP packets to this length.", "tfc_padding"
    ),
    Keyword("replay_window", integer(0, 0xFFFF), "32", "Packets; 0: no replay protection.", "replay_window"),
    Keyword("per_cpu_sas", one_of("no", "yes", "encap"), "no", "SAs for each CPU.", status=_P),
    Keyword(
        "hw_offload", one_of("no", "yes", "auto", "crypto", "packet"), "no", "Hardware offload.", status=_P
    ),
    Keyword("copy_df", BOOL, "yes", "Copy the DF bit to the outer header.", "copy_df"),
    Keyword("copy_ecn", BOOL, "yes", "Copy ECN between the headers.", "copy_ecn"),
    Keyword(
        "copy_dscp",
        one_of("out", "in", "yes", "no"),
        "out",
        "Copy the DSCP between the headers.",
        "copy_dscp",
    ),
    Keyword("icmp", BOOL, "no", "Let ICMP errors through.", status=_P),
    Keyword(
        "start_action",
        words(
            {
                "none": StartAction.NONE,
                "trap": StartAction.TRAP,
                "start": StartAction.START,
                "trap|start": StartAction.TRAP_START,
                "start|trap": StartAction.TRAP_START,
            }
        ),
        "none",
        "What loading it does: nothing, a trap, a negotiation, or both.",
        "start_action",
    ),
    Keyword("close_action", words(_LOST), "none", "What follows when the peer closes it.", "close_action"),
)
BY_NAME = by_name(CHILD)
#: Planned keywords without which traffic would go another way than was asked for.
DECISIVE = frozenset(
    {
        "ah_proposals",
        "mark_in",
        "mark_out",
        "set_mark_in",
        "set_mark_out",
        "if_id_in",
        "if_id_out",
        "label",
        "interface",
    }
)
