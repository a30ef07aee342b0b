"""INVALID-SPI of version 1 (RFC 2408 §3.14.1): in the clear it is a hint, and nothing more."""

from __future__ import annotations

from cygnet.boundary.effects import Send
from cygnet.boundary.events import Datagram
from cygnet.engine import vigil
from cygnet.engine.ikev1.sa import IkeSaV1
from cygnet.engine.ikev1.tasks import informational
from cygnet.engine.registry import Registry
from cygnet.engine.sa import IkeSa
from cygnet.engine.services import Services
from cygnet.values.endpoint import Endpoint
from cygnet.values.errors import PeerError
from cygnet.values.iana import Protocol
from cygnet.wire.header import FLAG_ENCRYPTED, HEADER_LENGTH, ExchangeType, Header
from cygnet.wire.ikev1.message import assemble, decode_chain, encode_chain
from cygnet.wire.ikev1.notification import Notification
from cygnet.wire.ikev1.numbers import Notify, PayloadType


def _notification(spi: int) -> Notification:
    return Notification(Notify.INVALID_SPI, Protocol.ESP, spi.to_bytes(4))


def tell(sa: IkeSaV1, spi: int) -> None:
    informational.tell(sa, [_notification(spi)])


def tell_in_the_clear(services: Services, local: Endpoint, remote: Endpoint, spi: int) -> None:
    message_id = int.from_bytes(services.entropy.bytes(4)) or 1
    cookies = services.entropy.bytes(8), services.entropy.bytes(8)
    header = Header(*cookies, 0, ExchangeType.INFORMATIONAL_V1, message_id=message_id, major=1)
    services.log("IKE", f"telling {remote} that ESP SPI {spi:08x} is not known here")
    body = encode_chain([_notification(spi)])
    services.emit(Send(local, remote, assemble(header, PayloadType.NOTIFY, body)))


def stranger(registry: Registry[IkeSa], event: Datagram, header: Header) -> None:
    """A message for an IKE_SA that is not here: perhaps somebody's hint."""
    if header.exchange != ExchangeType.INFORMATIONAL_V1 or header.flags & FLAG_ENCRYPTED:
        return
    try:
        chain = decode_chain(header.next_payload, event.data[HEADER_LENGTH:])
    except PeerError:
        return
    for notification in chain.all(Notification):
        if notification.notify == Notify.INVALID_SPI and len(notification.spi) == 4:
            vigil.hinted(registry, event.remote, int.from_bytes(notification.spi))
            return
