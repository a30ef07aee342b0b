"""Traffic selectors of Quick Mode: one ID payload for each end (RFC 2407 §4.6.2, RFC 2409 §5.5)."""

from __future__ import annotations

from cygnet.engine.address_blocks import Limit
from cygnet.engine.ikev1.sa import IkeSaV1
from cygnet.engine.policy import fill
from cygnet.model.config import Child, Connection, Mode
from cygnet.values.errors import PeerError
from cygnet.values.selector import TrafficSelector, narrow
from cygnet.wire.ikev1.identification import Id
from cygnet.wire.ikev1.message import Chain
from cygnet.wire.ikev1.numbers import Notify


def ids_of(first: TrafficSelector, second: TrafficSelector) -> list[Id]:
    """IDci and IDcr: the initiator's end first."""
    return [Id.of_selector(first), Id.of_selector(second)]


def offered_selectors(sa: IkeSaV1, chain: Chain) -> tuple[TrafficSelector, TrafficSelector]:
    """Responder: what the peer wants, as (our end, its end). Without IDs: the two hosts."""
    ids = chain.all(Id)
    if len(ids) == 1:
        raise PeerError(Notify.INVALID_ID_INFORMATION, "one ID payload instead of two")
    if not ids:
        return _host(sa.local.address), _host(sa.remote.address)
    return ids[1].selector(), ids[0].selector()


def _host(address: object) -> TrafficSelector:
    return TrafficSelector.of(str(address))


Found = tuple[Connection, Child, TrafficSelector, TrafficSelector]


def select_child(sa: IkeSaV1, local: TrafficSelector, remote: TrafficSelector) -> Found | None:
    """The child that fits best, whose it is, and the selectors narrowed to it: one that covers what the
    peer wants goes before one that covers a part of it."""
    best: Found | None = None
    for connection in sa.open_to or (sa.connection,):
        for child in connection.children:
            if child.mode.is_shunt:
                continue
            local_ts, remote_ts = _wanted(sa, child, local, remote)
            ours = narrow(fill(child.local_ts, sa.local.address), [local_ts])
            theirs = narrow(sa.part(Limit).of(fill(child.remote_ts, sa.remote.address)), [remote_ts])
            if not ours or not theirs:
                continue
            if (ours[0], theirs[0]) == (local_ts, remote_ts):
                return connection, child, ours[0], theirs[0]
            best = best or (connection, child, ours[0], theirs[0])
    return best


def _wanted(
    sa: IkeSaV1, child: Child, local: TrafficSelector, remote: TrafficSelector
) -> tuple[TrafficSelector, TrafficSelector]:
    """In transport mode through a NAT the peer names the addresses it knows, not those that the
    packets have here (RFC 3947 §5.2): its protocols and ports count, with the addresses in use."""
    if child.mode is not Mode.TRANSPORT or not sa.encap:
        return local, remote
    own, peer = sa.local.address, sa.remote.address
    return (
        TrafficSelector(own, own, local.protocol, local.start_port, local.end_port),
        TrafficSelector(peer, peer, remote.protocol, remote.start_port, remote.end_port),
    )
