"""What becomes of an IKE_SA, in both versions: established, failed, tried anew, lost, destroyed."""

from __future__ import annotations

from cygnet.boundary.notices import IkeUpDown
from cygnet.engine import upkeep
from cygnet.engine.addresses import can_initiate
from cygnet.engine.child import ChildSa
from cygnet.engine.children import child_down, hand_on_wishes, twins
from cygnet.engine.pacing import Pacing
from cygnet.engine.pools import release_virtual_ips
from cygnet.engine.sa import IkeSa, IkeState
from cygnet.engine.signing import Signatures
from cygnet.engine.timers import Deadline
from cygnet.engine.wanted import Failure, WantedChildren
from cygnet.engine.wants import Begin, Forget, InstallTrap, Start
from cygnet.engine.wish import Wish
from cygnet.model.config import CloseAction
from cygnet.values.endpoint import Endpoint

#: seconds until an IKE_SA that failed is tried anew (charon retries at once; a pause spares both)
RETRY_DELAY = 1.0


def begin_between(sa: IkeSa, local: Endpoint, remote: Endpoint) -> None:
    """Both ends are known: the negotiation begins, or waits for others with the same peer."""
    sa.place(local, remote)
    sa.waiting = ""
    if sa.services.part(Pacing).admit(sa.uid, remote.address, any(w.refs for w in sa.wishes)):
        begin(sa)


def has_slot(sa: IkeSa) -> None:
    """It has waited long enough; an address of this machine's may have gone meanwhile."""
    own = sa.services.addresses
    if own and sa.local.address not in own:
        sa.do(Start())
    else:
        begin(sa)


def begin(sa: IkeSa) -> None:
    sa.last_received = sa.begun_at = sa.services.now
    sa.enter(IkeState.CONNECTING)
    sa.do(Begin())


def established(sa: IkeSa, lifetimes: bool = True) -> None:
    """The peer is authenticated. Logs as charon, starts lifetimes, DPD, keep-alives.

    Wishes are left to the version: IKEv1 begins their Quick Modes now; IKEv2 has had the first
    one inside IKE_AUTH.
    """
    sa.established_at = sa.services.now
    sa.last_received = sa.services.now
    sa.tries = 0
    sa.part(Signatures).forget()
    sa.services.part(Pacing).established(sa.uid)
    sa.no_longer_half_open()
    sa.enter(IkeState.ESTABLISHED)
    ends = f"{sa.local.address}[{sa.local_id}]...{sa.remote.address}[{sa.remote_id}]"
    sa.log("IKE", f"IKE_SA {sa} established between {ends}", 0)
    if lifetimes:
        upkeep.schedule_lifetimes(sa)
    upkeep.schedule_dpd(sa)
    upkeep.schedule_keepalive(sa)
    sa.services.emit(IkeUpDown(sa.uid, sa.name, True))


# failed -------------------------------------------------------------------------------


def unanswered(sa: IkeSa, reason: str) -> None:
    """The peer did not answer before it was established: try anew (keyingtries) or give up."""
    sa.failure, sa.failed_by = reason, Failure.SILENCE
    if not _tried_again(sa, "peer not responding"):
        sa.log("IKE", "establishing IKE_SA failed, peer not responding")
        give_up(sa)


def negotiation_failed(sa: IkeSa, reason: str = "", retry: bool = True) -> None:
    """The IKE negotiation failed before it was established: try anew (keyingtries) or give up."""
    sa.failure = reason or sa.failure
    if not (retry and _tried_again(sa, reason or "peer not responding")):
        give_up(sa)


def _tried_again(sa: IkeSa, why: str) -> bool:
    limit = sa.connection.keyingtries
    sa.tries += 1
    if not sa.initiator or not sa.wishes or 0 < limit <= sa.tries:
        return False
    shown = f"{sa.tries + 1}/{limit}" if limit else f"{sa.tries + 1}"
    sa.log("IKE", f"{why}, trying again ({shown})")
    replace_by_new(sa, RETRY_DELAY)
    return True


def give_up(sa: IkeSa) -> None:
    """No further try: everybody who waits hears why."""
    end_wishes(sa)
    destroy(sa)


