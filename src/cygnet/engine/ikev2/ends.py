"""How an IKE_SA of version 2 ends where the peer is silent, lost, or cannot be understood."""

from __future__ import annotations

from cygnet.engine import life
from cygnet.engine.ikev2 import sessions
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.task import Draft
from cygnet.engine.wants import Delete
from cygnet.values.errors import PeerError
from cygnet.values.iana import Protocol
from cygnet.wire.header import NO_SPI, ExchangeType
from cygnet.wire.ikev2.delete import DeletePayload


def lost(sa: IkeSaV2, reason: str) -> None:
    """The established IKE_SA is gone at the other end; its session may be taken up again."""
    sessions.keep(sa)
    life.lost(sa, reason)


def broken(sa: IkeSaV2, error: PeerError) -> None:
    """The peer's response cannot be accepted: the IKE_SA cannot go on."""
    sa.failure = error.detail
    sa.log("IKE", error.detail)
    if sa.established_at is None:
        life.negotiation_failed(sa, retry=False)
    else:
        sa.do(Delete())


def malformed(sa: IkeSaV2, detail: str) -> None:
    """We have called an authentic message of the peer's malformed, which ends the IKE_SA at both
    ends (§2.21.3): "the IKE SA is deleted without needing an explicit INFORMATIONAL exchange"."""
    sa.log("IKE", f"closing {sa}: the peer's message cannot be read")
    if sa.established_at is None:
        sa.failure = detail
        life.destroy(sa)
    else:
        lost(sa, f"a message of {sa.remote.address} could not be read: {detail}")


def rejected(sa: IkeSaV2) -> None:
    """The peer calls an authentic message of ours malformed and has forgotten the IKE_SA."""
    reason = f"{sa.remote.address} could not read our message (INVALID_SYNTAX)"
    sa.log("IKE", f"received INVALID_SYNTAX notify error, {reason}", 0)
    if sa.established_at is None:
        life.negotiation_failed(sa, reason, retry=False)
    else:
        lost(sa, reason)


def peer_is_silent(sa: IkeSaV2) -> None:
    """No answer to any retransmission."""
    peer = sa.remote.address
    if sa.established_at is not None:
        if life.comes_back(sa):
            sa.exchanges.send_once(Draft(ExchangeType.INFORMATIONAL, [DeletePayload(Protocol.IKE)]))
        lost(sa, f"{peer} did not answer")
        return
    if sa.spi_r == NO_SPI:
        reason = f"{peer} did not answer: it is down, or UDP port {sa.remote.port} is filtered on the way"
    else:
        reason = (
            f"{peer} answered the first message and no other: UDP port {sa.remote.port} or large packets "
            "may be filtered on the way"
        )
    sa.log("IKE", reason)
    life.unanswered(sa, reason)
