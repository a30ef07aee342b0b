"""INVALID_SPI of version 2 (RFC 7296 §1.5, §3.10.1): a task under protection, a message in the clear."""

from __future__ import annotations

from cygnet.boundary.effects import Send
from cygnet.boundary.events import Datagram
from cygnet.engine import vigil
from cygnet.engine.ikev2 import crash
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.task import Draft, Step
from cygnet.engine.ikev2.tasks.task import SaTask
from cygnet.engine.registry import Registry
from cygnet.engine.sa import IkeSa
from cygnet.engine.services import Services
from cygnet.values.endpoint import Endpoint
from cygnet.values.errors import PeerError
from cygnet.wire.header import FLAG_RESPONSE, ExchangeType, Header
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType


class SayUnknownSpi(SaTask):
    NAME = "IKE_INVALID_SPI"

    def __init__(self, sa: IkeSaV2, spi: int) -> None:
        super().__init__(sa)
        self.spi = spi

    def build(self) -> Draft | None:
        return Draft(ExchangeType.INFORMATIONAL, [_notify(self.spi)]) if self.sa.is_established else None

    def process(self, message: Message) -> Step:
        return Step.DONE


def _notify(spi: int) -> NotifyPayload:
    return NotifyPayload(NotifyType.INVALID_SPI, spi.to_bytes(4))


def tell(sa: IkeSaV2, spi: int) -> None:
    """Once for whatever comes before the peer has heard it."""
    if sa.exchanges.unsent(SayUnknownSpi) is None and not isinstance(sa.exchanges.active, SayUnknownSpi):
        sa.exchanges.add(SayUnknownSpi(sa, spi))


def tell_in_the_clear(services: Services, local: Endpoint, remote: Endpoint, spi: int) -> None:
    """ "there are no IKE SPI values that would be meaningful to the recipient"."""
    spis = services.entropy.bytes(8), services.entropy.bytes(8)
    message = Message(*spis, ExchangeType.INFORMATIONAL, 0, True, False, (_notify(spi),))
    services.log("IKE", f"telling {remote} that ESP SPI {spi:08x} is not known here")
    services.emit(Send(local, remote, message.encode()))


def stranger(registry: Registry[IkeSa], event: Datagram, header: Header) -> None:
    """A message for an IKE_SA that is not here: somebody's hint, or somebody to be told."""
    spi = _spi_of_hint(event, header)
    if spi is None:
        crash.answer_unknown(registry, event, header)
    else:
        vigil.hinted(registry, event.remote, spi)


def _spi_of_hint(event: Datagram, header: Header) -> int | None:
    if header.exchange != ExchangeType.INFORMATIONAL or header.flags & FLAG_RESPONSE:
        return None
    try:
        notify = Message.decode(event.data, header).notify(NotifyType.INVALID_SPI)
    except PeerError:
        return None
    return int.from_bytes(notify.data) if notify is not None and len(notify.data) == 4 else None
