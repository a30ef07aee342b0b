"""First messages of IKEv1 (Main and Aggressive Mode): makes the IKE_SA that answers them."""

from __future__ import annotations

from cygnet.boundary.effects import Send
from cygnet.boundary.events import Datagram
from cygnet.engine.ikev1.exchange import PHASE_1
from cygnet.engine.ikev1.greylist import FROM, Greylist
from cygnet.engine.ikev1.sa import IkeSaV1
from cygnet.engine.ikev1.task import Task
from cygnet.engine.ikev1.tasks.aggressive_mode import AggressiveModeResponder
from cygnet.engine.ikev1.tasks.main_mode import MainModeResponder
from cygnet.engine.lookup import by_address
from cygnet.engine.registry import Registry
from cygnet.engine.sa import IkeSa, IkeState
from cygnet.engine.services import Services
from cygnet.wire.header import FLAG_ENCRYPTED, NO_SPI, ExchangeType, Header
from cygnet.wire.ikev1.message import assemble, encode_chain
from cygnet.wire.ikev1.notification import Notification
from cygnet.wire.ikev1.numbers import Notify, PayloadType

RESPONDERS: dict[ExchangeType, type[Task]] = {
    ExchangeType.ID_PROT: MainModeResponder,
    ExchangeType.AGGRESSIVE: AggressiveModeResponder,
}
#: what a first message may begin with (a fragment: of a large one)
FIRST_PAYLOADS = (PayloadType.SA, PayloadType.FRAGMENT)


def respond(registry: Registry[IkeSa], datagram: Datagram, header: Header) -> IkeSaV1 | None:
    """An IKE_SA for this first message; None: there is nothing to answer, or it was answered."""
    services = registry.services
    task = RESPONDERS.get(header.exchange)
    if (
        task is None
        or header.message_id != PHASE_1
        or header.flags & FLAG_ENCRYPTED
        or header.spi_i == NO_SPI
        or header.next_payload not in FIRST_PAYLOADS
    ):
        services.log(
            "NET", f"received {header.exchange} message of an unknown IKE_SA from {datagram.remote}", 2
        )
        return None
    local, remote = datagram.local.address, datagram.remote.address
    if registry.half_open.strangers >= FROM and not services.part(Greylist).passes(header.spi_i, remote):
        services.log("NET", f"passing over IKE_SA setup from {remote} until it comes again")
        return None
    found = by_address(services, local, remote, 1)
    if not found:
        services.log("IKE", f"no IKE config found for {local}...{remote}, sending NO_PROPOSAL_CHOSEN")
        services.alert("proposal-mismatch-ike", f"no connection is configured for {local}...{remote}")
        _refuse(services, datagram, header)
        return None
    sa = IkeSaV1(registry, found[0], False, datagram.local, datagram.remote)
    sa.spi_i = header.spi_i
    sa.count_half_open()
    sa.enter(IkeState.CONNECTING)
    sa.expect_again()
    sa.exchanges.answer(header.exchange, PHASE_1, task(sa))
    return sa


def _refuse(services: Services, datagram: Datagram, header: Header) -> None:
    """NO_PROPOSAL_CHOSEN without any state: the message ID is random, the SPI empty."""
    message_id = int.from_bytes(services.entropy.bytes(4))
    reply = Header(header.spi_i, NO_SPI, 0, ExchangeType.INFORMATIONAL_V1, message_id=message_id, major=1)
    body = encode_chain([Notification(Notify.NO_PROPOSAL_CHOSEN)])
    services.emit(Send(datagram.local, datagram.remote, assemble(reply, PayloadType.NOTIFY, body)))
