"""What is done when a deadline of an IKE_SA comes, in both versions.

The rows of one version, with those that only it has, are in its ``operations``.
"""

from __future__ import annotations

from collections.abc import Callable

from cygnet.engine import upkeep
from cygnet.engine.child import ChildSa
from cygnet.engine.children import child_down, expired
from cygnet.engine.life import negotiation_failed
from cygnet.engine.sa import IkeSa
from cygnet.engine.timers import Deadline
from cygnet.engine.wants import Delete, Reauthenticate, Rekey, RekeyChild, Start, Want

#: takes the IKE_SA and the subject of the deadline
Row = Callable[[IkeSa, int], None]


def wants(want: Want) -> Row:
    return lambda sa, subject: sa.do(want)


def of_child(function: Callable[[IkeSa, ChildSa], None]) -> Row:
    """The subject is a CHILD_SA, which may be gone."""

    def row(sa: IkeSa, subject: int) -> None:
        child = sa.children.get(subject)
        if child is not None:
            function(sa, child)

    return row


def half_open_over(sa: IkeSa, subject: int = 0) -> None:
    sa.log("JOB", f"deleting half open IKE_SA with {sa.remote.address} after timeout")
    negotiation_failed(sa, "the peer did not finish the negotiation", retry=False)


def lifetime_over(sa: IkeSa, subject: int = 0) -> None:
    sa.log("IKE", f"IKE_SA {sa} expired: its maximum lifetime is over")
    sa.do(Delete())


SHARED: dict[Deadline, Row] = {
    Deadline.RETRY: wants(Start()),
    Deadline.HALF_OPEN: half_open_over,
    Deadline.REKEY: wants(Rekey()),
    Deadline.REAUTH: wants(Reauthenticate()),
    Deadline.EXPIRE: lifetime_over,
    Deadline.RETIRE: wants(Delete()),
    Deadline.DPD: lambda sa, subject: upkeep.dpd_due(sa),
    Deadline.KEEPALIVE: lambda sa, subject: upkeep.keepalive_due(sa),
    Deadline.CHILD_REKEY: of_child(lambda sa, child: sa.do(RekeyChild(child))),
    Deadline.CHILD_EXPIRE: of_child(expired),
    Deadline.CHILD_INACTIVE: of_child(upkeep.inactivity_due),
    Deadline.CHILD_RETIRE: of_child(child_down),
    Deadline.CHILD_SWITCH: of_child(lambda sa, child: child.send_at_last()),
}
