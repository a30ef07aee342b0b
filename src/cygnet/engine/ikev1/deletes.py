"""Closing CHILD_SAs and IKE_SAs, from either end (RFC 2408 §3.15, RFC 2409 §5.7).

A delete names the sender's inbound SPIs. cygnet answers the peer's with one of its own, so that
who asked knows that it was heard; its own it repeats a few times until such an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cygnet.engine.child import ChildSa, ChildState
from cygnet.engine.ikev1.exchange import Exchange
from cygnet.engine.ikev1.phase2 import deletion_of
from cygnet.engine.ikev1.tasks.informational import CHILD_DELETE_SCHEDULE, IKE_DELETE_SCHEDULE, TellDeleted
from cygnet.engine.sa import IkeSa, IkeState
from cygnet.values.iana import Protocol
from cygnet.wire.header import ExchangeType
from cygnet.wire.ikev1.delete import Delete
from cygnet.wire.ikev1.numbers import PROTO_ISAKMP

if TYPE_CHECKING:
    from cygnet.engine.ikev1.sa import IkeSaV1


# ours ---------------------------------------------------------------------------------


def send(
    sa: IkeSaV1,
    delete: Delete,
    answers: frozenset[bytes],
    repeat: bool = True,
    tries: int = CHILD_DELETE_SCHEDULE[1],
) -> Exchange:
    task = TellDeleted(sa, delete, answers)
    schedule = None
    if repeat:
        patient = delete.protocol != PROTO_ISAKMP and not sa.peer_is_mute
        schedule = (CHILD_DELETE_SCHEDULE[0], tries) if patient else IKE_DELETE_SCHEDULE
    return sa.exchanges.begin(ExchangeType.INFORMATIONAL_V1, task, schedule, expect=repeat)


def close_child(sa: IkeSaV1, child: ChildSa) -> None:
    if child.state in (ChildState.DELETING, ChildState.DELETED):
        return
    known = child.spi_out != 0
    sa.abandon_quick_mode(child)
    log_closing(sa, child)
    sa.child_down(child)
    if known and sa.keys is not None:
        sa.log("IKE", f"sending DELETE for {child.protocol} CHILD_SA with SPI {child.spi_in:08x}")
        told = deletion_of(child)
        send(sa, told.delete, told.answers)


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
    sa.ctx.timers.cancel_owner(sa.uid)
    sa.abandon_exchanges()
    # The peer may take the IKE_SA's end for a reauthentication that leaves the CHILD_SAs to a
    # sibling: then theirs must be told through the sibling, which stays to repeat it.
    messenger = sa.succession.sibling or sa
    for protocol in (Protocol.ESP, Protocol.AH):
        closed = [c for c in children if c.protocol == protocol]
        for child in closed:
            sa.log("IKE", f"sending DELETE for {protocol} CHILD_SA with SPI {child.spi_in:08x}")
        if closed:
            spis = tuple(c.spi_in.to_bytes(4) for c in closed)
            answers = frozenset(c.spi_out.to_bytes(4) for c in closed)
            send(messenger, Delete(protocol, spis), answers, repeat=messenger is not sa)
    for child in list(sa.children.values()):
        sa.child_down(child)
    sa.log("IKE", f"sending DELETE for IKE_SA {sa}")
    send(sa, Delete(PROTO_ISAKMP, (sa.cookies,)), frozenset({sa.cookies}))
    sa.ctx.closed("ike", sa.uid)


def _log_deleting(sa: IkeSaV1) -> None:
    sa.log(
        "IKE",
        f"deleting IKE_SA {sa} between {sa.local.address}[{sa.local_id}]"
        f"...{sa.remote.address}[{sa.remote_id}]",
        0,
    )


# the peer's ---------------------------------------------------------------------------


def ike_deleted(sa: IkeSaV1, spis: Sequence[bytes]) -> None:
    if sa.cookies not in spis:
        sa.log("IKE", "received DELETE for different IKE_SA, ignored")
        return
    sa.log("IKE", f"received DELETE for IKE_SA {sa}")
    if sa.state is IkeState.DELETING:
        sa.destroy()
        return
    _log_deleting(sa)
    send(sa, Delete(PROTO_ISAKMP, (sa.cookies,)), frozenset(), repeat=False)
    if sa.is_established:
        sa.closed_by_peer()
    elif sa.initiator and sa.state is IkeState.CONNECTING:
        sa.phase_1_failed(f"{sa.remote.address} deleted the IKE_SA before it was established")
    else:
        sa.destroy()


def children_deleted(sa: IkeSaV1, protocol: Protocol, spis: Sequence[bytes], exchange: Exchange) -> None:
    """``exchange``: the one that brought the delete; our answer is kept in it for a repetition."""
    ours: list[bytes] = []
    for spi in spis:
        child = _find(sa, protocol, int.from_bytes(spi))
        if child is None:
            if not _answers_ours(sa, spi):
                sa.gone.append(int.from_bytes(spi))
                level = 2 if sa.state is IkeState.DELETING else 1  # the answer to our own is no news
                text = f"received DELETE for unknown {protocol} CHILD_SA with SPI {spi.hex()}"
                sa.log("IKE", text, level)
            continue
        sa.log("IKE", f"received DELETE for {protocol} CHILD_SA with SPI {spi.hex()}")
        ours.append(child.spi_in.to_bytes(4))
        _deleted(child)
    if ours:
        exchange.sent = send(sa, Delete(protocol, tuple(ours)), frozenset(), repeat=False).sent


def _find(sa: IkeSaV1, protocol: Protocol, spi: int) -> ChildSa | None:
    """The CHILD_SA that sends with this SPI: of this IKE_SA, or of another with the same peer."""
    if not spi:
        return None
    for owner, child in sa.ctx.all_children():
        same_peer: IkeSa = owner
        if (
            child.spi_out == spi
            and child.protocol == protocol
            and same_peer.version == sa.version
            and (
                owner is sa or (owner.remote_id == sa.remote_id and owner.remote.address == sa.remote.address)
            )
        ):
            return child
    return None


def _deleted(child: ChildSa) -> None:
    from cygnet.engine.ikev1.sa import IkeSaV1

    owner = child.sa
    assert isinstance(owner, IkeSaV1)
    log_closing(owner, child)
    was_up, config = child.is_up, child.config
    owner.child_down(child)
    if was_up and owner.is_established and not owner.equivalents(config, child.local_ts, child.remote_ts):
        owner.close_action(child)


def _answers_ours(sa: IkeSaV1, spi: bytes) -> bool:
    for exchange in sa.exchanges.active():
        if isinstance(exchange.task, TellDeleted) and spi in exchange.task.answers:
            sa.exchanges.close(exchange)
            return True
    return False
