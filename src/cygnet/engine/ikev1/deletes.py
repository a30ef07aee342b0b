"""Closing CHILD_SAs and IKE_SAs, from either end (RFC 2408 §3.15, RFC 2409 §5.7).

A delete names the sender's inbound SPIs. cygnet answers the peer's with one of its own, so that
who asked knows that it was heard; its own it repeats a few times until such an answer.
"""

from __future__ import annotations

from collections.abc import Sequence

from cygnet.engine import life
from cygnet.engine.child import ChildSa, ChildState
from cygnet.engine.children import all_children, child_down, close_action
from cygnet.engine.ikev1.children import equivalents
from cygnet.engine.ikev1.ends import closed_by_peer, phase_1_failed
from cygnet.engine.ikev1.exchange import Exchange
from cygnet.engine.ikev1.phase2 import Phase2, deletion_of
from cygnet.engine.ikev1.sa import IkeSaV1
from cygnet.engine.ikev1.succession import Succession
from cygnet.engine.ikev1.tasks.informational import TellDeleted, Unheard, Unsaid, say_again, say_once
from cygnet.engine.sa import IkeState
from cygnet.values.iana import Protocol
from cygnet.wire.ikev1.delete import Delete
from cygnet.wire.ikev1.numbers import PROTO_ISAKMP

# ours ---------------------------------------------------------------------------------


def close_child(sa: IkeSaV1, child: ChildSa) -> None:
    if child.state in (ChildState.DELETING, ChildState.DELETED):
        return
    known = child.spi_out != 0
    _abandon_quick_mode(sa, child)
    log_closing(sa, child)
    child_down(sa, child)
    if known and sa.keys is not None:
        sa.log("IKE", f"sending DELETE for {child.protocol} CHILD_SA with SPI {child.spi_in:08x}")
        sa.part(Succession).inherit_delete(deletion_of(child))


def log_closing(sa: IkeSaV1, child: ChildSa) -> None:
    local = " ".join(str(ts) for ts in child.local_ts)
    remote = " ".join(str(ts) for ts in child.remote_ts)
    sa.log(
        "IKE",
        f"closing CHILD_SA {child} with SPIs {child.spi_in:08x}_i {child.spi_out:08x}_o "
        f"and TS {local} === {remote}",
        0,
    )


def close_ike(sa: IkeSaV1) -> None:
    """CHILD_SAs first: not every peer takes them down with the IKE_SA."""
    children = [c for c in sa.children.values() if c.spi_out]
    for child in children:
        log_closing(sa, child)
    _log_deleting(sa)
    sa.enter(IkeState.DELETING)
    sa.services.timers.cancel_owner(sa.uid)
    abandon_exchanges(sa)
    # The peer may take the IKE_SA's end for a reauthentication that leaves the CHILD_SAs to a
    # sibling: then theirs must be told through the sibling, which stays to repeat it.
    messenger = sa.part(Succession).sibling or sa
    for protocol in (Protocol.ESP, Protocol.AH):
        closed = [c for c in children if c.protocol == protocol]
        for child in closed:
            sa.log("IKE", f"sending DELETE for {protocol} CHILD_SA with SPI {child.spi_in:08x}")
        if closed:
            spis = tuple(c.spi_in.to_bytes(4) for c in closed)
            answers = frozenset(c.spi_out.to_bytes(4) for c in closed)
            if messenger is sa:
                say_once(sa, Delete(protocol, spis))
            else:
                say_again(messenger, Unheard(Delete(protocol, spis), answers))
    for child in list(sa.children.values()):
        child_down(sa, child)
    sa.log("IKE", f"sending DELETE for IKE_SA {sa}")
    say_again(sa, Unheard(Delete(PROTO_ISAKMP, (sa.cookies,)), frozenset({sa.cookies})))
    sa.services.answers.closed("ike", sa.uid)


def _log_deleting(sa: IkeSaV1) -> None:
    sa.log(
        "IKE",
        f"deleting IKE_SA {sa} between {sa.local.address}[{sa.local_id}]"
        f"...{sa.remote.address}[{sa.remote_id}]",
        0,
    )