def end_wishes(sa: IkeSa) -> None:
    for wish in sa.wishes:
        wish.failed(sa.services, sa.failure, sa.failed_by)
    sa.wishes.clear()


def replace_by_new(sa: IkeSa, delay: float = 0.0) -> IkeSa:
    """Begin again with a fresh IKE_SA that takes over the wishes and the count of tries."""
    new = sa.anew()
    new.tries = sa.tries
    new.failure = sa.failure
    new.reauthenticates = sa.reauthenticates
    hand_on_wishes(sa, new)
    destroy(sa)
    if delay:
        new.waiting = "the next try"
        new.services.timers.set(new.uid, Deadline.RETRY, new.services.now + delay)
    else:
        new.do(Start())
    return new


# lost ---------------------------------------------------------------------------------


def lost(sa: IkeSa, reason: str) -> None:
    """An established IKE_SA is gone (peer dead): dpdaction of each CHILD_SA, queued wishes go on."""
    sa.failure = reason
    _restart_children(sa, [(c, c.config.dpd_action) for c in _carried_by_it_alone(sa)])


def comes_back(sa: IkeSa) -> bool:
    """Whether we begin again by ourselves when it is lost. Only then is the peer told of the end, should
    it live after all: to one that waits for us a delete would be our wish to close (closeaction)."""
    restart = any(child.config.dpd_action is CloseAction.START for child in _carried_by_it_alone(sa))
    return restart and can_initiate(sa.connection)


def closed_by_peer(sa: IkeSa) -> None:
    """The peer deleted the IKE_SA: closeaction of each CHILD_SA, queued wishes go on."""
    children = _carried_by_it_alone(sa)
    for child in children:
        sa.services.part(WantedChildren).closed_by_peer(child.config)
    _restart_children(sa, [(c, c.config.close_action) for c in children])


def _carried_by_it_alone(sa: IkeSa) -> list[ChildSa]:
    return [child for child in sa.current_children() if not twins(sa, child)]


def _restart_children(sa: IkeSa, actions: list[tuple[ChildSa, CloseAction]]) -> None:
    restart = [Wish(c.config, c.wanted_reqid) for c, a in actions if a is CloseAction.START]
    if not can_initiate(sa.connection):  # the peer has to come back by itself
        restart = []
    traps = [c.config for c, a in actions if a is CloseAction.TRAP]
    wishes, sa.wishes = sa.wishes, []
    destroy(sa)
    for config in traps:
        sa.do(InstallTrap(config))
    wishes += [w for w in restart if all(w.child.name != x.child.name for x in wishes)]
    attempt = next((o for o in sa.registry.named.of(sa.name) if o.initiator and o.can_carry), None)
    if attempt is not None:  # begun while we still waited for an answer
        for wish in wishes:
            attempt.wish(wish)
    elif wishes:
        new = sa.anew()
        new.log("IKE", f"restarting CHILD_SA {', '.join(w.child.name for w in wishes)}")
        for wish in wishes:
            new.wish(wish)
        new.do(Start())


def destroy(sa: IkeSa) -> None:
    """Remove it and all it installed, silently towards the peer. Idempotent."""
    if sa.state is IkeState.DESTROYED:
        return
    services, registry = sa.services, sa.registry
    sa.do(Forget())
    for child in list(sa.children.values()):
        child_down(sa, child)
    release_virtual_ips(sa)
    services.part(Pacing).over(sa.uid)
    services.timers.cancel_owner(sa.uid)
    services.forget_questions(sa.uid)
    registry.ike_sas.pop(sa.uid, None)
    registry.by_spi.pop(sa.own_spi, None)
    registry.named.discard(sa.name, sa.uid)
    registry.between.discard(sa.between, sa.uid)
    end_wishes(sa)
    replaced = sa.state is IkeState.REKEYED
    sa.enter(IkeState.DESTROYED)
    sa.no_longer_half_open()  # after the last line of what a stranger has begun
    if sa.established_at is not None and not replaced:
        services.emit(IkeUpDown(sa.uid, sa.name, False))
    services.answers.closed("ike", sa.uid)
