"""IKE_FOLLOWUP_KE, RFC 9370 §2.2.4: the additional key exchanges of a CREATE_CHILD_SA.

    request   CREATE_CHILD_SA {SA, Ni, KEi, ...}
    response  {SA, Nr, KEr, ..., N(ADDITIONAL_KEY_EXCHANGE)(link 1)}
    request   IKE_FOLLOWUP_KE {KEi(1), N(ADDITIONAL_KEY_EXCHANGE)(link 1)}
    response  {KEr(1), N(ADDITIONAL_KEY_EXCHANGE)(link 2)}      ... the last one without a link

Only behind the last one is the SA made, with the shared secrets of all. The link is the
responder's: it finds the exchange again by it. One that is not known is STATE_NOT_FOUND.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cygnet.crypto import ke
from cygnet.crypto.names import ke_text
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.task import Draft, Reply
from cygnet.values.errors import PeerError
from cygnet.values.iana import KeId
from cygnet.values.secret import Secret
from cygnet.wire.header import ExchangeType
from cygnet.wire.ikev2.ke import KePayload
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.payload import Payload

LINK_LENGTH = 8  #: bytes of the links we give
MAX_OPEN = 4  #: unfinished exchanges kept per IKE_SA: a peer with a window of 1 has one
MAX_AGE = 60.0  #: seconds an unfinished exchange is kept

#: What is done when all secrets are there; returns what is to be done behind the response
Complete = Callable[[list[Secret]], Callable[[], None]]


class Rounds:
    """The initiator's additional key exchanges, one after the other."""

    def __init__(self, sa: IkeSaV2, methods: Sequence[KeId], first: list[Secret], answer: Message) -> None:
        self.sa = sa
        self.secrets = list(first)
        self._methods = list(methods)
        self._private: ke.PrivateKe | None = None
        self._link = _link(answer)

    def draft(self) -> Draft:
        if self._private is None:
            self._private = ke.initiate(self._methods[0], self.sa.services.entropy.bytes)
        payloads: list[Payload] = [KePayload(self._private.method, self._private.public)]
        payloads.append(NotifyPayload(NotifyType.ADDITIONAL_KEY_EXCHANGE, self._link))
        return Draft(ExchangeType.IKE_FOLLOWUP_KE, payloads)

    def take(self, message: Message) -> bool:
        """One response; True when it was the last. Raises PeerError."""
        error = message.error()
        if error is not None:
            raise PeerError(error.kind, f"peer ended the additional key exchanges with {error.kind}")
        assert self._private is not None
        theirs = message.need(KePayload)
        if theirs.method != self._methods[0]:
            raise PeerError(0, f"peer sent {ke_text(theirs.method)} for {ke_text(self._methods[0])}")
        self.secrets.append(finish_ke(self._private, theirs.data))
        self._private = None
        del self._methods[0]
        if self._methods:
            self._link = _link(message)
        return not self._methods


def finish_ke(private: ke.PrivateKe, public: bytes) -> Secret:
    """The shared secret; what is wrong with the peer's value is its fault."""
    try:
        return private.finish(public)
    except ValueError as error:
        raise PeerError(0, f"bad key exchange value: {error}") from error


def _link(message: Message) -> bytes:
    notify = message.notify(NotifyType.ADDITIONAL_KEY_EXCHANGE)
    if notify is None:
        raise PeerError(0, "peer agreed to additional key exchanges and gives no link to them")
    return notify.data


@dataclass(slots=True)
class _Open:
    """The responder's side of one exchange that is not yet complete."""

    methods: list[KeId]
    secrets: list[Secret]
    complete: Complete
    abandon: Callable[[], object]  #: forget what was to be made
    since: float


class Followups:
    """The peer's unfinished exchanges of one IKE_SA, by their links."""

    def __init__(self, sa: IkeSaV2) -> None:
        self.open: dict[bytes, _Open] = {}

    def begin(
        self,
        sa: IkeSaV2,
        methods: Sequence[KeId],
        secrets: list[Secret],
        complete: Complete,
        abandon: Callable[[], object],
    ) -> NotifyPayload:
        now = sa.services.now
        for link, one in list(self.open.items()):
            if now - one.since > MAX_AGE:
                self.open.pop(link).abandon()
        if len(self.open) >= MAX_OPEN:
            raise PeerError(NotifyType.TEMPORARY_FAILURE, "too many unfinished additional key exchanges")
        return self._keep(sa, _Open(list(methods), secrets, complete, abandon, now))

    def _keep(self, sa: IkeSaV2, one: _Open) -> NotifyPayload:
        link = sa.services.entropy.bytes(LINK_LENGTH)
        self.open[link] = one
        return NotifyPayload(NotifyType.ADDITIONAL_KEY_EXCHANGE, link)

    def answer(self, sa: IkeSaV2, message: Message) -> Reply:
        notify = message.notify(NotifyType.ADDITIONAL_KEY_EXCHANGE)
        one = self.open.pop(notify.data, None) if notify is not None else None
        if one is None:
            raise PeerError(NotifyType.STATE_NOT_FOUND, "additional key exchange that was not begun")
        try:
            return self._round(sa, message, one)
        except PeerError:
            one.abandon()
            raise

    def _round(self, sa: IkeSaV2, message: Message, one: _Open) -> Reply:
        theirs = message.need(KePayload)
        if theirs.method != one.methods[0]:
            text = f"{ke_text(theirs.method)} for {ke_text(one.methods[0])}"
            raise PeerError(NotifyType.INVALID_SYNTAX, f"peer sent {text}")
        payload, secret = respond_one(sa, theirs)
        del one.methods[0]
        one.secrets.append(secret)
        if not one.methods:
            return Reply([payload], one.complete(one.secrets))
        return Reply([payload, self._keep(sa, one)])


def respond_one(sa: IkeSaV2, theirs: KePayload) -> tuple[KePayload, Secret]:
    """Our public value and the shared secret. Raises PeerError(INVALID_SYNTAX) on a bad one."""
    try:
        public, shared = ke.respond(theirs.method, theirs.data, sa.services.entropy.bytes)
    except ValueError as error:
        raise PeerError(NotifyType.INVALID_SYNTAX, f"bad key exchange value: {error}") from error
    return KePayload(theirs.method, public), shared


def answer(sa: IkeSaV2, message: Message) -> Reply:
    if not sa.is_established:
        raise PeerError(
            NotifyType.STATE_NOT_FOUND, f"refusing {message.title}: the IKE_SA is {sa.state.value}"
        )
    return sa.part(Followups).answer(sa, message)
