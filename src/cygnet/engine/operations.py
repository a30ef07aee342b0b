"""What both versions do alike of what an IKE_SA can want done (``wants``), and when deadlines come.

The tables of the versions, ``ikev1.operations`` and ``ikev2.operations``, begin with these rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cygnet.engine import revocation, signing, traps, twins, upkeep, vigil
from cygnet.engine.child import ChildSa
from cygnet.engine.children import child_down, expired
from cygnet.engine.endpoints import find_endpoints
from cygnet.engine.life import has_slot, negotiation_failed
from cygnet.engine.registry import Operations
from cygnet.engine.sa import IkeSa
from cygnet.engine.timers import Deadline
from cygnet.engine.wants import Delete, InstallTrap, Reauthenticate, Rekey, RekeyChild, Start, Want

#: by the kind of a deadline: what is done; takes the IKE_SA, of that version, and the deadline's subject
Deadlines = Mapping[Deadline, Callable[[Any, int], None]]
Row = Callable[[IkeSa, int], None]

OPERATIONS: Operations = {
    Start: lambda sa, want: find_endpoints(sa),
    InstallTrap: lambda sa, want: traps.bring_back(sa.services, sa.connection, want.config),
}


def wants(want: Want) -> Row:
    return lambda sa, subject: sa.do(want)


def renewal(want: Want) -> Row:
    """An IKE_SA that has lost all that it carried ends instead: what is wanted has been tried again."""

    def row(sa: IkeSa, subject: int) -> None:
        if sa.has_carried and not sa.children and not sa.wishes and sa.is_established:
            sa.log("IKE", f"closing IKE_SA {sa}: it carries nothing any more")
            sa.do(Delete())
        else:
            sa.do(want)

    return row


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


def settle(sa: IkeSa, subject: int) -> None:
    if subject:
        of_child(twins.settle)(sa, subject)
    else:
        twins.settle_ike(sa)


DEADLINES: Deadlines = {
    Deadline.SLOT: lambda sa, subject: has_slot(sa),
    Deadline.RETRY: wants(Start()),
    Deadline.HALF_OPEN: half_open_over,
    Deadline.REKEY: renewal(Rekey()),
    Deadline.REAUTH: renewal(Reauthenticate()),
    Deadline.EXPIRE: lifetime_over,
    Deadline.RETIRE: wants(Delete()),
    Deadline.DPD: lambda sa, subject: upkeep.dpd_due(sa),
    Deadline.KEEPALIVE: lambda sa, subject: upkeep.keepalive_due(sa),
    Deadline.CHILD_REKEY: of_child(lambda sa, child: sa.do(RekeyChild(child))),
    Deadline.CHILD_EXPIRE: of_child(expired),
    Deadline.CHILD_INACTIVE: of_child(upkeep.inactivity_due),
    Deadline.CHILD_RETIRE: of_child(child_down),
    Deadline.KNOCK: lambda sa, subject: vigil.knock(sa),
    Deadline.SETTLE: settle,
    Deadline.EVIDENCE: revocation.evidence_due,
    Deadline.SIGNATURE: signing.signature_due,
    Deadline.CHILD_SWITCH: of_child(lambda sa, child: child.send_at_last()),
}
