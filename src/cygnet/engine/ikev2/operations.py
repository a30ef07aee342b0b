"""Version 2: what does what an IKE_SA wants done, and what is done when a deadline comes."""

from __future__ import annotations

from collections.abc import Callable

from cygnet.engine import life, traps
from cygnet.engine.child import ChildState
from cygnet.engine.deadlines import SHARED, Row
from cygnet.engine.endpoints import find_endpoints
from cygnet.engine.ikev2 import redirect
from cygnet.engine.ikev2.children import child_failed
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.tasks import mobike, reauthenticate, resume
from cygnet.engine.ikev2.tasks.child_create import CreateChildSa
from cygnet.engine.ikev2.tasks.child_delete import DeleteChildSa
from cygnet.engine.ikev2.tasks.child_rekey import RekeyChildSa
from cygnet.engine.ikev2.tasks.ike_delete import DeleteIkeSa
from cygnet.engine.ikev2.tasks.ike_init import IkeInit
from cygnet.engine.ikev2.tasks.ike_rekey import RekeyIkeSa
from cygnet.engine.ikev2.tasks.liveness import Liveness
from cygnet.engine.registry import Operations
from cygnet.engine.sa import IkeSa, IkeState
from cygnet.engine.timers import Deadline
from cygnet.engine.wants import (
    AbandonChild,
    Begin,
    CheckLiveness,
    CreateChild,
    Delete,
    DeleteChild,
    FollowAddresses,
    Forget,
    InstallTrap,
    Reauthenticate,
    Redirect,
    Rekey,
    RekeyChild,
    Start,
)


def begin(sa: IkeSaV2, want: Begin) -> None:
    sa.exchanges.add(resume.task_for(sa) or IkeInit(sa))


def create_child(sa: IkeSaV2, want: CreateChild) -> None:
    sa.exchanges.add(CreateChildSa(sa, want.wish))


def rekey_child(sa: IkeSaV2, want: RekeyChild) -> None:
    if want.child.state is ChildState.INSTALLED:
        sa.exchanges.add(RekeyChildSa(sa, want.child))


def delete_child(sa: IkeSaV2, want: DeleteChild) -> None:
    sa.exchanges.add(DeleteChildSa(sa, want.child))


def abandon_child(sa: IkeSaV2, want: AbandonChild) -> None:
    child_failed(sa, want.child.name, want.reason)
    sa.do(DeleteChild(want.child))


def check_liveness(sa: IkeSaV2, want: CheckLiveness) -> None:
    if sa.exchanges.active is None and not sa.exchanges.queue:
        sa.exchanges.add(Liveness(sa))


def delete(sa: IkeSaV2, want: Delete) -> None:
    """A request that is under way is finished first: the window is 1."""
    if sa.state is IkeState.DELETING:
        return
    if sa.established_at is None:
        life.give_up(sa)
        return
    if sa.state is IkeState.REKEYED:  # keeps that state: its end is no news to anybody
        sa.exchanges.drop_all()
    else:
        life.end_wishes(sa)
        sa.enter(IkeState.DELETING)
        sa.exchanges.drop_queue()
    sa.exchanges.add(DeleteIkeSa(sa))


def forget(sa: IkeSaV2, want: Forget) -> None:
    sa.exchanges.close()
    sa.end_handshake()


OPERATIONS: Operations = {
    Start: lambda sa, want: find_endpoints(sa),
    Begin: begin,
    CreateChild: create_child,
    RekeyChild: rekey_child,
    DeleteChild: delete_child,
    AbandonChild: abandon_child,
    InstallTrap: lambda sa, want: traps.bring_back(sa.services, sa.connection, want.config),
    CheckLiveness: check_liveness,
    Rekey: lambda sa, want: sa.exchanges.add(RekeyIkeSa(sa)),
    Reauthenticate: lambda sa, want: reauthenticate.begin(sa),
    Redirect: lambda sa, want: redirect.redirect(sa, want.gateway),
    FollowAddresses: lambda sa, want: mobike.addresses_changed(sa),
    Delete: delete,
    Forget: forget,
}


def _v2(function: Callable[[IkeSaV2, int], None]) -> Row:
    """A row for deadlines that only IKE_SAs of this version have."""

    def row(sa: IkeSa, subject: int) -> None:
        assert isinstance(sa, IkeSaV2)
        function(sa, subject)

    return row


DEADLINES: dict[Deadline, Row] = {
    **SHARED,
    Deadline.RETRANSMIT: _v2(lambda sa, subject: sa.exchanges.retransmit(mobike.other_paths(sa))),
    Deadline.AGAIN: _v2(lambda sa, subject: sa.again_due(subject)),
}
