"""What of a conn belongs to its CHILD_SA."""

from __future__ import annotations

from cygnet.config.keywords.addresses import Subnet
from cygnet.config.lifetimes import limits
from cygnet.config.proposing import offered
from cygnet.config.records import End
from cygnet.config.written import Written
from cygnet.model.config import Child, CloseAction, IkeVersion, Mode, Settings, StartAction
from cygnet.values.iana import Protocol
from cygnet.values.proposal import Proposal
from cygnet.values.selector import TrafficSelector, dynamic

START = {"add": StartAction.NONE, "route": StartAction.TRAP, "start": StartAction.START}
#: clear and none are the same here: the difference is that none switches the checks off.
LOST = {
    "none": CloseAction.NONE,
    "clear": CloseAction.NONE,
    "hold": CloseAction.TRAP,
    "restart": CloseAction.START,
}


def child(written: Written, settings: Settings) -> Child:
    conn = written.conn
    return Child(
        name=written.name,
        proposals=_proposals(written),
        local_ts=_selectors(written, written.local, written.local_side),
        remote_ts=_selectors(written, written.remote, written.remote_side),
        mode=_mode(written),
        start_action=START[conn.auto],
        dpd_action=LOST[conn.dpdaction],
        close_action=LOST[conn.closeaction],
        time=limits(written, "lifetime", "margintime", "s"),
        bytes=limits(written, "lifebytes", "marginbytes"),
        packets=limits(written, "lifepackets", "marginpackets"),
        inactivity=conn.inactivity,
        reqid=conn.reqid,
        sha256_96=conn.sha256_96,
        replay_window=settings.replay_window if conn.replay_window < 0 else conn.replay_window,
        tfc_padding=conn.tfc,
        install_policy=conn.installpolicy,
        updown=written.local.updown or "",
    )


def _mode(written: Written) -> Mode:
    mode = written.conn.type
    said = written.said("type")
    if said in ("beet", "transport_proxy"):
        written.refuse("type", f"'{said}' is not supported yet; tunnel and transport are", found=said)
    virtual = next((s for s in ("left", "right") if written.has("sourceip", s)), "")
    if virtual and mode in (Mode.TRANSPORT, Mode.BEET):
        written.warn("type", f"{virtual}sourceip makes it a tunnel: virtual addresses exist only inside one")
        return Mode.TUNNEL
    return mode


def _proposals(written: Written) -> tuple[Proposal, ...]:
    conn = written.conn
    if conn.ah and conn.esp:
        written.refuse("ah", "a conn has either ah or esp, not both")
    elif conn.ah:
        written.refuse("ah", "AH is not supported yet; esp is, null encryption too: esp=null-sha256")
    return offered(written, "ah", Protocol.AH) if conn.ah else offered(written, "esp", Protocol.ESP)


def family(written: Written) -> int:
    """The IP version of an end whose address is not known yet: as whatever is known of the conn."""
    for end in (written.local, written.remote):
        for host in end.host.hosts:
            if host == "%any6" or ":" in host:
                return 6
    return 4


def _selectors(written: Written, end: End, side: str) -> tuple[TrafficSelector, ...]:
    """The end's networks; without any its own address, whatever that will be."""
    subnets = end.subnet or (Subnet(dynamic()),)
    version = family(written)
    found = [s.with_default(end.protoport) for s in subnets]
    found = [dynamic(version, s.protocol, *s.ports) if s.dynamic else s for s in found]
    if written.conn.keyexchange is IkeVersion.V1 and len(found) > 1:
        reason = (
            f"IKEv1 negotiates one network at each end of a CHILD_SA; as initiator only {found[0]} is used"
        )
        written.warn("subnet", reason, side)
    return tuple(found)
