"""The first message of a peer: refused or asked back without keeping anything, or an IKE_SA for it.

What is answered statelessly: a missing cookie, a key exchange of the wrong method, no common
proposal. All of it is unauthenticated, so each costs one datagram, at most as long as the
request (RFC 7296 §2.6, §1.2, §2.21.1).
"""

from __future__ import annotations

from cygnet.boundary.effects import Send
from cygnet.boundary.events import Datagram
from cygnet.crypto.names import ke_text, proposals_text
from cygnet.engine.half_open import BEFORE_COOKIES
from cygnet.engine.ikev2 import redirect
from cygnet.engine.ikev2.cookies import Cookies
from cygnet.engine.ikev2.proposals import ike_proposals, unusable_kes, with_none
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.suite import ADDITIONAL, Suite
from cygnet.engine.ikev2.tasks import resume
from cygnet.engine.lookup import by_address
from cygnet.engine.registry import Registry
from cygnet.engine.sa import IkeSa, IkeState
from cygnet.engine.services import Services
from cygnet.model.config import Connection
from cygnet.values.errors import PeerError
from cygnet.values.proposal import Proposal, select
from cygnet.wire.header import FLAG_RESPONSE, NO_SPI, ExchangeType, Header
from cygnet.wire.ikev2.ke import KePayload
from cygnet.wire.ikev2.message import Message, check_critical
from cygnet.wire.ikev2.nonce import NoncePayload
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.numbers import PayloadType
from cygnet.wire.ikev2.rules import check_rules
from cygnet.wire.ikev2.sa import SaPayload

NONCE_ONLY = frozenset({PayloadType.NONCE})


def respond(registry: Registry[IkeSa], event: Datagram, header: Header) -> IkeSa | None:
    """The IKE_SA that answers, or None when that has been done (or is not to be done)."""
    # "with the COOKIE notification [...] as the first payload" (§2.6): under load nothing else is read
    # of a message that begins with another one
    without_cookie = header.next_payload != PayloadType.NOTIFY and _needs_cookie(registry, event)
    try:
        message = Message.decode(event.data, header, NONCE_ONLY if without_cookie else None)
        message = message if without_cookie else check_rules(message)
    except PeerError as error:
        registry.services.log("NET", f"ignoring message from {event.remote}: {error.detail}")
        return None
    if (
        message.exchange not in BEGINNINGS
        or message.response
        or not message.from_initiator
        or message.message_id != 0
        or message.spi_i == NO_SPI
    ):
        registry.services.log("NET", f"ignoring {message.title} from {event.remote}: it begins no IKE_SA")
        return None
    try:
        if without_cookie:
            _check_cookie(registry, event, message, message.need(NoncePayload).data)
        check_critical(message)
        return BEGINNINGS[message.exchange](registry, event, message)
    except PeerError as error:
        _log_received(registry.services, event, message)
        registry.services.log("IKE", f"{error.detail}, sending {NotifyType(error.notify)}")
        _reply(registry.services, event, message, NotifyPayload(NotifyType(error.notify), error.data))
        return None


def _accept(registry: Registry[IkeSa], event: Datagram, message: Message) -> IkeSaV2:
    nonce, theirs = message.need(NoncePayload), message.need(KePayload)
    proven = _check_cookie(registry, event, message, nonce.data)
    redirect.refuse_new(registry, event, message, nonce.data)
    candidates = by_address(registry.services, event.local.address, event.remote.address, 2)
    if not candidates:
        raise PeerError(
            NotifyType.NO_PROPOSAL_CHOSEN,
            f"no IKE config found for {event.local.address}...{event.remote.address}",
        )
    fitting, selected = _choose(registry.services, event, candidates, message)
    try:
        suite = Suite.of(selected)
    except ValueError as error:
        raise PeerError(NotifyType.NO_PROPOSAL_CHOSEN, str(error)) from error
    if theirs.method != suite.ke:
        raise PeerError(
            NotifyType.INVALID_KE_PAYLOAD,
            f"key exchange method {ke_text(theirs.method)} unacceptable, requesting {ke_text(suite.ke)}",
            suite.ke.to_bytes(2),
        )
    sa = _begun(registry, event, message, fitting[0], proven)
    sa.shaking.suite, sa.shaking.candidates = suite, fitting
    sa.shaking.answer = with_none(selected, message.need(SaPayload).proposals)
    return sa


def _resume(registry: Registry[IkeSa], event: Datagram, message: Message) -> IkeSaV2:
    """RFC 5723 §4.3: the first message may show a ticket instead."""
    proven = _check_cookie(registry, event, message, message.need(NoncePayload).data)
    held, connection = resume.accept(registry.services, event, message)
    sa = _begun(registry, event, message, connection, proven)
    sa.shaking.resumed, sa.shaking.candidates = held, [connection]
    return sa


