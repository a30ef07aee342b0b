"""RFC 6290, quick crash detection: a peer that has lost an IKE_SA proves it, and is believed at once.

    token = the first 16 bytes of HMAC-SHA2-256(secret, label | SPIi | SPIr)

Both ends give theirs under protection (IKE_AUTH, and by INFORMATIONAL after a rekeying, which
changes the SPIs). Who is asked for an IKE_SA that it has not answers in the clear with the
token: it computes it anew from the SPIs and a secret that outlived its crash. Nobody else can,
so the other end needs no minutes of retransmissions to know.

A token is as good as a delete, hence none is ever shown for an SPI that is in use here,
whatever else the message says (§9.2), and no more than ``ANSWERS`` a second.

Who has lost one IKE_SA has probably lost them all: each proof has two others with that peer asked
at once. So thousands are replaced within seconds, and no more are asked than are answered.
"""

from __future__ import annotations

import hmac
from collections import deque

from cygnet.boundary.effects import Send
from cygnet.boundary.events import Datagram
from cygnet.crypto.prf import prf
from cygnet.engine.ikev2 import ends
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.task import Draft, Step
from cygnet.engine.ikev2.tasks.task import SaTask
from cygnet.engine.registry import Registry
from cygnet.engine.sa import IkeSa
from cygnet.engine.services import Services
from cygnet.engine.wants import CheckLiveness
from cygnet.values.endpoint import Address
from cygnet.values.iana import PrfId
from cygnet.wire.header import FLAG_INITIATOR, FLAG_RESPONSE, ExchangeType, Header
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType

LABEL = b"quick crash detection"  #: keeps the secret's uses apart
TOKEN_LENGTH = 16  #: bytes; §4.1 allows 16 to 128. With it our answer is about as long as the request
#: a second, to messages for unknown IKE_SAs: what two gateways with thousands of tunnels need. An answer
#: is no longer than its request, and costs some 50 microseconds
ANSWERS = 400


class CrashTokens:
    """Tokens of one engine, and how many it has shown to strangers in this second."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._since = 0.0
        self._shown = 0

    def token(self, spi_i: bytes, spi_r: bytes) -> bytes:
        assert self.services.lasting is not None
        maker = prf(PrfId.HMAC_SHA2_256)
        return maker.compute(self.services.lasting.reveal(), LABEL + spi_i + spi_r)[:TOKEN_LENGTH]

    def may_answer(self) -> bool:
        if self.services.now - self._since >= 1.0:
            self._since, self._shown = self.services.now, 0
        self._shown += 1
        return self._shown <= ANSWERS


def _gives(services: Services) -> bool:
    return services.lasting is not None and services.config.settings.crash_detection


class PeerToken:
    """What the peer will show when it has lost this IKE_SA."""

    def __init__(self, sa: IkeSaV2) -> None:
        self.value = b""


# between two that know each other -----------------------------------------------------


def offer(sa: IkeSaV2) -> list[NotifyPayload]:
    """Our token for this IKE_SA; nothing where no secret outlives us."""
    if not _gives(sa.services):
        return []
    token = sa.services.part(CrashTokens).token(sa.spi_i, sa.spi_r)
    return [NotifyPayload(NotifyType.QUICK_CRASH_DETECTION, token)]


def learn(sa: IkeSaV2, message: Message) -> None:
    """Keep the peer's token from an authenticated message; a later one replaces it (§4.4)."""
    notify = message.notify(NotifyType.QUICK_CRASH_DETECTION)
    if notify is not None and 16 <= len(notify.data) <= 128 and sa.services.config.settings.crash_detection:
        sa.part(PeerToken).value = notify.data


class GiveToken(SaTask):
    """§4.3: a new token for the SPIs of an IKE_SA that has just replaced another one."""

    NAME = "IKE_CRASH_TOKEN"

    def build(self) -> Draft | None:
        notifies = offer(self.sa)
        return Draft(ExchangeType.INFORMATIONAL, [*notifies]) if notifies else None

    def process(self, message: Message) -> Step:
        return Step.DONE


def renew(new: IkeSaV2, old: IkeSaV2) -> None:
    """``new`` has replaced ``old``. Only who has given us a token is known to want ours."""
    if old.part(PeerToken).value and _gives(new.services):
        new.exchanges.add(GiveToken(new))


# between two of whom one has forgotten -----------------------------------------------


def answer_unknown(registry: Registry[IkeSa], event: Datagram, header: Header) -> None:
    """A request for an IKE_SA that is not here: show the token of its SPIs."""
    services = registry.services
    if not _gives(services) or header.flags & FLAG_RESPONSE:
        return
    if header.spi_i in registry.by_spi or header.spi_r in registry.by_spi:
        return
    tokens = services.part(CrashTokens)
    if not tokens.may_answer():
        return
    response = Message(
        header.spi_i,
        header.spi_r,
        header.exchange,
        header.message_id,
        not header.flags & FLAG_INITIATOR,
        True,
        (
            NotifyPayload(NotifyType.INVALID_IKE_SPI),
            NotifyPayload(NotifyType.QUICK_CRASH_DETECTION, tokens.token(header.spi_i, header.spi_r)),
        ),
    )
    services.log("IKE", f"telling {event.remote} that its IKE_SA is not known here")
    services.log("ENC", f"generating {response}")
    services.emit(Send(event.local, event.remote, response.encode()))


def says_lost(sa: IkeSaV2, message: Message) -> bool:
    """Whether an unprotected response proves that the peer has lost the IKE_SA (§4.5).

    "The token taker MUST verify [...] against the token that was stored": compared in constant
    time; any other message changes nothing.
    """
    token = sa.part(PeerToken).value
    if not message.response or not token or message.notify(NotifyType.INVALID_IKE_SPI) is None:
        return False
    shown = message.notifies(NotifyType.QUICK_CRASH_DETECTION)
    return any(hmac.compare_digest(n.data, token) for n in shown)


class Suspects:
    """IKE_SAs that peers have probably lost, too: by address, those that have not been asked."""

    def __init__(self, services: Services) -> None:
        self._of: dict[Address, deque[int]] = {}

    def after(self, sa: IkeSaV2) -> list[IkeSa]:
        """Two others with the peer of ``sa``, which has lost it."""
        address, all_sas = sa.remote.address, sa.registry.ike_sas
        queue = self._of.get(address)
        if queue is None:
            queue = deque(o.uid for o in all_sas.values() if o.is_established and o.remote.address == address)
            self._of[address] = queue
        found: list[IkeSa] = []
        while queue and len(found) < 2:
            other = all_sas.get(queue.popleft())
            if other is not None and other.is_established and other is not sa:
                found.append(other)
        if not queue:
            del self._of[address]
        return found


def peer_has_crashed(sa: IkeSaV2) -> None:
    reason = f"{sa.remote.address} has lost the IKE_SA: it shows the crash token"
    sa.log("IKE", reason, 0)
    others = sa.services.part(Suspects).after(sa)
    ends.lost(sa, reason)
    for other in others:
        other.do(CheckLiveness())
