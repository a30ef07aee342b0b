"""What leaves an IKE_SA and what opens what arrives: keys, sealing, fragments, datagrams.

A message goes out whole, or in fragments where the peer takes them and it would not fit
(RFC 7383). A request goes to the IKE_SA's endpoints, a response back where its request came from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cygnet.boundary.effects import Send
from cygnet.engine.ikev2.window import Window
from cygnet.model.config import Fragmentation
from cygnet.values.endpoint import Endpoint
from cygnet.values.errors import PeerError
from cygnet.wire.header import ExchangeType
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.payload import Payload
from cygnet.wire.ikev2.sealing import Protector, seal_message

if TYPE_CHECKING:
    from cygnet.engine.ikev2.sa import IkeSaV2

#: exchanges whose messages are not encrypted
IN_THE_CLEAR = (ExchangeType.IKE_SA_INIT, ExchangeType.IKE_SESSION_RESUME)


class Channel:
    def __init__(self, sa: IkeSaV2) -> None:
        self.sa = sa
        self.window = Window()
        self.outbound: Protector | None = None
        self.inbound: Protector | None = None
        self.inbound_before: Protector | None = None  #: of the keys before IKE_INTERMEDIATE renewed them
        self.fragmented = False  #: the peer sent us fragments, so it takes them (and needs them)

    def protect(self, outbound: Protector, inbound: Protector) -> None:
        """Use these keys from the next message on."""
        self.inbound_before = self.inbound
        self.outbound, self.inbound = outbound, inbound

    def opener(self, message: Message) -> Protector:
        """What opens a message: the last request, sent again, is still under the keys it had."""
        if self.inbound is None:
            raise PeerError(0, f"{message.title} before there are keys")
        again = not message.response and message.message_id == self.window.peer_next - 1
        return self.inbound_before if again and self.inbound_before is not None else self.inbound

    def message(
        self, exchange: ExchangeType, message_id: int, response: bool, payloads: list[Payload]
    ) -> Message:
        sa = self.sa
        return Message(sa.spi_i, sa.spi_r, exchange, message_id, sa.initiator, response, tuple(payloads))

    def encode(self, message: Message) -> tuple[list[bytes], bytes]:
        """Datagrams of a message, and its plaintext where it is encrypted."""
        sa = self.sa
        sa.log("ENC", f"generating {message}")
        if message.exchange in IN_THE_CLEAR:
            return [message.encode()], b""
        assert self.outbound is not None
        datagrams, plain = seal_message(message, self.outbound, self._fragment_limit())
        if len(datagrams) > 1:
            total = sum(map(len, datagrams))
            sa.log("ENC", f"splitting IKE message ({total} bytes) into {len(datagrams)} fragments")
            for n in range(1, len(datagrams) + 1):
                sa.log("ENC", f"generating {message.title} [ EF({n}/{len(datagrams)}) ]")
        return datagrams, plain

    def _fragment_limit(self) -> int:
        """Bytes of an IKE message that still go out whole (RFC 7383 §2.5.1)."""
        sa, settings = self.sa, self.sa.services.config.settings
        mode = sa.connection.fragmentation
        allowed = mode in (Fragmentation.YES, Fragmentation.FORCE) or (
            mode is Fragmentation.ACCEPT and self.fragmented
        )
        if not allowed or not sa.peer.fragmentation:
            return 1 << 30
        six = sa.remote.address.version == 6
        packet = settings.fragment_size or (1280 if six else 576)
        return packet - (40 if six else 20) - 8 - 4  # IP, UDP, the non-ESP marker

    def send(self, datagrams: list[bytes]) -> None:
        for data in datagrams:
            self.sa.send(data)

    def send_to(self, local: Endpoint, remote: Endpoint, datagrams: list[bytes]) -> None:
        """A response goes back where its request came from (RFC 7296 §2.11)."""
        sa = self.sa
        sa.last_sent = sa.services.now
        for data in datagrams:
            sa.log("NET", f"sending packet: from {local} to {remote} ({len(data)} bytes)")
            sa.services.emit(Send(local, remote, data, dscp=sa.connection.dscp))
