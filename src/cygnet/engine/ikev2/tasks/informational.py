"""INFORMATIONAL requests of the peer, RFC 7296 §1.4: deletes, notifies, or nothing at all.

"a request that contains no payloads [...] is a check for liveness": the answer is empty.
"""

from __future__ import annotations

from cygnet.engine import life
from cygnet.engine.ikev2 import auth_lifetime, crash, redirect
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.task import Reply
from cygnet.engine.ikev2.tasks import child_delete, ike_rekey, mobike, reauthenticate
from cygnet.engine.ikev2.tasks.ike_delete import log_deleting
from cygnet.engine.sa import IkeState
from cygnet.engine.vigil import peer_lacks
from cygnet.values.iana import Protocol
from cygnet.wire.ikev2.delete import DeletePayload
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify_types import NotifyType


def answer(sa: IkeSaV2, message: Message) -> Reply:
    if message.notify(NotifyType.AUTHENTICATION_FAILED) is not None:
        return _peer_rejects_us(sa)
    if sa.is_established:
        crash.learn(sa, message)
        lacking = message.notify(NotifyType.INVALID_SPI)
        if lacking is not None and len(lacking.data) == 4:
            peer_lacks(sa, int.from_bytes(lacking.data))
    elsewhere = message.notify(NotifyType.REDIRECT)
    if elsewhere is not None and sa.is_established:
        return redirect.asked_to_move(sa, elsewhere)
    deletes = list(message.all(DeletePayload))
    if any(d.protocol == Protocol.IKE for d in deletes):
        return _ike_deleted(sa)
    auth_lifetime.learn(sa, message)
    payloads = mobike.answer(sa, message) if sa.is_established else []
    for protocol in (Protocol.ESP, Protocol.AH):
        spis = tuple(
            spi for d in deletes if d.protocol == protocol for spi in child_delete.deleted_by_peer(sa, d)
        )
        if spis:
            payloads.append(DeletePayload(protocol, spis))
    return Reply(payloads)


def _peer_rejects_us(sa: IkeSaV2) -> Reply:
    """The initiator did not accept our authentication (§2.21.2)."""
    sa.log("IKE", "received AUTHENTICATION_FAILED notify error, destroying the IKE_SA", 0)
    sa.failure = f"{sa.remote.address} does not accept our authentication as '{sa.local_id}'"
    return Reply([], lambda: life.destroy(sa))


def _ike_deleted(sa: IkeSaV2) -> Reply:
    sa.log("IKE", f"received DELETE for IKE_SA {sa}")
    if sa.state is not IkeState.DELETING:
        log_deleting(sa)

    def after() -> None:
        sa.log("IKE", "IKE_SA deleted")
        ike_rekey.settle_deleted(sa)
        going = sa.state in (IkeState.DELETING, IkeState.REKEYED) or sa.established_at is None
        if going or reauthenticate.successor_of(sa) is not None:
            life.destroy(sa)
        else:
            life.closed_by_peer(sa)

    return Reply([], after)
