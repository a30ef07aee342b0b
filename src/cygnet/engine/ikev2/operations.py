"""Version 2: what does what an IKE_SA wants done, and what is done when a deadline comes."""

from __future__ import annotations

from cygnet.engine import life, operations, wants
from cygnet.engine.child import ChildState
from cygnet.engine.ikev2 import hints, redirect
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
from cygnet.engine.operations import Deadlines
from cygnet.engine.registry import Operations
from cygnet.engine.sa import IkeState
from cygnet.engine.timers import Deadline


def begin(sa: IkeSaV2, want: wants.Begin) -> None:
    sa.exchanges.add(resume.task_for(sa) or IkeInit(sa))


def create_child(sa: IkeSaV2, want: wants.CreateChild) -> None:
    sa.exchanges.add(CreateChildSa(sa, want.wish))


def rekey_child(sa: IkeSaV2, want: wants.RekeyChild) -> None:
    if want.child.state is ChildState.INSTALLED:
        sa.exchanges.add(RekeyChildSa(sa, want.child))


def delete_child(sa: IkeSaV2, want: wants.DeleteChild) -> None:
    sa.exchanges.add(DeleteChildSa(sa, want.child))


def abandon_child(sa: IkeSaV2, want: wants.AbandonChild) -> None:
    child_failed(sa, want.child.name, want.reason)
    sa.do(wants.DeleteChild(want.child))


def check_liveness(sa: IkeSaV2, want: wants.CheckLiveness) -> None:
    if sa.exchanges.active is None and not sa.exchanges.queue:
        sa.exchanges.add(Liveness(sa))


def delete(sa: IkeSaV2, want: wants.Delete) -> None:
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


def follow_addresses(sa: IkeSaV2, want: wants.FollowAddresses) -> None:
    sa.exchanges.send_again()
    mobike.addresses_changed(sa)


def give_way(sa: IkeSaV2, want: wants.GiveWay) -> None:
    sa.retired = True
    for child in sa.current_children():
        child.remove_outbound()
    sa.do(wants.Delete())


def forget(sa: IkeSaV2, want: wants.Forget) -> None:
    sa.exchanges.close()
    sa.end_handshake()


OPERATIONS: Operations = {
    **operations.OPERATIONS,
    wants.Begin: begin,
    wants.CreateChild: create_child,
    wants.RekeyChild: rekey_child,
    wants.DeleteChild: delete_child,
    wants.AbandonChild: abandon_child,
    wants.CheckLiveness: check_liveness,
    wants.TellUnknownSpi: lambda sa, want: hints.tell(sa, want.spi),
    wants.Rekey: lambda sa, want: sa.exchanges.add(RekeyIkeSa(sa)),
    wants.Reauthenticate: lambda sa, want: reauthenticate.begin(sa),
    wants.Redirect: lambda sa, want: redirect.redirect(sa, want.gateway),
    wants.FollowAddresses: follow_addresses,
    wants.GiveWay: give_way,
    wants.Delete: delete,
    wants.Forget: forget,
}


def refused(sa: IkeSaV2, subject: int) -> None:
    if isinstance(sa.exchanges.active, IkeInit):
        sa.exchanges.active.refused_for_good()


DEADLINES: Deadlines = {
    **operations.DEADLINES,
    Deadline.RETRANSMIT: lambda sa, subject: sa.exchanges.retransmit(mobike.other_paths(sa)),
    Deadline.REFUSED: refused,
    Deadline.AGAIN: lambda sa, subject: sa.again_due(subject),
}
