"""RFC 7296 §2.23. NAT detection: hashes of addresses and ports, before they are translated.

    SHA-1(SPIs | address | port)

What we say our address is, hashed, is compared with what the peer sees, and the other way.
"""

from __future__ import annotations

from cygnet.crypto.hash import digest
from cygnet.values.endpoint import Endpoint
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType


def nat_hash(spi_i: bytes, spi_r: bytes, end: Endpoint) -> bytes:
    return digest("sha1", spi_i + spi_r + end.address.packed + end.port.to_bytes(2))


def nat_notifies(
    spi_i: bytes, spi_r: bytes, local: Endpoint, remote: Endpoint, fake: bool
) -> list[NotifyPayload]:
    """NAT_DETECTION_SOURCE_IP and _DESTINATION_IP of a message from ``local`` to ``remote``.

    ``fake`` (forceencaps): our source is not what we say, so the peer finds us behind a NAT.
    """
    source = nat_hash(spi_i, spi_r, local)
    if fake:
        source = digest("sha1", b"forceencaps" + source)
    return [
        NotifyPayload(NotifyType.NAT_DETECTION_SOURCE_IP, source),
        NotifyPayload(NotifyType.NAT_DETECTION_DESTINATION_IP, nat_hash(spi_i, spi_r, remote)),
    ]


def detect(message: Message, local: Endpoint, remote: Endpoint) -> tuple[bool, bool] | None:
    """(we are behind a NAT, the peer is) from a message that came from ``remote`` to ``local``.

    None: the peer does not do NAT traversal. It may send several source hashes, one for each
    of its addresses: "if none of the hashes match" it is behind a NAT.
    """
    sources = [n.data for n in message.notifies(NotifyType.NAT_DETECTION_SOURCE_IP)]
    destinations = [n.data for n in message.notifies(NotifyType.NAT_DETECTION_DESTINATION_IP)]
    if not sources or not destinations:
        return None
    seen = nat_hash(message.spi_i, message.spi_r, remote)
    ours = nat_hash(message.spi_i, message.spi_r, local)
    return ours not in destinations, seen not in sources