#: exchange -> what answers it when it begins an IKE_SA. Raises PeerError: its notify is the answer
BEGINNINGS = {ExchangeType.IKE_SA_INIT: _accept, ExchangeType.IKE_SESSION_RESUME: _resume}


def _begun(
    registry: Registry[IkeSa], event: Datagram, message: Message, connection: Connection, proven: bool
) -> IkeSaV2:
    """An IKE_SA for the peer; it counts as half open from here on."""
    sa = IkeSaV2(registry, connection, False, event.local, event.remote)
    sa.spi_i = message.spi_i
    sa.count_half_open(proven)
    sa.enter(IkeState.CONNECTING)
    sa.expect_again()
    sa.shaking.decoded = message
    return sa


def _choose(
    services: Services, event: Datagram, candidates: list[Connection], message: Message
) -> tuple[list[Connection], Proposal]:
    """The proposal of the first candidate that has one in common, and every candidate that fits it."""
    theirs = [unusable_kes(p) for p in message.need(SaPayload).proposals]
    if message.notify(NotifyType.INTERMEDIATE_EXCHANGE_SUPPORTED) is None:
        # RFC 9370 §2.2.1: without IKE_INTERMEDIATE there is no place for additional key exchanges
        theirs = [p for p in theirs if not any(p.of_type(kind) for kind in ADDITIONAL)]
    prefer_theirs = not services.config.settings.prefer_configured_proposals
    for connection in candidates:
        selected = select(ike_proposals(connection), theirs, prefer_theirs)
        if selected is not None:
            same = connection.proposals
            fitting = [
                c
                for c in candidates
                if c.proposals == same or select(ike_proposals(c), [selected]) is not None
            ]
            return fitting, selected
    configured = proposals_text(ike_proposals(candidates[0]))
    received = proposals_text(message.need(SaPayload).proposals)
    text = f"{event.remote.address} proposed {received}; '{candidates[0].name}' accepts {configured}"
    services.log("CFG", f"received proposals: {received}", stranger=True)
    services.log("CFG", f"configured proposals: {configured}", stranger=True)
    services.alert("proposal-mismatch-ike", text)
    raise PeerError(NotifyType.NO_PROPOSAL_CHOSEN, "no matching proposal found")


def _check_cookie(registry: Registry[IkeSa], event: Datagram, message: Message, nonce: bytes) -> bool:
    """Whether the peer has shown a cookie of ours. Raises PeerError(COOKIE) with the one to send while it
    has not and must: too many IKE_SAs are half open, in all or of its address."""
    cookies = registry.services.part(Cookies)
    shown = message.notify(NotifyType.COOKIE)
    if shown is not None and cookies.is_valid(shown.data, nonce, event.remote, message.spi_i):
        return True
    if _needs_cookie(registry, event):
        cookie = cookies.make(nonce, event.remote, message.spi_i)
        raise PeerError(NotifyType.COOKIE, f"{registry.half_open.total} IKE_SAs are half open", cookie)
    return False


def _needs_cookie(registry: Registry[IkeSa], event: Datagram) -> bool:
    settings, half_open = registry.services.config.settings, registry.half_open
    if not settings.dos_protection or not settings.cookie_threshold:
        return False
    of_one = settings.block_threshold is None and half_open.of(event.remote.address) >= BEFORE_COOKIES
    return of_one or half_open.total >= settings.cookie_threshold


def _log_received(services: Services, event: Datagram, message: Message) -> None:
    services.log("NET", f"received packet: from {event.remote} to {event.local} ({len(event.data)} bytes)")
    services.log("ENC", f"parsed {message}")


def _reply(services: Services, event: Datagram, message: Message, notify: NotifyPayload) -> None:
    """A response without an IKE_SA: the responder's SPI stays zero (§2.6)."""
    response = Message(message.spi_i, NO_SPI, message.exchange, message.message_id, False, True, (notify,))
    data = response.encode()
    services.log("ENC", f"generating {response}")
    services.log("NET", f"sending packet: from {event.local} to {event.remote} ({len(data)} bytes)")
    services.emit(Send(event.local, event.remote, data))


def refuse_version(registry: Registry[IkeSa], event: Datagram, header: Header) -> None:
    """§2.5: "it MUST drop the message and SHOULD send an unauthenticated Notify message of type
    INVALID_MAJOR_VERSION containing the highest (closest) version number it supports." """
    if header.flags & FLAG_RESPONSE:
        return
    own = NotifyPayload(NotifyType.INVALID_MAJOR_VERSION)
    answer = Message(
        header.spi_i, header.spi_r, header.exchange, header.message_id, False, True, (own,)
    ).encode()
    registry.services.emit(Send(event.local, event.remote, answer))