def abandon_exchanges(sa: IkeSaV1) -> None:
    """Take back what unfinished Quick Modes have installed; an heir tells the peer."""
    for exchange in sa.exchanges.active():
        sa.exchanges.close(exchange)
        task = exchange.task
        if isinstance(task, Phase2):
            told = task.take_back()
        else:
            told = task.unheard if isinstance(task, TellDeleted) else None
        if told is None:
            continue
        heir = sa.part(Succession).heir
        if heir is not None:
            heir.part(Succession).inherit_delete(told)
        else:
            sa.services.part(Unsaid).keep(sa, told)
    sa.exchanges.queue.clear()


def _abandon_quick_mode(sa: IkeSaV1, child: ChildSa) -> None:
    """The CHILD_SA goes before its Quick Mode is over."""
    for exchange in sa.exchanges.active():
        if isinstance(exchange.task, Phase2) and exchange.task.child is child:
            sa.exchanges.abandon(exchange)


# the peer's ---------------------------------------------------------------------------


def ike_deleted(sa: IkeSaV1, spis: Sequence[bytes]) -> None:
    if sa.cookies not in spis:
        sa.log("IKE", "received DELETE for different IKE_SA, ignored")
        return
    sa.log("IKE", f"received DELETE for IKE_SA {sa}")
    if sa.state is IkeState.DELETING:
        life.destroy(sa)
        return
    _log_deleting(sa)
    say_once(sa, Delete(PROTO_ISAKMP, (sa.cookies,)))
    if sa.is_established:
        closed_by_peer(sa)
    elif sa.initiator and sa.state is IkeState.CONNECTING:
        phase_1_failed(sa, f"{sa.remote.address} deleted the IKE_SA before it was established")
    else:
        life.destroy(sa)


def children_deleted(sa: IkeSaV1, protocol: Protocol, spis: Sequence[bytes], exchange: Exchange) -> None:
    """``exchange``: the one that brought the delete; our answer is kept in it for a repetition."""
    ours: list[bytes] = []
    for spi in spis:
        found = _find(sa, protocol, int.from_bytes(spi))
        if found is None:
            if not _answers_ours(sa, spi):
                sa.gone.append(int.from_bytes(spi))
                level = 2 if sa.state is IkeState.DELETING else 1  # the answer to our own is no news
                text = f"received DELETE for unknown {protocol} CHILD_SA with SPI {spi.hex()}"
                sa.log("IKE", text, level)
            continue
        sa.log("IKE", f"received DELETE for {protocol} CHILD_SA with SPI {spi.hex()}")
        ours.append(found[1].spi_in.to_bytes(4))
        _deleted(*found)
    if ours:
        exchange.sent = say_once(sa, Delete(protocol, tuple(ours))).sent


def _find(sa: IkeSaV1, protocol: Protocol, spi: int) -> tuple[IkeSaV1, ChildSa] | None:
    """The CHILD_SA that sends with this SPI: of this IKE_SA, or of another with the same peer."""
    if not spi:
        return None
    for owner, child in all_children(sa.registry):
        if child.spi_out != spi or child.protocol != protocol or not isinstance(owner, IkeSaV1):
            continue
        same_peer = (owner.remote_id, owner.remote.address) == (sa.remote_id, sa.remote.address)
        if owner is sa or same_peer:
            return owner, child
    return None


def _deleted(owner: IkeSaV1, child: ChildSa) -> None:
    log_closing(owner, child)
    was_up, config = child.is_up, child.config
    child_down(owner, child)
    predecessor = next((c for c in owner.children.values() if c.rekeyed_by == child.uid), None)
    if was_up and predecessor is not None and predecessor.state is ChildState.REKEYED:
        predecessor.resume()
        return
    if was_up and owner.is_established and not equivalents(owner, config, child.local_ts, child.remote_ts):
        close_action(owner, child)


def _answers_ours(sa: IkeSaV1, spi: bytes) -> bool:
    for exchange in sa.exchanges.active():
        if isinstance(exchange.task, TellDeleted) and spi in exchange.task.told.answers:
            sa.exchanges.close(exchange)
            return True
    return False
