"""Version 1: what does what an IKE_SA wants done, and what is done when a deadline comes."""

from __future__ import annotations

from cygnet.engine import life, operations, wants
from cygnet.engine.child import ChildSa, ChildState
from cygnet.engine.children import child_failed
from cygnet.engine.ikev1 import deletes, hints
from cygnet.engine.ikev1.children import equivalents
from cygnet.engine.ikev1.dpd import Dpd
from cygnet.engine.ikev1.notifies import Refusal
from cygnet.engine.ikev1.sa import IkeSaV1
from cygnet.engine.ikev1.succession import Succession, take_over
from cygnet.engine.ikev1.tasks.aggressive_mode import AggressiveModeInitiator
from cygnet.engine.ikev1.tasks.main_mode import MainModeInitiator
from cygnet.engine.ikev1.tasks.quick_mode import QuickModeInitiator
from cygnet.engine.lookup import own_identity
from cygnet.engine.operations import Deadlines, lifetime_over, of_child
from cygnet.engine.registry import Operations
from cygnet.engine.sa import IkeState
from cygnet.engine.timers import Deadline
from cygnet.engine.wanted import Failure
from cygnet.values.errors import RequestError
from cygnet.wire.header import ExchangeType


def begin(sa: IkeSaV1, want: wants.Begin) -> None:
    aggressive = sa.connection.aggressive
    mode = "Aggressive" if aggressive else "Main"
    sa.log("IKE", f"initiating {mode} Mode IKE_SA {sa} to {sa.remote.address}", 0)
    sa.local_id = own_identity(sa.connection, sa.local.address)
    try:
        if aggressive:
            sa.exchanges.begin(ExchangeType.AGGRESSIVE, AggressiveModeInitiator(sa))
        else:
            sa.exchanges.begin(ExchangeType.ID_PROT, MainModeInitiator(sa))
    except RequestError as error:
        sa.log("IKE", str(error))
        sa.failed_by = Failure.HOPELESS
        life.negotiation_failed(sa, str(error), retry=False)


def create_child(sa: IkeSaV1, want: wants.CreateChild) -> None:
    sa.exchanges.add(QuickModeInitiator(sa, want.wish.child, want.wish))


def rekey_child(sa: IkeSaV1, want: wants.RekeyChild) -> None:
    child = want.child
    if child.state is not ChildState.INSTALLED or not sa.is_established:
        return
    if any(_is_newer(c, child) for c in equivalents(sa, child.config, child.local_ts, child.remote_ts)):
        sa.log("IKE", f"detected redundant CHILD_SA {child}")
        child.enter(ChildState.REKEYED)
        return
    child.enter(ChildState.REKEYING)
    sa.exchanges.add(QuickModeInitiator(sa, child.config, rekeyed=child))


def _is_newer(one: ChildSa, other: ChildSa) -> bool:
    return (one.installed_at or 0.0, one.uid) > (other.installed_at or 0.0, other.uid)


def abandon_child(sa: IkeSaV1, want: wants.AbandonChild) -> None:
    child_failed(sa, want.child.name, want.reason)
    sa.do(wants.DeleteChild(want.child))


def redirect(sa: IkeSaV1, want: wants.Redirect) -> None:
    raise RequestError("IKEv1 cannot redirect a peer")


def delete(sa: IkeSaV1, want: wants.Delete) -> None:
    if sa.state in (IkeState.DELETING, IkeState.DESTROYED):
        return
    if sa.keys is None or not sa.takes_quick_mode:
        life.destroy(sa)
        return
    deletes.close_ike(sa)


def follow_addresses(sa: IkeSaV1, want: wants.FollowAddresses) -> None:
    sa.exchanges.send_again()
    if sa.silent_since is not None:
        sa.part(Dpd).ask()


def give_way(sa: IkeSaV1, want: wants.GiveWay) -> None:
    if not sa.is_established:
        life.destroy(sa)
        return
    assert isinstance(want.to, IkeSaV1)
    take_over(want.to, sa)
    sa.part(Succession).retire(want.to)


def forget(sa: IkeSaV1, want: wants.Forget) -> None:
    succession = sa.part(Succession)
    if sa.established_at is None:
        succession.pass_on_children()
    deletes.abandon_exchanges(sa)
    sa.forget_initial()
    succession.ended()


OPERATIONS: Operations = {
    **operations.OPERATIONS,
    wants.Begin: begin,
    wants.CreateChild: create_child,
    wants.RekeyChild: rekey_child,
    wants.DeleteChild: lambda sa, want: deletes.close_child(sa, want.child),
    wants.AbandonChild: abandon_child,
    wants.CheckLiveness: lambda sa, want: sa.part(Dpd).ask(),
    wants.TellUnknownSpi: lambda sa, want: hints.tell(sa, want.spi),
    wants.Rekey: lambda sa, want: sa.part(Succession).reauthenticate(),
    wants.Reauthenticate: lambda sa, want: sa.part(Succession).reauthenticate(),
    wants.Redirect: redirect,
    wants.FollowAddresses: follow_addresses,
    wants.GiveWay: give_way,
    wants.Delete: delete,
    wants.Forget: forget,
}


def _lifetime_over(sa: IkeSaV1, subject: int) -> None:
    sibling = sa.part(Succession).sibling
    if sibling is not None:
        take_over(sibling, sa)
    lifetime_over(sa)


DEADLINES: Deadlines = {
    **operations.DEADLINES,
    Deadline.EXPIRE: _lifetime_over,
    Deadline.CHILD_RETIRE: of_child(lambda sa, child: sa.do(wants.DeleteChild(child))),
    Deadline.RETRANSMIT: lambda sa, subject: sa.exchanges.due(subject),
    Deadline.REFUSED: lambda sa, subject: sa.part(Refusal).due(),
    Deadline.DPD_TIMEOUT: lambda sa, subject: sa.part(Dpd).timed_out(),
}
