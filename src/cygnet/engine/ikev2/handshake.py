"""What an IKE_SA remembers from its first message until both sides are authenticated."""

from __future__ import annotations

from dataclasses import dataclass, field

from cygnet.crypto.ke import PrivateKe
from cygnet.engine.certificates import Shown
from cygnet.engine.ikev2.auth import SignedOctets
from cygnet.engine.ikev2.keys import IkeKeys, Nonces
from cygnet.engine.ikev2.suite import Suite
from cygnet.engine.ikev2.tickets import Held
from cygnet.model.config import Connection
from cygnet.values.iana import KeId
from cygnet.values.proposal import Proposal
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which keys an IKE_AUTH request was made with, a PPK's or not (RFC 8784): ``keys``, for both AUTH
    payloads. ``auth``: what to verify instead of the AUTH payload's data."""

    keys: IkeKeys
    used: bool = False
    auth: bytes | None = None

    @property
    def notifies(self) -> list[NotifyPayload]:
        return [NotifyPayload(NotifyType.PPK_IDENTITY)] if self.used else []


@dataclass(slots=True)
class Progress:
    """How far both ends are. ``first`` is the responder's: the request that began IKE_AUTH."""

    own: int = 0
    theirs: int = 0
    first: Message | None = None
    verdict: Verdict | None = None


@dataclass(slots=True)
class Handshake:
    """``request`` and ``response`` are the IKE_SA_INIT messages as sent: AUTH covers them."""

    nonce_i: bytes = b""
    nonce_r: bytes = b""
    request: bytes = b""
    response: bytes = b""
    private: PrivateKe | None = None
    method: KeId = KeId.NONE  #: initiator: of the KE payload sent
    resumed: Held | None = None  #: the session that this IKE_SA takes up (RFC 5723)
    cookie: bytes = b""
    attempts: int = 0  #: IKE_SA_INIT requests sent anew (cookie, other method, redirect)
    suite: Suite | None = None
    answer: Proposal | None = None  #: responder: the choice as it is sent
    decoded: Message | None = None  #: responder: the first request, as the one who made this has read it
    candidates: list[Connection] = field(default_factory=list)  #: responder: by address, before identities
    others: list[Connection] = field(default_factory=list)  #: responder: that fit the identities, too
    progress: Progress = field(default_factory=Progress)  #: responder: of IKE_AUTH
    additional: list[KeId] = field(default_factory=list)  #: responder: key exchanges still to come
    shown: Shown = field(default_factory=Shown)  #: the peer's certificates, and which it asks for
    intermediate: bytes = b""  #: IntAuth and message ID (RFC 9242 §3.3.2), once complete
    int_auth_i: bytes = b""
    int_auth_r: bytes = b""

    @property
    def nonces(self) -> Nonces:
        return Nonces(self.nonce_i, self.nonce_r)

    def close_intermediate(self, auth_message_id: int) -> None:
        """IKE_AUTH begins: what the IKE_INTERMEDIATE exchanges add to both AUTH payloads."""
        if self.int_auth_i:
            self.intermediate = self.int_auth_i + self.int_auth_r + auth_message_id.to_bytes(4)

    def octets_i(self, keys: IkeKeys) -> SignedOctets:
        """What the initiator's AUTH covers."""
        return SignedOctets(keys.suite.prf, self.request, self.nonce_r, self.intermediate)

    def octets_r(self, keys: IkeKeys) -> SignedOctets:
        return SignedOctets(keys.suite.prf, self.response, self.nonce_i, self.intermediate)
