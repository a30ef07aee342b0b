"""What both versions do with the CHILD_SAs of an IKE_SA, and with those who wait for one."""

from __future__ import annotations

from collections.abc import Iterator

from cygnet.boundary.notices import ChildUpDown
from cygnet.boundary.specs import SaId
from cygnet.engine.child import ChildSa, ChildState
from cygnet.engine.registry import Registry
from cygnet.engine.sa import IkeSa
from cygnet.engine.updown import run_updown
from cygnet.engine.wanted import WantedChildren
from cygnet.engine.wants import DeleteChild, InstallTrap
from cygnet.engine.wish import Wish
from cygnet.model.config import CloseAction


def all_children(registry: Registry[IkeSa]) -> Iterator[tuple[IkeSa, ChildSa]]:
    return ((sa, child) for sa in list(registry.ike_sas.values()) for child in list(sa.children.values()))


def installed_as(registry: Registry[IkeSa], id: SaId) -> tuple[IkeSa, ChildSa] | None:
    """Whose SA of the data plane that is."""
    found = registry.services.installed.get(id)
    if found is None:
        return None
    sa = registry.ike_sas[found.owner_uid]
    return sa, sa.children[found.uid]


def child_up(sa: IkeSa, child: ChildSa) -> None:
    """A CHILD_SA is installed both ways: say so, and finish the wish for it."""
    log_established(sa, child)
    sa.has_carried = True
    sa.services.well_again(sa.name)
    sa.services.emit(ChildUpDown(sa.uid, child.uid, child.name, True))
    sa.services.part(WantedChildren).touch(child.name)
    run_updown(sa, child, _others_like(sa, child), True)
    fulfil(sa, child)


def log_established(sa: IkeSa, child: ChildSa) -> None:
    local, remote = (" ".join(map(str, side)) for side in (child.local_ts, child.remote_ts))
    sa.log(
        "IKE",
        f"CHILD_SA {child} established with SPIs {child.spi_in:08x}_i {child.spi_out:08x}_o "
        f"and TS {local} === {remote}",
        0,
    )


def same_traffic(one: ChildSa, other: ChildSa) -> bool:
    return (one.name, one.local_ts, one.remote_ts) == (other.name, other.local_ts, other.remote_ts)


def _others_like(sa: IkeSa, child: ChildSa) -> bool:
    """Whether another CHILD_SA carries the same traffic."""
    if not child.config.updown:
        return False
    return any(
        other is not child and other.is_up and same_traffic(other, child)
        for one in sa.registry.named.of(sa.name)
        for other in one.children.values()
    )


def same_place(sa: IkeSa, other: IkeSa) -> bool:
    """Whether both are with the same host: at the same address, and behind a NAT at the same port."""
    nat = sa.remote_behind_nat or other.remote_behind_nat
    return sa.remote == other.remote if nat else sa.remote.address == other.remote.address


def alike(sa: IkeSa, retired: bool = False) -> list[IkeSa]:
    """Other IKE_SAs of the same connection between the same two ends; ``retired``: those, too, in whose
    place another one is already."""
    if not sa.is_bound:
        return []
    return [
        other
        for other in sa.registry.between.of(sa.between)
        if other is not sa
        and other.is_established
        and (retired or not other.retired)
        and other.name == sa.name
        and other.is_bound
        and same_place(sa, other)
    ]


def twins(sa: IkeSa, child: ChildSa, retired: bool = False) -> list[tuple[IkeSa, ChildSa]]:
    """Other CHILD_SAs for the same traffic between the same two ends."""
    return [
        (one, other)
        for one in (sa, *alike(sa, retired))
        for other in one.current_children()
        if other is not child and same_traffic(other, child)
    ]


def fulfil(sa: IkeSa, child: ChildSa) -> None:
    """Whoever waits for this CHILD_SA hears that it is there."""
    wish = _take_wish(sa, child.name)
    if wish is not None:
        wish.fulfilled(sa.services)


def child_failed(sa: IkeSa, name: str, reason: str) -> None:
    """The CHILD_SA ``name`` was refused; the IKE_SA may live on. Ends the wish for it."""
    wish = _take_wish(sa, name)
    if wish is not None:
        wish.failed(sa.services, reason)


def _take_wish(sa: IkeSa, name: str) -> Wish | None:
    wish = next((w for w in sa.wishes if w.child.name == name), None)
    if wish is not None:
        sa.wishes.remove(wish)
    return wish


def child_down(sa: IkeSa, child: ChildSa) -> None:
    """Remove a CHILD_SA that was up and tell so. What follows is the caller's decision."""
    was_up = child.installed_at is not None and child.state is not ChildState.DELETED
    sa.services.part(WantedChildren).touch(child.name)
    child.remove()
    if was_up and child.rekeyed_by is None:
        sa.services.emit(ChildUpDown(sa.uid, child.uid, child.name, False))
        run_updown(sa, child, _others_like(sa, child), False)
    sa.services.answers.closed("child", child.uid)


def close_action(sa: IkeSa, child: ChildSa) -> None:
    """What closeaction asks for when the peer has deleted ``child``, and nothing else carries the same."""
    if twins(sa, child):
        return
    sa.services.part(WantedChildren).closed_by_peer(child.config)
    if child.config.close_action is CloseAction.START:
        sa.wish(Wish(child.config, child.reqid))
    elif child.config.close_action is CloseAction.TRAP:
        sa.do(InstallTrap(child.config))


def expired(sa: IkeSa, child: ChildSa) -> None:
    """A hard limit: the CHILD_SA is dead; the peer is told, and nothing replaces it."""
    if child.state is ChildState.REKEYED:
        child_down(sa, child)
        return
    sa.log("KNL", f"closing expired CHILD_SA {child} with SPIs {child.spi_in:08x}_i {child.spi_out:08x}_o")
    sa.do(DeleteChild(child))


def adopt(sa: IkeSa, other: IkeSa) -> None:
    """Take over the CHILD_SAs and wishes of ``other`` (IKEv1 reauthentication, IKEv2 IKE rekeying)."""
    sa.stand_in_for(other)
    for child in list(other.children.values()):
        child.move_to(sa)
    sa.has_carried = sa.has_carried or other.has_carried
    hand_on_wishes(other, sa)


def hand_on_wishes(sa: IkeSa, to: IkeSa) -> None:
    wishes, sa.wishes = sa.wishes, []
    for wish in wishes:
        to.wish(wish)
