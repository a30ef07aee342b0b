"""Deleting a CHILD_SA, RFC 7296 §1.4.1.

    request   D(ESP, our inbound SPI)
    response  D(ESP, the peer's inbound SPI) | nothing, when it is deleting it too

"If by chance both ends of a set of SAs independently decide to close them, each may send a
Delete payload and the two requests may cross in the network [...] it MUST NOT include Delete
payloads for those SAs in its response, since that would result in duplicate deletion".
The delete of a CHILD_SA that a lost response of the peer's has made overtakes that response
when it is sent again: such SPIs are kept until our request is through (``delete_overtaken``).
A CHILD_SA that was rekeyed still takes stray packets for ``delete_rekeyed_delay`` seconds.
"""

from __future__ import annotations

from cygnet.engine.child import ChildSa, ChildState
from cygnet.engine.children import child_down, close_action
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.task import Draft, Step
from cygnet.engine.ikev2.tasks.task import SaTask
from cygnet.engine.timers import Deadline
from cygnet.wire.header import ExchangeType
from cygnet.wire.ikev2.delete import DeletePayload
from cygnet.wire.ikev2.message import Message

MAX_OVERTAKEN = 16  #: SPIs kept; a peer deletes its CHILD_SAs one or a few at a time


class Overtaken:
    """SPIs of deletes that came before the CHILD_SA they are for."""

    def __init__(self, sa: IkeSaV2) -> None:
        self.spis: list[bytes] = []


class DeleteChildSa(SaTask):
    NAME = "CHILD_DELETE"

    def __init__(self, sa: IkeSaV2, child: ChildSa) -> None:
        super().__init__(sa)
        self.child = child

    def build(self) -> Draft | None:
        sa, child = self.sa, self.child
        if child.state in (ChildState.DELETED, ChildState.DELETING) or child.uid not in sa.children:
            return None
        local, remote = (" ".join(str(ts) for ts in side) for side in (child.local_ts, child.remote_ts))
        sa.log(
            "CHD",
            f"closing CHILD_SA {child} with SPIs {child.spi_in:08x}_i {child.spi_out:08x}_o "
            f"and TS {local} === {remote}",
            0 if child.rekeyed_by is None else 1,
        )
        sa.log("IKE", f"sending DELETE for {child.protocol} CHILD_SA with SPI {child.spi_in:08x}")
        if child.state is ChildState.CREATED:
            child.enter(ChildState.INSTALLING)
        child.enter(ChildState.DELETING)
        payload = DeletePayload(child.protocol, (child.spi_in.to_bytes(4),))
        return Draft(ExchangeType.INFORMATIONAL, [payload])

    def process(self, message: Message) -> Step:
        for payload in message.all(DeletePayload):
            for spi in payload.spis:
                self.sa.log("IKE", f"received DELETE for {payload.protocol} CHILD_SA with SPI {spi.hex()}")
        gone(self.sa, self.child)
        return Step.DONE


def gone(sa: IkeSaV2, child: ChildSa) -> None:
    """Both ends have closed it: out of the data plane, at once or when stray packets have come in."""
    if child.state is ChildState.DELETED:
        return
    delay = sa.services.config.settings.delete_rekeyed_delay
    if child.rekeyed_by is None or not delay or child.in_id is None:
        sa.log("IKE", f"CHILD_SA {child} closed")
        child_down(sa, child)
        return
    child.remove_outbound()
    if child.state is not ChildState.DELETING:
        child.enter(ChildState.DELETING)
    sa.services.timers.set(sa.uid, Deadline.CHILD_RETIRE, sa.services.now + delay, child.uid)


def deleted_by_peer(sa: IkeSaV2, payload: DeletePayload) -> tuple[bytes, ...]:
    """The peer closes CHILD_SAs: remove them; our SPIs that the response has to name."""
    answered: list[bytes] = []
    overtaken = sa.part(Overtaken)
    for spi in payload.spis:
        sa.log("IKE", f"received DELETE for {payload.protocol} CHILD_SA with SPI {spi.hex()}")
        child = sa.child_by_outbound(spi)
        if child is None:
            sa.log("IKE", f"CHILD_SA with SPI {spi.hex()} is not known (any more)")
            if sa.exchanges.active is not None and len(overtaken.spis) < MAX_OVERTAKEN:
                overtaken.spis.append(spi)
            continue
        if child.state is not ChildState.DELETING:
            answered.append(child.spi_in.to_bytes(4))
        expected = child.rekeyed_by is not None or child.state is ChildState.DELETING
        gone(sa, child)
        if not expected:
            close_action(sa, child)
    return tuple(answered)


def delete_overtaken(sa: IkeSaV2) -> None:
    """Our request is through: what it made and the peer has deleted since goes now."""
    overtaken = sa.part(Overtaken)
    spis, overtaken.spis = overtaken.spis, []
    for spi in spis:
        child = sa.child_by_outbound(spi)
        if child is not None and not sa.is_gone:
            sa.log("IKE", f"CHILD_SA {child} has been deleted by the peer meanwhile")
            gone(sa, child)
            close_action(sa, child)
