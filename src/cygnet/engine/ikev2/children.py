"""CHILD_SAs of version 2: what follows beside what both versions do."""

from __future__ import annotations

from dataclasses import replace

from cygnet.boundary.notices import ChildRekeyed
from cygnet.engine import children, twins
from cygnet.engine.child import ChildSa
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.wants import CreateChild, Delete
from cygnet.engine.wish import Wish
from cygnet.values.errors import PeerError
from cygnet.values.selector import Selectors
from cygnet.wire.ikev2.notify_types import NotifyType


def child_up(sa: IkeSaV2, child: ChildSa) -> None:
    children.child_up(sa, child)
    twins.came_up(sa, child)
    if child.more_possible:
        _ask_for_the_rest(sa, child)
    sa.finish_reauthentication()


def send_behind(sa: IkeSaV2, child: ChildSa) -> None:
    """Responder: whether our answer has come through is not known yet. What carries the same traffic,
    as in a reauthentication, goes on sending until it is removed, or a while has passed."""
    if any(other.out_id is not None for _, other in children.twins(sa, child, retired=True)):
        child.hold_outbound()
    else:
        child.install_outbound()


def child_failed(sa: IkeSaV2, name: str, reason: str) -> None:
    children.child_failed(sa, name, reason)
    sa.finish_reauthentication()


def child_error(sa: IkeSaV2, name: str, error: PeerError) -> None:
    """The peer refused a CHILD_SA with an error notify."""
    sa.log("IKE", f"received {NotifyType(error.notify)} notify, no CHILD_SA built", 0)
    wish = next((w for w in sa.wishes if w.child.name == name), None)
    if error.notify == NotifyType.SINGLE_PAIR_REQUIRED and wish is not None and single_pair(sa, wish):
        return
    child_failed(sa, name, error.detail)


def _ask_for_the_rest(sa: IkeSaV2, child: ChildSa) -> None:
    """ADDITIONAL_TS_POSSIBLE (§2.9): what the peer has left out whole, in another CHILD_SA. Each time
    it is less, so this ends."""
    config = child.config
    local, remote = (
        _untouched(*pair) for pair in ((config.local_ts, child.local_ts), (config.remote_ts, child.remote_ts))
    )
    if remote:
        sa.wish(Wish(replace(config, remote_ts=remote)))
    elif local:
        sa.wish(Wish(replace(config, local_ts=local)))


def _untouched(configured: Selectors, agreed: Selectors) -> Selectors:
    return tuple(ts for ts in configured if not ts.dynamic and all(ts.narrow(a) is None for a in agreed))


def single_pair(sa: IkeSaV2, wish: Wish) -> bool:
    """SINGLE_PAIR_REQUIRED (§2.9): ask for one pair of addresses alone, the trap's packet; False: it was
    asked for just that, or there is no such pair."""
    if wish.packet is None:
        return False
    local, remote = ((ts,) for ts in wish.packet)
    if (wish.child.local_ts, wish.child.remote_ts) == (local, remote):
        return False
    sa.log("IKE", f"peer takes only a single pair of addresses for '{wish.child.name}', asking for that")
    wish.child = replace(wish.child, local_ts=local, remote_ts=remote)
    sa.do(CreateChild(wish))
    return True


def keep_without_child(sa: IkeSaV2) -> None:
    """IKE_AUTH made the IKE_SA but not its CHILD_SA."""
    if sa.services.config.settings.close_ike_on_child_failure:
        sa.log("IKE", "closing IKE_SA due CHILD_SA setup failure")
        sa.do(Delete())
    else:
        sa.log("IKE", "failed to establish CHILD_SA, keeping IKE_SA")


def child_replaced(sa: IkeSaV2, old: ChildSa, new: ChildSa) -> None:
    """``new`` carries the traffic of ``old`` from here on."""
    children.log_established(sa, new)
    sa.services.emit(ChildRekeyed(sa.uid, old.uid, new.uid, new.name))
    twins.came_up(sa, new)
