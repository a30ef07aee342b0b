"""CHILD_SAs of version 2: what follows beside what both versions do."""

from __future__ import annotations

from cygnet.boundary.notices import ChildRekeyed
from cygnet.engine import children
from cygnet.engine.child import ChildSa
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.wants import Delete
from cygnet.values.errors import PeerError
from cygnet.wire.ikev2.notify_types import NotifyType


def child_up(sa: IkeSaV2, child: ChildSa) -> None:
    children.child_up(sa, child)
    sa.finish_reauthentication()


def child_failed(sa: IkeSaV2, name: str, reason: str) -> None:
    children.child_failed(sa, name, reason)
    sa.finish_reauthentication()


def child_error(sa: IkeSaV2, name: str, error: PeerError) -> None:
    """The peer refused a CHILD_SA with an error notify."""
    sa.log("IKE", f"received {NotifyType(error.notify)} notify, no CHILD_SA built", 0)
    child_failed(sa, name, error.detail)


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
